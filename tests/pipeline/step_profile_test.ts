import { assertEquals } from "@std/assert";
import { kernelName, PARTS, placeNodes, timesByLayer, timesByOp } from "../../pipeline/step_profile.ts";
import type { RunNode } from "../../runtime/step_stats.ts";

/** `name = op(inputs)`, taking so many milliseconds. */
function node(name: string, op: string, inputs: string[] = [], ms = 0): RunNode {
  return { name, op, inputs, ms };
}

/** The arguments of a step, as `profile` calls them. */
const ARGUMENTS = [
  "0.variables.params.stage.0.conv.weight",
  "0.variables.params.stage.0.norm.weight",
  "0.variables.params.stage.0.norm.bias",
  "0.variables.params.fc.weight",
  "0.variables.batchStats.stage.0.norm.running_mean",
  "0.velocities.stage.0.conv.weight",
  "0.velocities.stage.0.norm.bias",
  "0.velocities.fc.weight",
  "1.images",
  "1.labels",
  "1.learningRate",
  "1.seed",
].map((name) => node(name, "_Arg"));

/**
 * A training step drawn by hand: convolution, batch norm, relu, mean, linear layer, loss, and all the way back. The
 * times are powers of two, so that each sum says what is in it.
 */
const STEP: RunNode[] = [
  ...ARGUMENTS,
  node("zero", "Const"),
  node("normalized", "Mul", ["1.images", "zero"], 1),
  // In bfloat16, and back for the optimizer, as TensorFlow's rewrite does it.
  node("kernel16", "Cast", ["0.variables.params.stage.0.conv.weight"], 2 ** 28),
  node("kernel32", "Cast", ["kernel16"], 2 ** 29),
  node("conv", "_MklNativeConv2D", ["normalized", "kernel16"], 2),
  node("norm", "_MklNativeFusedBatchNormEx", [
    "conv",
    "0.variables.params.stage.0.norm.weight",
    "0.variables.params.stage.0.norm.bias",
    "zero",
  ], 4),
  node("relu", "Relu", ["norm"], 8),
  node("pooled", "Mean", ["relu", "zero"], 16),
  node("logits", "MatMul", ["pooled", "0.variables.params.fc.weight"], 32),
  node("entropy", "SparseSoftmaxCrossEntropyWithLogits", ["logits", "1.labels"], 64),
  node("dLogits", "Mul", ["zero", "entropy"], 128),
  node("dFc", "MatMul", ["pooled", "dLogits"], 256),
  node("dPooled", "MatMul", ["dLogits", "0.variables.params.fc.weight"], 512),
  node("spread", "BroadcastTo", ["dPooled", "zero"], 1024),
  node("dRelu", "ReluGrad", ["spread", "relu"], 2048),
  node("dNorm", "_MklNativeFusedBatchNormGradV3", [
    "dRelu",
    "conv",
    "0.variables.params.stage.0.norm.weight",
    "norm",
  ], 4096),
  node("dConv16", "Conv2DBackpropFilter", ["normalized", "zero", "dNorm"], 8192),
  node("dConv", "Cast", ["dConv16"], 16384),
  // The optimizer, with weight decay for the convolution's kernel.
  node("decay", "Mul", ["0.variables.params.stage.0.conv.weight", "zero"], 2 ** 15),
  node("decayed", "Add", ["dConv", "decay"], 2 ** 16),
  node("carried", "Mul", ["0.velocities.stage.0.conv.weight", "zero"], 2 ** 17),
  node("velocity", "Add", ["carried", "decayed"], 2 ** 18),
  node("rated", "Mul", ["velocity", "1.learningRate"], 2 ** 19),
  node("kernel", "Sub", ["kernel32", "rated"], 2 ** 20),
  node("carriedFc", "Mul", ["0.velocities.fc.weight", "zero"], 2 ** 21),
  node("velocityFc", "Add", ["carriedFc", "dFc"], 2 ** 22),
  node("carriedBias", "Mul", ["0.velocities.stage.0.norm.bias", "zero"], 2 ** 23),
  node("velocityBias", "Add", ["carriedBias", "dNorm"], 2 ** 24),
  // The running statistics.
  node("kept", "Mul", ["0.variables.batchStats.stage.0.norm.running_mean", "zero"], 2 ** 25),
  node("mean", "Add", ["kept", "norm"], 2 ** 26),
  node("step", "IdentityN", ["kernel", "velocity", "mean", "entropy"], 2 ** 27),
  node("_retval_step_0_0", "_Retval", ["step"]),
];

Deno.test("placeNodes: whom each node of a training step works for", () => {
  const places = placeNodes(STEP.toReversed()); // in no order at all
  const expected: Record<string, [layer: string, pass: string]> = {
    normalized: [PARTS.input, "forward"],
    kernel16: ["stage.0.conv", "forward"],
    conv: ["stage.0.conv", "forward"],
    norm: ["stage.0.norm", "forward"],
    relu: ["stage.0.norm", "forward"],
    pooled: ["stage.0.norm", "forward"],
    logits: ["fc", "forward"],
    entropy: [PARTS.loss, "forward"],
    dLogits: [PARTS.loss, "backward"],
    dFc: ["fc", "backward"],
    dPooled: ["fc", "backward"],
    spread: ["fc", "backward"],
    dRelu: ["stage.0.norm", "backward"],
    dNorm: ["stage.0.norm", "backward"],
    dConv16: ["stage.0.conv", "backward"],
    dConv: ["stage.0.conv", "backward"],
    decayed: [PARTS.optimizer, "update"],
    kernel: [PARTS.optimizer, "update"],
    velocityFc: [PARTS.optimizer, "update"],
    mean: [PARTS.statistics, "update"],
    step: [PARTS.other, "forward"],
    zero: [PARTS.other, "forward"],
    "1.images": [PARTS.other, "forward"],
  };
  for (const [name, [layer, pass]] of Object.entries(expected)) {
    assertEquals(
      places.get(name),
      { layer, pass } as typeof places extends Map<string, infer P> ? P : never,
      name,
    );
  }
  assertEquals(places.size, STEP.length);
});

Deno.test("timesByLayer: every millisecond once, in the order of the network, then the rest of the step", () => {
  const rows = timesByLayer(STEP, ["input", "stage.0.conv", "stage.0.norm", "fc"]);
  assertEquals(rows.map(({ layer, forward, backward, update }) => [layer, forward, backward, update]), [
    ["stage.0.conv", 2 + 2 ** 28 + 2 ** 29, 8192 + 16384, 0],
    ["stage.0.norm", 4 + 8 + 16, 2048 + 4096, 0],
    ["fc", 32, 256 + 512 + 1024, 0],
    [PARTS.input, 1, 0, 0],
    [PARTS.loss, 64, 128, 0],
    [PARTS.optimizer, 0, 0, 2 ** 25 - 2 ** 15],
    [PARTS.statistics, 0, 0, 2 ** 25 + 2 ** 26],
    [PARTS.other, 2 ** 27, 0, 0],
  ]);
  assertEquals(rows.reduce((sum, { total }) => sum + total, 0), 2 ** 30 - 1);
});

Deno.test("placeNodes of an inference step: the layers, all of it forward", () => {
  const places = placeNodes([
    node("0.variables.params.conv1.0.weight", "_Arg"),
    node("0.variables.params.conv1.1.weight", "_Arg"),
    node("0.variables.batchStats.conv1.1.running_mean", "_Arg"),
    node("1.images", "_Arg"),
    node("conv", "Conv2D", ["1.images", "0.variables.params.conv1.0.weight"]),
    node("norm", "FusedBatchNormV3", [
      "conv",
      "0.variables.params.conv1.1.weight",
      "0.variables.batchStats.conv1.1.running_mean",
    ]),
  ]);
  assertEquals(places.get("conv"), { layer: "conv1.0", pass: "forward" });
  assertEquals(places.get("norm"), { layer: "conv1.1", pass: "forward" });
});

Deno.test("timesByOp: by kernel, the longest first, arguments and results left out", () => {
  const rows = timesByOp([
    node("0.x", "_Arg", [], 100),
    node("a", "Add", [], 1),
    node("c", "_MklNativeConv2D", [], 5),
    node("d", "Conv2D", [], 2),
    node("b", "Add", [], 3),
    node("r", "_Retval", [], 100),
  ]);
  assertEquals(rows, [
    { op: "Conv2D (oneDNN)", count: 1, ms: 5 },
    { op: "Add", count: 2, ms: 4 },
    { op: "Conv2D", count: 1, ms: 2 },
  ]);
});

Deno.test("kernelName says whose kernel it is", () => {
  assertEquals(["_MklMatMul", "_MklNativeFusedConv2D", "_FusedMatMul", "Relu"].map(kernelName), [
    "MatMul (oneDNN)",
    "FusedConv2D (oneDNN)",
    "FusedMatMul",
    "Relu",
  ]);
});
