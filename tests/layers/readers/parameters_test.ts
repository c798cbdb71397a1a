/** Names and shapes against the state_dict of the tutorial's own class (tests/data/torch_reference.py). */
import { assertEquals } from "@std/assert";
import { fastResnet } from "../../../layers/networks/fast_resnet.ts";
import { resnet } from "../../../layers/networks/resnet.ts";
import { parameterCount, parameterRoles, parameters } from "../../../layers/readers/parameters.ts";
import stateDict from "../../data/state_dict_resnet34.json" with { type: "json" };

Deno.test("parameters: names, order and shapes are those of the tutorial's state_dict", () => {
  const ours = parameters(resnet([3, 4, 6, 3])).map(({ name, shape: s }) => [
    name,
    s.length === 4 ? [s[3], s[2], s[0], s[1]] : s.length === 2 ? [s[1], s[0]] : s, // to PyTorch's layout
  ]);
  const theirs = stateDict.filter(([name]) => !String(name).endsWith("num_batches_tracked"));
  assertEquals(ours.length, 36 * 2 + 36 * 4 + 2); // 36 convolutions, 36 batch norms, one linear layer
  assertEquals(ours, theirs);
});

Deno.test("parameters: what is trained and what is tracked, and the fan-in", () => {
  const all = parameters(resnet([3, 4, 6, 3]));
  const tracked = all.filter(({ collection }) => collection === "batchStats");
  assertEquals(tracked.length, 72); // 36 batch norms
  assertEquals(tracked.every(({ name }) => /\.running_(mean|var)$/.test(name)), true);
  const fanIn = (name: string): number | undefined => {
    const parameter = all.find((parameter) => parameter.name === name);
    return parameter !== undefined && "fanIn" in parameter ? parameter.fanIn : undefined;
  };
  assertEquals(fanIn("conv1.0.weight"), 147); // 7 * 7 * 3
  assertEquals(fanIn("layer1.0.conv1.0.bias"), 576); // 3 * 3 * 64
  assertEquals(fanIn("layer1.0.downsample.0.weight"), 64);
  assertEquals(fanIn("fc.weight"), 512);
  assertEquals(fanIn("conv1.1.weight"), undefined);
});

Deno.test("parameterRoles: what each tensor is, by its name", () => {
  const model = resnet([1], { stem: "cifar", widths: [16], bias: true });
  const convolution = (name: string) => ({ [`${name}.weight`]: "convKernel", [`${name}.bias`]: "bias" });
  const norm = (name: string) => ({
    [`${name}.weight`]: "scale",
    [`${name}.bias`]: "offset",
    [`${name}.running_mean`]: "runningMean",
    [`${name}.running_var`]: "runningVariance",
  });
  assertEquals<unknown>(parameterRoles(model), {
    ...convolution("conv1.0"),
    ...norm("conv1.1"),
    ...convolution("layer0.0.conv1.0"),
    ...norm("layer0.0.conv1.1"),
    ...convolution("layer0.0.conv2.0"),
    ...norm("layer0.0.conv2.1"),
    "fc.weight": "linearWeight",
    "fc.bias": "bias",
  });
  const fast = parameterRoles(fastResnet());
  assertEquals(Object.keys(fast), parameters(fastResnet()).map(({ name }) => name));
  assertEquals([fast["stem.0.weight"], fast["fc.weight"]], ["convKernel", "linearWeight"]);
});

Deno.test("parameterCount: the tutorial's network, as torchsummary counts it", () => {
  assertEquals(parameterCount(resnet([3, 4, 6, 3])), 21_298_314);
});

Deno.test("parameterCount: the CIFAR family, by hand", () => {
  // Blocks without convolution biases: a convolution has 9 i o weights, a batch norm 2 o.
  const block = (i: number, o: number): number => 9 * i * o + 2 * o + 9 * o * o + 2 * o;
  const stem = 9 * 3 * 16 + 2 * 16;
  const head = 64 * 10 + 10;
  const counts = [[3, 269_722], [5, 464_154], [7, 658_586], [9, 853_018], [18, 1_727_962]];
  for (const [n, expected] of counts) {
    const byHand = stem + n * block(16, 16) +
      block(16, 32) + (n - 1) * block(32, 32) +
      block(32, 64) + (n - 1) * block(64, 64) + head;
    assertEquals(byHand, expected);
    assertEquals(parameterCount(resnet([n, n, n], { stem: "cifar" })), expected, `depth ${6 * n + 2}`);
  }
});

Deno.test("parameterCount: the fast network, by hand", () => {
  // 2x2 stem with bias; two 3x3 convolutions and two batch norms a stage; a head without bias.
  const stage = (i: number, o: number): number => 9 * i * o + 2 * o + 9 * o * o + 2 * o;
  const byHand = 4 * 3 * 24 + 24 + stage(24, 64) + stage(64, 128) + stage(128, 256) + 256 * 10;
  assertEquals(byHand, 1_161_272);
  assertEquals(parameterCount(fastResnet()), byHand);
});
