/** Initial weights: values against NumPy's generator, moments against the formulas, independence. */
import { assert, assertAlmostEquals, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { defineModel, type InitScheme } from "../../../layers/model.ts";
import { resnet } from "../../../layers/networks/resnet.ts";
import { conv, input } from "../../../layers/nodes/nodes.ts";
import { initArrays } from "../../../layers/readers/init.ts";
import { parameters } from "../../../layers/readers/parameters.ts";
import initValues from "../../data/init_values.json" with { type: "json" };
import { assertClose } from "../../reference.ts";

const resnet8 = resnet([1, 1, 1], { stem: "cifar" });

Deno.test("initArrays: the first values, against another implementation over NumPy's MT19937", () => {
  for (const { seed, name, scheme, values } of initValues) {
    const { data } = initArrays(resnet8, seed, scheme as InitScheme).params[name];
    // Uniform draws are exact; sine, cosine and logarithm may differ in the last bit of a double.
    const tolerance = { relative: scheme === "pytorch" ? 0 : 1e-7, absolute: 0 };
    assertClose({ shape: [6], data: data.slice(0, 6) }, { shape: [6], data: values }, tolerance, name);
  }
});

Deno.test("initArrays: names and shapes are the model's, batch norm starts as the identity", () => {
  const arrays = initArrays(resnet8, 1);
  for (const { collection, name, shape, role } of parameters(resnet8)) {
    const array = arrays[collection][name];
    assertEquals(array.shape, shape, name);
    const constant = role === "scale" || role === "runningVariance" ? 1 : 0;
    if (role !== "convKernel" && role !== "linearWeight") {
      assertEquals([...new Set(array.data)], [constant], name);
    }
  }
  assertEquals(
    Object.keys(arrays.params).length + Object.keys(arrays.batchStats).length,
    parameters(resnet8).length,
  );
});

/** Mean, deviation and largest magnitude. */
function moments(data: Float32Array): { mean: number; deviation: number; largest: number } {
  let sum = 0, squares = 0, largest = 0;
  for (const value of data) {
    sum += value;
    squares += value * value;
    largest = Math.max(largest, Math.abs(value));
  }
  const mean = sum / data.length;
  return { mean, deviation: Math.sqrt(squares / data.length - mean * mean), largest };
}

Deno.test("initArrays: PyTorch's default is uniform with bound 1 / sqrt(fan-in), biases too", () => {
  const { params } = initArrays(resnet([1, 1, 1, 1]), 7);
  for (const parameter of parameters(resnet([1, 1, 1, 1]))) {
    if (!("fanIn" in parameter)) continue;
    const { mean, deviation, largest } = moments(params[parameter.name].data);
    const bound = 1 / Math.sqrt(parameter.fanIn);
    const expected = bound / Math.sqrt(3);
    const n = params[parameter.name].data.length;
    assert(largest <= Math.fround(bound), parameter.name);
    // Five standard errors: of the mean, s / sqrt(n); of a uniform's deviation, s / sqrt(5 n).
    assertAlmostEquals(mean, 0, 5 * expected / Math.sqrt(n), `mean of ${parameter.name}`);
    assertAlmostEquals(
      deviation,
      expected,
      5 * expected / Math.sqrt(5 * n) + expected / n,
      `deviation of ${parameter.name}`,
    );
    if (n > 10000) assert(largest > 0.999 * bound, parameter.name);
  }
});

Deno.test("initArrays: He's is normal with deviation sqrt(2 / fan-in), biases zero", () => {
  const model = resnet([1, 1, 1, 1]);
  const { params } = initArrays(model, 7, "heNormal");
  for (const parameter of parameters(model)) {
    const { data } = params[parameter.name] ?? {};
    if (parameter.role === "bias") assertEquals(moments(data), { mean: 0, deviation: 0, largest: 0 });
    if (parameter.role !== "convKernel" && parameter.role !== "linearWeight") continue;
    const expected = Math.sqrt(2 / parameter.fanIn);
    const { mean, deviation } = moments(data);
    // Five standard errors: of the mean, s / sqrt(n); of a normal's deviation, s / sqrt(2 n).
    assertAlmostEquals(mean, 0, 5 * expected / Math.sqrt(data.length), `mean of ${parameter.name}`);
    assertAlmostEquals(
      deviation,
      expected,
      5 * expected / Math.sqrt(2 * data.length),
      `deviation of ${parameter.name}`,
    );
    // A normal has 68.27 % within one deviation (a uniform of this deviation has 57.7 %).
    const share = data.filter((value) => Math.abs(value) < expected).length / data.length;
    if (data.length > 5000) assertAlmostEquals(share, 0.6827, 0.02, `shape of ${parameter.name}`);
  }
});

Deno.test("initArrays: a function of the seed, and of nothing else", () => {
  assertEquals(initArrays(resnet8, 3), initArrays(resnet8, 3));
  const [a, b] = [initArrays(resnet8, 3), initArrays(resnet8, 4)];
  assertNotEquals(a.params["fc.weight"].data, b.params["fc.weight"].data);
  // Two layers of one shape do not start alike.
  assertNotEquals(
    a.params["layer0.0.conv1.0.weight"].data,
    a.params["layer0.0.conv2.0.weight"].data,
  );
  // More blocks leave the weights of the first ones as they were.
  const deeper = initArrays(resnet([2, 2, 2], { stem: "cifar" }), 3);
  for (const name of Object.keys(a.params)) assertEquals(deeper.params[name], a.params[name], name);
});

Deno.test("initArrays: refuses a seed that is no 32-bit unsigned integer", () => {
  for (const seed of [-1, 0.5, 2 ** 32, NaN]) {
    assertEquals(
      assertThrows(() => initArrays(resnet8, seed), RangeError).message,
      `init: seed must be a whole number from 0 to 4294967295, found ${seed}`,
    );
  }
});

Deno.test("initArrays: dirac passes each channel on, and draws the other filters as PyTorch does", () => {
  const image = input([4, 4, 2]);
  const model = defineModel(conv(image, { name: "c", filters: 3, kernelSize: 3, padding: 1, bias: false }), {
    name: "one convolution",
  });
  const dirac = initArrays(model, 5, "dirac").params["c.weight"].data; // [3, 3, 2, 3]
  const pytorch = initArrays(model, 5, "pytorch").params["c.weight"].data;
  const at = (data: Float32Array, y: number, x: number, channel: number, filter: number): number =>
    data[((y * 3 + x) * 2 + channel) * 3 + filter];
  for (let y = 0; y < 3; y++) {
    for (let x = 0; x < 3; x++) {
      for (let channel = 0; channel < 2; channel++) {
        const middle = y === 1 && x === 1;
        assertEquals(at(dirac, y, x, channel, 0), middle && channel === 0 ? 1 : 0);
        assertEquals(at(dirac, y, x, channel, 1), middle && channel === 1 ? 1 : 0);
        assertEquals(at(dirac, y, x, channel, 2), at(pytorch, y, x, channel, 2));
      }
    }
  }
  // A kernel without a middle, and one with fewer filters than channels, stay as they are drawn.
  for (const cfg of [{ filters: 3, kernelSize: 2 }, { filters: 1, kernelSize: 3 }]) {
    const other = defineModel(conv(image, { name: "c", bias: false, ...cfg }), { name: "another" });
    assertEquals(initArrays(other, 5, "dirac"), initArrays(other, 5, "pytorch"));
  }
});
