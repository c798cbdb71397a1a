import { assertEquals } from "@std/assert";
import {
  kernelName,
  PARTS,
  type Place,
  placeOf,
  shortName,
  timesByLayer,
  timesByOp,
} from "../../../pipeline/bench/step_profile.ts";
import type { RunNode } from "../../../runtime/compile/step_stats.ts";

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
  "0.optState.velocity.stage.0.conv.weight",
  "0.optState.velocity.stage.0.norm.bias",
  "0.optState.velocity.fc.weight",
  "1.images",
  "1.labels",
  "1.learningRate",
  "1.seed",
].map((name) => node(name, "_Arg"));

/** A parameter, and what it is in bfloat16. */
const KERNEL = "0.variables.params.stage.0.conv.weight";
const KERNEL16 = "stage.0.conv/Cast_32";

/**
 * A training step drawn by hand, with names as TensorFlow gives them back: convolution, batch norm, relu, mean, linear
 * layer, loss, and all the way back. The times are powers of two, so that each sum says what is in it.
 */
const STEP: RunNode[] = [
  ...ARGUMENTS,
  node("stage.0.norm/Const_3", "Const"),
  node("transforms/normalize/Mul_1", "Mul", ["1.images", "stage.0.norm/Const_3"], 1),
  // The layers in bfloat16, what comes after the mean in float32.
  node(KERNEL16, "Cast", [KERNEL], 2 ** 28),
  node("stage.0.conv/Conv2D_2", "_MklNativeConv2D", ["transforms/normalize/Mul_1", KERNEL16], 2),
  node("stage.0.norm/FusedBatchNormV3_4", "_MklNativeFusedBatchNormEx", [
    "stage.0.conv/Conv2D_2",
    "0.variables.params.stage.0.norm.weight",
    "0.variables.params.stage.0.norm.bias",
    "stage.0.norm/Const_3",
  ], 4),
  node("stage.0.relu/Relu_5", "Relu", ["stage.0.norm/FusedBatchNormV3_4"], 8),
  node("stage.0.relu/Cast_33", "Cast", ["stage.0.relu/Relu_5"], 2 ** 29),
  node("pool/Mean_6", "Mean", ["stage.0.relu/Cast_33", "pool/Const_7"], 16),
  node("fc/MatMul_8", "MatMul", ["pool/Mean_6", "0.variables.params.fc.weight"], 32),
  node("loss/Entropy_9", "SparseSoftmaxCrossEntropyWithLogits", ["fc/MatMul_8", "1.labels"], 64),
  node("gradient/loss/Mul_10", "Mul", ["loss/Const_11", "loss/Entropy_9"], 128),
  node("gradient/fc/MatMul_12", "MatMul", ["pool/Mean_6", "gradient/loss/Mul_10"], 256),
  node("gradient/fc/MatMul_13", "MatMul", ["gradient/loss/Mul_10", "0.variables.params.fc.weight"], 512),
  node("gradient/pool/BroadcastTo_14", "BroadcastTo", ["gradient/fc/MatMul_13", "pool/Const_7"], 1024),
  node("gradient/stage.0.relu/ReluGrad_15", "ReluGrad", [
    "gradient/pool/BroadcastTo_14",
    "stage.0.relu/Relu_5",
  ], 2048),
  node("gradient/stage.0.norm/FusedBatchNormGradV3_16", "_MklNativeFusedBatchNormGradV3", [
    "gradient/stage.0.relu/ReluGrad_15",
    "stage.0.conv/Conv2D_2",
    "0.variables.params.stage.0.norm.weight",
    "stage.0.norm/FusedBatchNormV3_4",
  ], 4096),
  node("gradient/stage.0.conv/Conv2DBackpropFilter_17", "Conv2DBackpropFilter", [
    "transforms/normalize/Mul_1",
    "gradient/stage.0.conv/Const_18",
    "gradient/stage.0.norm/FusedBatchNormGradV3_16",
  ], 8192),
  node("gradient/stage.0.conv/Cast_34", "Cast", ["gradient/stage.0.conv/Conv2DBackpropFilter_17"], 16384),
  // The optimizer, with weight decay for the convolution's kernel.
  node("optimizer/Mul_19", "Mul", [KERNEL, "optimizer/Const_20"], 2 ** 15),
  node("optimizer/Add_21", "Add", ["gradient/stage.0.conv/Cast_34", "optimizer/Mul_19"], 2 ** 16),
  node("optimizer/Mul_22", "Mul", ["0.optState.velocity.stage.0.conv.weight", "optimizer/Const_20"], 2 ** 17),
  node("optimizer/Add_23", "Add", ["optimizer/Mul_22", "optimizer/Add_21"], 2 ** 18),
  node("optimizer/Mul_24", "Mul", ["optimizer/Add_23", "1.learningRate"], 2 ** 19),
  node("optimizer/Sub_25", "Sub", [KERNEL, "optimizer/Mul_24"], 2 ** 20),
  node("optimizer/Mul_26", "Mul", ["0.optState.velocity.fc.weight", "optimizer/Const_20"], 2 ** 21),
  node("optimizer/Add_27", "Add", ["optimizer/Mul_26", "gradient/fc/MatMul_12"], 2 ** 22),
  node("optimizer/Mul_28", "Mul", ["0.optState.velocity.stage.0.norm.bias", "optimizer/Const_20"], 2 ** 23),
  node("optimizer/Add_29", "Add", [
    "optimizer/Mul_28",
    "gradient/stage.0.norm/FusedBatchNormGradV3_16",
  ], 2 ** 24),
  // The running statistics.
  node("stage.0.norm/statistics/Mul_30", "Mul", [
    "0.variables.batchStats.stage.0.norm.running_mean",
    "stage.0.norm/Const_3",
  ], 2 ** 25),
  node("stage.0.norm/statistics/Add_31", "Add", [
    "stage.0.norm/statistics/Mul_30",
    "stage.0.norm/FusedBatchNormV3_4",
  ], 2 ** 26),
  node("step", "IdentityN", [
    "optimizer/Sub_25",
    "optimizer/Add_23",
    "stage.0.norm/statistics/Add_31",
    "loss/Entropy_9",
  ], 2 ** 27),
  node("_retval_step_0_0", "_Retval", ["step"]),
];

Deno.test("placeOf: whom each node of a training step works for", () => {
  const places = new Map(STEP.map((node) => [node.name, placeOf(node)]));
  const expected: Record<string, [layer: string, pass: Place["pass"]]> = {
    "transforms/normalize/Mul_1": [PARTS.input, "forward"],
    [KERNEL16]: ["stage.0.conv", "forward"],
    "stage.0.conv/Conv2D_2": ["stage.0.conv", "forward"],
    "stage.0.norm/FusedBatchNormV3_4": ["stage.0.norm", "forward"],
    "stage.0.relu/Relu_5": ["stage.0.relu", "forward"],
    "stage.0.relu/Cast_33": ["stage.0.relu", "forward"],
    "pool/Mean_6": ["pool", "forward"],
    "fc/MatMul_8": ["fc", "forward"],
    "loss/Entropy_9": [PARTS.loss, "forward"],
    "gradient/loss/Mul_10": [PARTS.loss, "backward"],
    "gradient/fc/MatMul_12": ["fc", "backward"],
    "gradient/fc/MatMul_13": ["fc", "backward"],
    "gradient/pool/BroadcastTo_14": ["pool", "backward"],
    "gradient/stage.0.relu/ReluGrad_15": ["stage.0.relu", "backward"],
    "gradient/stage.0.norm/FusedBatchNormGradV3_16": ["stage.0.norm", "backward"],
    "gradient/stage.0.conv/Conv2DBackpropFilter_17": ["stage.0.conv", "backward"],
    "gradient/stage.0.conv/Cast_34": ["stage.0.conv", "backward"],
    "optimizer/Add_21": [PARTS.optimizer, "update"],
    "optimizer/Sub_25": [PARTS.optimizer, "update"],
    "optimizer/Add_27": [PARTS.optimizer, "update"],
    "stage.0.norm/statistics/Add_31": [PARTS.statistics, "update"],
    step: [PARTS.other, "forward"],
    "stage.0.norm/Const_3": [PARTS.other, "forward"],
    "1.images": [PARTS.other, "forward"],
  };
  for (const [name, [layer, pass]] of Object.entries(expected)) {
    assertEquals(places.get(name), { layer, pass }, name);
  }
  assertEquals(places.size, STEP.length);
});

Deno.test("timesByLayer: every millisecond once, in the order of the network, then the rest of the step", () => {
  const rows = timesByLayer(STEP, ["input", "stage.0.conv", "stage.0.norm", "stage.0.relu", "pool", "fc"]);
  assertEquals(rows.map(({ layer, forward, backward, update }) => [layer, forward, backward, update]), [
    ["stage.0.conv", 2 + 2 ** 28, 8192 + 16384, 0],
    ["stage.0.norm", 4, 4096, 0],
    ["stage.0.relu", 8 + 2 ** 29, 2048, 0],
    ["pool", 16, 1024, 0],
    ["fc", 32, 256 + 512, 0],
    [PARTS.input, 1, 0, 0],
    [PARTS.loss, 64, 128, 0],
    [PARTS.optimizer, 0, 0, 2 ** 25 - 2 ** 15],
    [PARTS.statistics, 0, 0, 2 ** 25 + 2 ** 26],
    [PARTS.other, 2 ** 27, 0, 0],
  ]);
  assertEquals(rows.reduce((sum, { total }) => sum + total, 0), 2 ** 30 - 1);
});

Deno.test("timesByLayer: a scope that is none of the network's has a row of its own, at the end", () => {
  const rows = timesByLayer([node("fc/MatMul_1", "MatMul", ["x"], 1), node("mine/Add_2", "Add", ["x"], 2)], [
    "fc",
  ]);
  assertEquals(rows.map(({ layer, total }) => [layer, total]), [["fc", 1], ["mine", 2]]);
});

Deno.test("placeOf in an inference step: the layers, all of it forward", () => {
  const conv = node("conv1.0/Conv2D_1", "Conv2D", ["1.images", "0.variables.params.conv1.0.weight"]);
  const norm = node("conv1.1/FusedBatchNormV3_2", "FusedBatchNormV3", [
    "conv1.0/Conv2D_1",
    "0.variables.params.conv1.1.weight",
    "0.variables.batchStats.conv1.1.running_mean",
  ]);
  assertEquals(placeOf(conv), { layer: "conv1.0", pass: "forward" });
  assertEquals(placeOf(norm), { layer: "conv1.1", pass: "forward" });
});

Deno.test("placeOf: a convolution that TensorFlow has called after the relu behind it", () => {
  const parameters = ["weight", "bias"].map((name) => `0.variables.params.layer0.0.conv1.0.${name}`);
  const cast = "layer0.0.conv1.0/ArithmeticOptimizer/ReorderCastLikeAndValuePreserving_float_Cast_";
  for (const [kernel, bias] of [parameters, [`${cast}57`, `${cast}59`]]) {
    const inputs = ["conv1.2/Relu_53", kernel, bias];
    const fused = node("layer0.0.conv1.2/Relu_56", "_MklNativeFusedConv2D", inputs);
    assertEquals(placeOf(fused), { layer: "layer0.0.conv1.0", pass: "forward" }, kernel);
  }
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

Deno.test("shortName: without the scope", () => {
  assertEquals(["gradient/fc/MatMul_12", "step"].map((name) => shortName(node(name, "MatMul"))), [
    "MatMul_12",
    "step",
  ]);
});
