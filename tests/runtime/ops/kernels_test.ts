/**
 * Every kernel that a ResNet and its training touch, tfjs' own and the native ones, against PyTorch's and NumPy's
 * values (tests/data/kernels.json, made by make_kernels.py beside it): eager and jitted, forward and gradient.
 */
import { assertEquals } from "@std/assert";
import {
  avgPool,
  batchNormInference,
  batchNormTrain,
  biasAdd,
  conv2d,
  crossEntropy,
  dropout,
  maxPool,
  relu,
  tf,
} from "../../../runtime/mod.ts";
import resize from "../../data/golden/resize.json" with { type: "json" };
import kernels from "../../data/kernels.json" with { type: "json" };
import { canLoadTensorFlow } from "../../needs.ts";
import { assertClose, EXACT, FORWARD, GRADIENT, nchwToNhwc } from "../../reference.ts";
import { eagerAndJitted, gradients, tidyTest, toTensor } from "../harness.ts";

/** A kernel call. A method's parameters may be narrower than the type says, which a function's may not. */
type Run = { run(...inputs: tf.Tensor[]): tf.Tensor | tf.Tensor[] }["run"];
type Images = tf.Tensor4D;
type Kernel = tf.Tensor4D;
type Matrix = tf.Tensor2D;
type Row = tf.Tensor1D;

const native = (stride: number, padding: number): Run => (x: Images, kernel: Kernel) =>
  conv2d(x, kernel, { stride, padding });
const tfjsConv = (stride: number, padding: "same" | "valid"): Run => (x: Images, kernel: Kernel) =>
  tf.conv2d(x, kernel, stride, padding);
const pool = (kernelSize: number, stride: number, padding: number): Run => (x: Images) =>
  maxPool(x, { kernelSize, stride, padding });

/** How each case of the file is written here. The compiler wants one for every name in it. */
const runs: Record<keyof typeof kernels, Run> = {
  "add": tf.add,
  "add, row to matrix": tf.add,
  "add, column to row": tf.add,
  "add, scalar": tf.add,
  "add, int32": tf.add,
  "sub, row from matrix": tf.sub,
  "mul": tf.mul,
  "mul, row with matrix": tf.mul,
  "div": tf.div,
  "div, matrix by row": tf.div,
  "div, int32 rounds down": tf.div,
  "maximum": tf.maximum,
  "minimum": tf.minimum,
  "pow": tf.pow,
  "squaredDifference": tf.squaredDifference,
  "squaredDifference, row with matrix": tf.squaredDifference,
  "addN": (...xs) => tf.addN(xs),

  "square": tf.square,
  "sqrt": tf.sqrt,
  "rsqrt": tf.rsqrt,
  "reciprocal": tf.reciprocal,
  "exp": tf.exp,
  "expm1": tf.expm1,
  "log": tf.log,
  "log1p": tf.log1p,
  "neg": tf.neg,
  "abs": tf.abs,
  "sign": tf.sign,
  "cos": tf.cos,
  "sin": tf.sin,
  "floor": tf.floor,
  "ceil": tf.ceil,
  "round, half to even": tf.round,
  "clipByValue": (x) => tf.clipByValue(x, -0.505, 0.505),
  "relu": tf.relu,
  "relu, native": relu,
  "relu6": tf.relu6,
  "leakyRelu": (x) => tf.leakyRelu(x, 0.1),
  "elu": tf.elu,
  "selu": tf.selu,
  "sigmoid": tf.sigmoid,
  "tanh": tf.tanh,
  "softplus": tf.softplus,
  "erf": tf.erf,
  "softmax": (x) => tf.softmax(x),
  "logSoftmax": (x) => tf.logSoftmax(x),
  "logSumExp": (x) => tf.logSumExp(x, 1),

  "matMul": (a, b) => tf.matMul(a, b),
  "matMul, a transposed": (a, b) => tf.matMul(a, b, true),
  "matMul, b transposed": (a, b) => tf.matMul(a, b, false, true),
  "matMul, both transposed": (a, b) => tf.matMul(a, b, true, true),
  "matMul, batches": (a, b) => tf.matMul(a, b),
  "matMul, batches, b transposed": (a, b) => tf.matMul(a, b, false, true),
  "matMul, fused with bias and relu": (a, b, bias) => tf.fused.matMul({ a, b, bias, activation: "relu" }),
  "dot": tf.dot,
  "einsum": (a, b) => tf.einsum("nij,jk->nik", a, b),

  "conv2d, native, 1x1, stride 1, padding 0": native(1, 0),
  "conv2d, native, 1x1, stride 2, padding 0": native(2, 0),
  "conv2d, native, 2x2, stride 1, padding 0": native(1, 0),
  "conv2d, native, 2x2, stride 1, padding 1": native(1, 1),
  "conv2d, native, 2x2, stride 2, padding 0": native(2, 0),
  "conv2d, native, 3x3, stride 1, padding 0": native(1, 0),
  "conv2d, native, 3x3, stride 1, padding 1": native(1, 1),
  "conv2d, native, 3x3, stride 2, padding 1": native(2, 1),
  "conv2d, native, 3x3, stride 2, padding 0": native(2, 0),
  "conv2d, native, 7x7, stride 1, padding 3": native(1, 3),
  "conv2d, native, 7x7, stride 2, padding 3": native(2, 3),
  "conv2d, native, 1x3 kernel, padding 1": native(1, 1),
  "conv2d, same, 3x3, stride 1": tfjsConv(1, "same"),
  "conv2d, same, 3x3, stride 2": tfjsConv(2, "same"),
  "conv2d, same, 7x7, stride 2": tfjsConv(2, "same"),
  "conv2d, valid, 1x1, stride 2": tfjsConv(2, "valid"),
  "conv2d, valid, 2x2, stride 1": tfjsConv(1, "valid"),
  "conv2d, valid, 3x3, stride 1": tfjsConv(1, "valid"),
  "conv2d, valid, 3x3, stride 2": tfjsConv(2, "valid"),
  "depthwiseConv2d, same, 3x3": (x: Images, kernel: Kernel) => tf.depthwiseConv2d(x, kernel, 1, "same"),
  "depthwiseConv2d, valid, 3x3, stride 2": (x: Images, kernel: Kernel) =>
    tf.depthwiseConv2d(x, kernel, 2, "valid"),
  "conv2dTranspose, valid, 2x2, stride 2": (x: Images, kernel: Kernel) =>
    tf.conv2dTranspose(x, kernel, [1, 6, 6, 3], 2, "valid"),
  "biasAdd, native, images": (x: Images, bias: Row) => biasAdd(x, bias),
  "biasAdd, native, rows": (x: Matrix, bias: Row) => biasAdd(x, bias),

  "maxPool, native, 2x2, stride 2, padding 0": pool(2, 2, 0),
  "maxPool, native, 3x3, stride 2, padding 1": pool(3, 2, 1),
  "maxPool, native, 3x3, stride 1, padding 1": pool(3, 1, 1),
  "maxPool, native, all values negative: padding is not 0": pool(3, 2, 1),
  "maxPool, valid": (x: Images) => tf.maxPool(x, 3, 2, "valid"),
  "maxPool, same": (x: Images) => tf.maxPool(x, 3, 2, "same"),
  "avgPool, native, 2x2, stride 2": (x: Images) => avgPool(x, { kernelSize: 2, stride: 2 }),
  "avgPool, native, 3x3, stride 1": (x: Images) => avgPool(x, { kernelSize: 3, stride: 1 }),
  "avgPool, valid": (x: Images) => tf.avgPool(x, 2, 2, "valid"),

  "sum, all": (x) => tf.sum(x),
  "sum, one axis": (x) => tf.sum(x, 1),
  "sum, two axes, kept": (x) => tf.sum(x, [0, 2], true),
  "sum, int32": (x) => tf.sum(x, 1),
  "mean, all": (x) => tf.mean(x),
  "mean, over the image": (x) => tf.mean(x, [1, 2]),
  "mean, one axis, kept": (x) => tf.mean(x, 1, true),
  "max, all": (x) => tf.max(x),
  "max, one axis": (x) => tf.max(x, 1),
  "max, two axes, kept": (x) => tf.max(x, [0, 2], true),
  "min, one axis": (x) => tf.min(x, 0),
  "prod, one axis": (x) => tf.prod(x, 1),
  "all": (x) => tf.all(x, 1),
  "any": (x) => tf.any(x, 1),
  "argMax": (x) => tf.argMax(x, 1),
  "argMin, first axis": (x) => tf.argMin(x, 0),
  "moments": (x) => {
    const { mean, variance } = tf.moments(x, 0);
    return [mean, variance];
  },
  "cumsum": (x) => tf.cumsum(x, 1),
  "cumsum, exclusive, from the end": (x) => tf.cumsum(x, 1, true, true),
  "topk": (x) => {
    const { values, indices } = tf.topk(x, 2);
    return [values, indices];
  },

  "reshape": (x) => tf.reshape(x, [3, -1]),
  "transpose": (x) => tf.transpose(x),
  "transpose, four axes": (x) => tf.transpose(x, [0, 3, 1, 2]),
  "expandDims": (x) => tf.expandDims(x, 1),
  "squeeze": (x) => tf.squeeze(x, [1, 3]),
  "concat, first axis": (...xs) => tf.concat(xs, 0),
  "concat, last axis, three inputs": (...xs) => tf.concat(xs, -1),
  "stack": (...xs) => tf.stack(xs),
  "stack, last axis": (...xs) => tf.stack(xs, 2),
  "unstack": (x) => tf.unstack(x),
  "split, even": (x) => tf.split(x, 2, 1),
  "split, sizes": (x) => tf.split(x, [1, 2, 3], 1),
  "slice": (x) => tf.slice(x, [1, 2], [2, 3]),
  "stridedSlice": (x) => tf.stridedSlice(x, [1, 0], [5, 6], [2, 3]),
  "stridedSlice, backwards": (x) => tf.stridedSlice(x, [3, 0], [0, 3], [-1, 1]),
  "pad": (x) => tf.pad(x, [[0, 1], [1, 2]]),
  "pad, with a value, images": (x) => tf.pad(x, [[0, 0], [2, 0], [1, 1], [0, 0]], 0.5),
  "mirrorPad, reflect": (x) => tf.mirrorPad(x, [[0, 0], [2, 2], [1, 1], [0, 0]], "reflect"),
  "mirrorPad, symmetric": (x) => tf.mirrorPad(x, [[1, 2], [0, 1]], "symmetric"),
  "tile": (x) => tf.tile(x, [2, 3]),
  "broadcastTo": (x) => tf.broadcastTo(x, [3, 4]),
  "reverse": (x) => tf.reverse(x, 1),
  // tfjs-node's gather reads its indices to check them, so inside jit they have to be constants.
  "gather, rows": (x) => tf.gather(x, [2, 0, 2]),
  "gather, last axis": (x) => tf.gather(x, [3, 1], 1),
  "gather, one of each row": (x) => tf.gather(x, tf.tensor2d([[2], [0], [3]], [3, 1], "int32"), 1, 1),

  "where": tf.where,
  "greater": tf.greater,
  "greater, float32, row with matrix": tf.greater,
  "greaterEqual": tf.greaterEqual,
  "greaterEqual, float32, row with matrix": tf.greaterEqual,
  "less": tf.less,
  "less, float32, row with matrix": tf.less,
  "lessEqual": tf.lessEqual,
  "lessEqual, float32, row with matrix": tf.lessEqual,
  "equal": tf.equal,
  "equal, float32, row with matrix": tf.equal,
  "notEqual": tf.notEqual,
  "notEqual, float32, row with matrix": tf.notEqual,
  "logicalAnd": tf.logicalAnd,
  "logicalOr": tf.logicalOr,
  "logicalXor": tf.logicalXor,
  "logicalNot": tf.logicalNot,

  "cast, float32 to int32 truncates": (x) => tf.cast(x, "int32"),
  "cast, int32 to float32": (x) => tf.cast(x, "float32"),
  "cast, bool to float32": (x) => tf.cast(x, "float32"),
  "cast, bool to int32": (x) => tf.cast(x, "int32"),
  "cast, float32 to bool": (x) => tf.cast(x, "bool"),
  "cast, int32 to bool": (x) => tf.cast(x, "bool"),

  "range": () => tf.range(2, 11, 3),
  "range, backwards, int32": () => tf.range(3, -2, -2, "int32"),
  "linspace": () => tf.linspace(-1, 1, 5),
  "fill": () => tf.fill([2, 2], 1.5),
  "zeros": () => tf.zeros([2, 3]),
  "ones, int32": () => tf.ones([3], "int32"),
  "eye": () => tf.eye(3, 2),
  "zerosLike": tf.zerosLike,
  "onesLike": tf.onesLike,
  "oneHot": (labels) => tf.oneHot(labels, 4, 1, 0, "float32"),
  "oneHot, on and off values": (labels) => tf.oneHot(labels, 3, 1, 0.25, "float32"),

  "resizeBilinear, larger, half-pixel centres": (x: Images) =>
    tf.image.resizeBilinear(x, [7, 9], false, true),
  "resizeBilinear, smaller, half-pixel centres": (x: Images) =>
    tf.image.resizeBilinear(x, [4, 3], false, true),
  "resizeBilinear, aligned corners": (x: Images) => tf.image.resizeBilinear(x, [5, 7], true),
  "resizeNearestNeighbor": (x: Images) => tf.image.resizeNearestNeighbor(x, [4, 6]),
  "flipLeftRight": (x: Images) => tf.image.flipLeftRight(x),

  "batchNormTrain": (x: Images, scale: Row, offset: Row) => batchNormTrain(x, scale, offset, 1e-3).y,
  "batchNormTrain, statistics": (x: Images, scale: Row, offset: Row) => {
    const { mean, variance } = batchNormTrain(x, scale, offset, 1e-3);
    return [mean, variance];
  },
  "batchNormInference": (x: Images, scale: Row, offset: Row) =>
    batchNormInference(x, scale, offset, tf.tensor1d([0.1, -0.2, 0.3]), tf.tensor1d([0.5, 1, 2]), 1e-3),
  "batchNorm of tfjs": (x: Images, mean: Row, variance: Row, offset: Row, scale: Row) =>
    tf.batchNorm(x, mean, variance, offset, scale, 1e-3),
  "crossEntropy": (logits: Matrix, labels: Row) => crossEntropy(logits, labels),
  "crossEntropy, smoothed": (logits: Matrix, labels: Row) =>
    crossEntropy(logits, labels, { labelSmoothing: 0.1 }),
  "crossEntropy, logits of 1000": (logits: Matrix, labels: Row) => crossEntropy(logits, labels),
  "softmaxCrossEntropy of tfjs": (logits, labels) =>
    tf.losses.softmaxCrossEntropy(tf.oneHot(labels, 5), logits),
  "dropout, rate 0": (x) => dropout(x, 0, tf.tensor1d([1, 2], "int32")),
};

interface Value {
  readonly dtype: string;
  readonly shape: number[];
  readonly data: number[];
}

interface Case {
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly dy?: readonly Value[];
  readonly gradients?: readonly (Value | null)[];
}

for (const [name, run] of Object.entries(runs)) {
  const { inputs, outputs, dy, gradients: expected }: Case = kernels[name as keyof typeof kernels];
  Deno.test({
    name: `kernel: ${name}`,
    ignore: !canLoadTensorFlow,
    async fn() {
      await tf.ready();
      tf.tidy(() => {
        const args = inputs.map((input) => toTensor(input, input.dtype as tf.DataType));
        eagerAndJitted((...args: tf.Tensor[]) => [run(...args)].flat(), args, (results, mode) => {
          assertEquals(results.map(({ dtype }) => dtype), outputs.map(({ dtype }) => dtype), `${mode} types`);
          results.forEach((result, i) =>
            assertClose(
              result,
              outputs[i],
              outputs[i].dtype === "float32" ? FORWARD : EXACT,
              `${mode} output ${i}`,
            )
          );
        });
        if (dy === undefined || expected === undefined) return;
        // Only float inputs have gradients; the others are closed over.
        const isFloat = inputs.map(({ dtype }) => dtype === "float32");
        const backward = (args: tf.Tensor[], dy: tf.Tensor[]): tf.Tensor[] =>
          gradients(
            (...floats) => run(...args.map((arg, i) => isFloat[i] ? floats.shift()! : arg)),
            args.filter((_, i) => isFloat[i]),
            dy,
          );
        const wanted = expected.filter((gradient) => gradient !== null);
        eagerAndJitted(backward, [args, dy.map((value) => toTensor(value))], (results, mode) => {
          assertEquals(results.length, wanted.length, `${mode} gradients`);
          results.forEach((result, i) => assertClose(result, wanted[i], GRADIENT, `${mode} gradient ${i}`));
        });
      });
    },
  });
}

tidyTest("kernel: resizeBilinear is PyTorch's with half-pixel centres", () => {
  eagerAndJitted(
    (x: tf.Tensor4D) => tf.image.resizeBilinear(x, [resize.size, resize.size], false, true),
    [toTensor<tf.Tensor4D>(nchwToNhwc(resize.x))],
    (y, mode) => assertClose(y, nchwToNhwc(resize.y), FORWARD, `${mode} y`),
  );
});
