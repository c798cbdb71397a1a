/** Functions compiled by XLA: the same values, once a signature, and what it cannot compile. */
import { assert, assertEquals, assertMatch, assertStrictEquals, assertThrows } from "@std/assert";
import { join } from "@std/path";
import { runtime } from "../../../runtime/binding/backend.ts";
import {
  configure,
  conv2d,
  crossEntropy,
  jit,
  maxPool,
  relu,
  silent,
  statelessUniform,
  TensorFlowError,
  tf,
  valueAndGrads,
} from "../../../runtime/mod.ts";
import { codeArgs } from "../../child.ts";
import { canLoadTensorFlow } from "../../needs.ts";
import { assertClose, EXACT, FORWARD, GRADIENT, type Tolerance } from "../../reference.ts";
import { leakTest, tidyTest, uniform } from "../harness.ts";

/** What the user has been told. */
const said: string[] = [];
configure({ progress: { ...silent, message: (line) => void said.push(line) } });

/** A function of tensors, with what it is tried on and how near XLA has to come. */
type Case = [name: string, fn: (...args: tf.Tensor[]) => tf.Tensor[], args: () => tf.Tensor[], Tolerance];

const image = (): tf.Tensor => uniform(1, 2, 8, 8, 3);
const kernel = (): tf.Tensor => uniform(2, 3, 3, 3, 4);
const layer = (x: tf.Tensor, kernel: tf.Tensor): tf.Tensor4D =>
  relu(conv2d(x as tf.Tensor4D, kernel as tf.Tensor4D, { stride: 1, padding: 1 }));

const CASES: Case[] = [
  ["sums and products, element by element", (x, y) => [tf.add(x, y), tf.mul(x, y), tf.sub(x, y)], () => [
    uniform(1, 3, 4),
    uniform(2, 3, 4),
  ], EXACT],
  // Others round more than once, and XLA fuses what rounds: float32 has 24 bits.
  ["softmax and its logarithm", (x) => [tf.softmax(x), tf.logSoftmax(x)], () => [uniform(1, 5, 9)], FORWARD],
  ["a sum of 12,000 numbers", (x) => [tf.sum(x), tf.mean(x, 0)], () => [uniform(1, 300, 40)], FORWARD],
  ["a matrix product", (x, y) => [tf.matMul(x, y)], () => [uniform(1, 30, 40), uniform(2, 40, 50)], FORWARD],
  [
    "a convolution, relu and pooling",
    (x, kernel) => {
      return [maxPool(layer(x, kernel), { kernelSize: 2, stride: 2, padding: 0 })];
    },
    () => [image(), kernel()],
    FORWARD,
  ],
  [
    "a convolution of one channel with a single column of results",
    (x, kernel) => {
      return [tf.conv2d(x as tf.Tensor4D, kernel as tf.Tensor4D, [1, 3], "valid")];
    },
    () => [uniform(1, 2, 12, 2, 1), uniform(2, 3, 2, 1, 13)],
    FORWARD,
  ],
  [
    "a loss and its gradients",
    (x, kernel, labels) => {
      const { value, grads } = valueAndGrads(({ kernel }) => {
        const logits = tf.mean(layer(x, kernel), [1, 2]) as tf.Tensor2D;
        return [crossEntropy(logits, labels as tf.Tensor1D), {}];
      }, { kernel });
      return [value, grads.kernel];
    },
    () => [image(), kernel(), tf.tensor1d([3, 1], "int32")],
    GRADIENT,
  ],
];

for (const [name, fn, args, tolerance] of CASES) {
  tidyTest(`by XLA as without: ${name}`, () => {
    const inputs = args();
    const [compiled, plain] = [jit(fn, { xla: true }), jit(fn, { xla: false })];
    const [found, expected] = [compiled(...inputs), plain(...inputs)];
    found.forEach((tensor, i) => assertClose(tensor, expected[i], tolerance, `${name} ${i}`));
    assertEquals(said, []);
    [compiled, plain].forEach((fn) => fn.dispose());
  });
}

tidyTest("by XLA in bfloat16: results within what bfloat16 rounds away", () => {
  const inputs: [tf.Tensor, tf.Tensor] = [image(), kernel()];
  const [exact, rough] = (["float32", "bfloat16"] as const).map((precision) => {
    const compiled = jit(layer, { precision, xla: true });
    const found = compiled(...inputs);
    compiled.dispose();
    return found;
  });
  // Image, kernel and result each lose up to 2^-9 of themselves, and the results are smaller than what they add up.
  assertClose(rough, exact, { relative: 2 ** -7, absolute: 0 });
  assert(exact.dataSync().some((value, i) => value !== rough.dataSync()[i]), "it was computed in float32");
  assertEquals(said, []);
});

tidyTest("by XLA too, a seed gives the same draws every time, and another seed others", () => {
  const draw = jit((seed: tf.Tensor1D) => statelessUniform([1000], seed), { xla: true });
  const [one, again, other] = [3, 3, 4].map((seed) => draw(tf.tensor1d([seed, -5], "int32")).dataSync());
  assertEquals(one, again);
  assert(one.every((value) => value >= 0 && value < 1));
  assert(one.filter((value, i) => value === other[i]).length < 10);
  draw.dispose();
});

leakTest("what XLA cannot compile runs without it, and is told in one line", () => {
  // XLA has no Dilation2D: the largest sum of pixel and filter in each window.
  const dilate = jit(
    function dilate(x: tf.Tensor4D, filter: tf.Tensor3D) {
      return tf.dilation2d(x, filter, 1, "valid");
    },
    { xla: true },
  );
  const [x, filter] = [tf.tensor4d([1, 2, 3, 4], [1, 2, 2, 1]), tf.tensor3d([0, 0, 0, 5], [2, 2, 1])];
  for (let call = 0; call < 3; call++) {
    tf.tidy(() => assertEquals([...dilate(x, filter).dataSync()], [9]));
    assertEquals(said.length, 1, said.join("\n"));
  }
  assertMatch(said[0], /^XLA does not compile dilate_\d+, which runs without it: .*Dilation2D[^\n]*$/);
  said.length = 0;
  dilate.dispose();
  tf.dispose([x, filter]);
});

leakTest("memory that runs out is no sign that XLA cannot compile", () => {
  const { binding } = runtime();
  const double = jit((x: tf.Tensor) => tf.mul(x, 2), { xla: true });
  const x = tf.ones([3]);
  double(x).dispose();
  // What the code of a product of [2097152,1] and [1,2097152] ends in, after ten seconds of waiting for memory.
  const error = new TensorFlowError(
    "TFE_Execute(jit_1)",
    8,
    "Out of memory while trying to allocate 16.00TiB.",
  );
  const ways: boolean[] = [];
  binding.call = (_fn, _inputs, { xla }) => {
    ways.push(xla);
    throw error;
  };
  try {
    for (let call = 0; call < 2; call++) assertStrictEquals(assertThrows(() => double(x)), error);
  } finally {
    delete (binding as { call?: unknown }).call;
  }
  assertEquals(ways, [true, true]);
  assertEquals(said, []);
  double.dispose();
  x.dispose();
});

/** Runs a script with XLA's dumps on. @returns What XLA compiled: the name of the function, and its program. */
async function programs(script: string): Promise<{ name: string; program: string }[]> {
  const dumps = await Deno.makeTempDir();
  try {
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: codeArgs(`import { configure, conv2d, jit, tf } from "./runtime/mod.ts";${script}`),
      cwd: new URL("../../..", import.meta.url),
      env: { XLA_FLAGS: `--xla_dump_to=${dumps}` },
    }).output();
    assertEquals([code, new TextDecoder().decode(stderr)], [0, ""]);
    return Array.from(Deno.readDirSync(dumps), ({ name }) => name).sort()
      .filter((file) => file.endsWith(".before_optimizations.txt"))
      .map((file) => ({
        name: file.match(/module_\d+\.([a-z]+)_/)![1],
        program: Deno.readTextFileSync(join(dumps, file)),
      }));
  } finally {
    await Deno.remove(dumps, { recursive: true });
  }
}

/** How often XLA compiles in a script, by the name of the function. */
async function compilations(script: string): Promise<Record<string, number>> {
  const names = (await programs(script)).map(({ name }) => name);
  return Object.fromEntries(
    [...new Set(names)].map((name) => [name, names.filter((n) => n === name).length]),
  );
}

Deno.test({
  name: "XLA compiles once a signature, where it is asked for",
  ignore: !canLoadTensorFlow,
  async fn() {
    const calls = `
      const fn = (name: string) => Object.defineProperty((x: tf.Tensor) => tf.softmax(x), "name", { value: name });
      const asked = jit(fn("asked"), { xla: true }), off = jit(fn("off"), { xla: false });
      const left = jit(fn("left")), open = jit(fn("open"), { xla: undefined });
      for (let i = 0; i < 3; i++) {
        for (const shape of [[3, 4], [2, 4]]) for (const f of [asked, off, left, open]) f(tf.ones(shape)).dataSync();
      }`;
    assertEquals(await compilations(`await tf.ready();${calls}`), { asked: 2 });
    assertEquals(await compilations(`configure({ xla: true }); await tf.ready();${calls}`), {
      asked: 2,
      left: 2,
      open: 2,
    });
  },
});

Deno.test({
  name: "XLA compiles products and convolutions as exact in float32, and not in tf32, in one process",
  ignore: !canLoadTensorFlow,
  async fn() {
    const found = await programs(`
      await tf.ready();
      const named = (name: string) =>
        Object.defineProperty(
          (a: tf.Tensor2D, x: tf.Tensor4D, kernel: tf.Tensor4D) => [
            tf.matMul(a, a),
            conv2d(x, kernel, { stride: 2, padding: 1 }),
          ],
          "name",
          { value: name },
        );
      const rounded = jit(named("rounded"), { xla: true, precision: "tf32" });
      const exact = jit(named("exact"), { xla: true });
      const args = [tf.ones([4, 4]), tf.ones([2, 8, 8, 4]), tf.ones([3, 3, 4, 8])] as const;
      for (const fn of [rounded, exact, rounded, exact]) fn(...args);`);
    const exactOps = ({ program }: { program: string }): number =>
      program.split("\n").filter((line) =>
        / (dot|convolution)\(/.test(line) && line.includes("operand_precision={highest,highest}")
      ).length;
    assertEquals(found.map((one) => [one.name, exactOps(one)]), [["rounded", 0], ["exact", 2]]);
    assertEquals(found[0].program.match(/ f32\S* (dot|convolution)\(/g)?.length, 2);
  },
});
