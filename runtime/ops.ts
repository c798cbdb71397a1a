/**
 * TensorFlow's fused ops with their gradients, eager or inside `jit`. tfjs composes these of many small ops over the
 * whole activation, which costs more than the convolutions between them.
 *
 * Images are `[N, H, W, C]`, kernels `[kh, kw, in, out]`, everything float32 unless said otherwise.
 */
import * as tfjs from "@tensorflow/tfjs";
import { runtime } from "./backend.ts";
import { type Attrs, callOp, defineKernel, float, type } from "./kernel.ts";
import { grid, type Place, readPixels } from "./pixels.ts";
import { fasterTile, winogradConv2d, winogradFilterGradient, winogradInputGradient } from "./winograd.ts";

/** Stride and padding of a window that slides over an image, equal in both directions. */
export interface Window {
  /** Step of the window, in pixels, at least 1. */
  stride: number;
  /** Pixels of padding on each of the four sides, as PyTorch counts it. */
  padding: number;
}

/** @throws {RangeError} If a size is no whole number, or below its least value: TensorFlow would not refuse all of them. */
function checkWindow(op: string, window: Partial<Pool>): void {
  for (const [name, least] of [["kernelSize", 1], ["stride", 1], ["padding", 0]] as const) {
    const value = window[name] ?? least;
    if (!Number.isInteger(value) || value < least) {
      throw new RangeError(`${op}: ${name} ${value} is not a whole number from ${least}`);
    }
  }
}

/**
 * TensorFlow's padding attributes for `padding` pixels on every side of an NHWC image. The named forms mean the same
 * and take the faster kernels: VALID is no padding; SAME at stride 1 pads `(kernel - 1) / 2` on both sides.
 */
function paddingAttrs(
  kernel: readonly number[],
  { stride, padding }: Window,
): Record<string, string | number[]> {
  if (padding === 0) return { padding: "VALID" };
  if (stride === 1 && kernel.every((size) => size === 2 * padding + 1)) return { padding: "SAME" };
  return { padding: "EXPLICIT", explicit_paddings: [0, 0, padding, padding, padding, padding, 0, 0] };
}

/**
 * The padding of an NHWC image, for `tf.pad`, that a window reaches: on the far sides it may be less than `padding`.
 * @param kernel The window's height and width.
 */
function reachedPaddings(
  shape: readonly number[],
  kernel: readonly number[],
  { stride, padding }: Window,
): [before: number, after: number][] {
  const sides = [1, 2].map((axis): [number, number] => {
    const steps = Math.floor((shape[axis] + 2 * padding - kernel[axis - 1]) / stride);
    return [padding, Math.max(0, steps * stride + kernel[axis - 1] - padding - shape[axis])];
  });
  return [[0, 0], ...sides, [0, 0]];
}

const T = type("float32");

/** The window, the shapes that the gradients need, and whether they will be asked for. */
type ConvolutionAttrs = Window & { xShape: number[]; kernelShape: number[]; isDifferentiated: boolean };

const convolution = defineKernel<"x" | "kernel", ConvolutionAttrs>({
  name: "NativeConv2D",
  inputs: ["x", "kernel"],
  forward: ({ x, kernel }, attrs) => {
    const tile = winogradTile(attrs);
    return tile === undefined
      ? callOp("Conv2D", convolutionAttrs(attrs), [x, kernel])
      : [winogradConv2d(x as tfjs.Tensor4D, kernel as tfjs.Tensor4D, tile)];
  },
  save: { inputs: ["x", "kernel"] },
  gradient: ([dy], [x, kernel], attrs) => {
    const tile = winogradTile(attrs);
    if (tile !== undefined) {
      return {
        x: () => winogradInputGradient(dy as tfjs.Tensor4D, kernel as tfjs.Tensor4D, tile),
        kernel: () => winogradFilterGradient(x as tfjs.Tensor4D, dy as tfjs.Tensor4D, tile),
      };
    }
    const direct = convolutionAttrs(attrs).padding === "EXPLICIT"
      ? paddedGradient(dy, x, kernel, attrs)
      : plainGradient(dy, x, kernel, attrs);
    return runtime().binding.isTracingBfloat16 && hasSmallMap(dy, attrs)
      ? { ...direct, kernel: () => patchesGradient(dy, x, attrs) }
      : direct;
  },
});

/**
 * The tile of Winograd's convolution where that is faster than TensorFlow's own. Only in a graph, as its many small ops
 * are slow one by one; not on GPUs, where cuDNN has the choice; not where it was not measured: in bfloat16 that leaves
 * AVX-512 (with AMX the products cost least), in float32 the instruction sets that oneDNN is written for.
 */
function winogradTile(attrs: ConvolutionAttrs): number | undefined {
  const { stride, padding, xShape, kernelShape: [height, width, ...channels], isDifferentiated } = attrs;
  const { binding, cpu } = runtime();
  if (!binding.isTracing || binding.isUsingGpuDevice()) return undefined;
  if (stride !== 1 || padding !== 1 || height !== 3 || width !== 3) return undefined;
  const precision = binding.isTracingBfloat16 ? "bfloat16" : "float32";
  return MEASURED[precision].includes(cpu.instructions)
    ? fasterTile(xShape, Math.min(...channels), { precision, isDifferentiated })
    : undefined;
}

/** Where Winograd's convolution is known to be faster, as `readCpu` names it. */
const MEASURED = { float32: ["AVX2", "AVX-512", "AMX"], bfloat16: ["AVX-512"] };

/** The gradients of a convolution whose padding has a name. */
function plainGradient(
  dy: tfjs.Tensor,
  x: tfjs.Tensor,
  kernel: tfjs.Tensor,
  attrs: ConvolutionAttrs,
): Record<"x" | "kernel", () => tfjs.Tensor> {
  const options = convolutionAttrs(attrs);
  return {
    x: () => callOp("Conv2DBackpropInput", options, [sizes(attrs.xShape), kernel, dy])[0],
    kernel: () => filterGradient(dy, x, options, attrs.kernelShape),
  };
}

/**
 * Whether oneDNN's bfloat16 filter gradient is slower than the product of patches: where rows are short, and the more
 * channels, the longer they may be. Measured on AVX-512 without AMX at stride 1 on maps of 3 x 3 with 160 and 256 channels
 * (0.49 and 0.44 of the time), 7 x 7 with 256 (0.7), 56 x 56 with 64 (1.6); at stride 2, between maps of 14 and 7 with
 * 256 channels (0.35), of 28 and 14 with 128 (0.7), of 56 and 28 with 64 (1.1).
 */
function hasSmallMap(
  dy: tfjs.Tensor,
  { stride, kernelShape: [height, width, channels] }: ConvolutionAttrs,
): boolean {
  const pixels = dy.shape[1]! * dy.shape[2]!;
  if (height * width === 1) return false;
  if (stride === 1) return pixels <= 16 || pixels <= 64 && channels >= 256;
  return pixels <= 64 && channels >= 256 || pixels <= 196 && channels >= 128;
}

/** The gradient of the kernel as one matrix product, of the patches that it met and of what came of them. */
function patchesGradient(
  dy: tfjs.Tensor,
  x: tfjs.Tensor,
  attrs: ConvolutionAttrs,
): tfjs.Tensor {
  const { stride, padding, kernelShape } = attrs;
  const [height, width, channels, filters] = kernelShape;
  const places = grid(dy.shape[1]!, dy.shape[2]!).flatMap(([row, column]) =>
    grid(height, width).map(([i, j]): Place => [row * stride + i - padding, column * stride + j - padding])
  );
  const pixels = readPixels(x as tfjs.Tensor4D, [places]);
  const patches = tfjs.reshape<tfjs.Rank.R2>(pixels, [-1, height * width * channels]);
  const product = tfjs.matMul(patches, tfjs.reshape<tfjs.Rank.R2>(dy, [-1, filters]), true);
  return tfjs.reshape(product, kernelShape);
}

function sizes(shape: number[]): tfjs.Tensor1D {
  return tfjs.tensor1d(shape, "int32");
}

/**
 * The gradients of a convolution with explicit padding, as those of one without padding on a padded image: oneDNN has
 * no kernel for the first, and TensorFlow's own takes up to twenty times as long.
 */
function paddedGradient(
  dy: tfjs.Tensor,
  x: tfjs.Tensor,
  kernel: tfjs.Tensor,
  attrs: ConvolutionAttrs,
): Record<"x" | "kernel", () => tfjs.Tensor> {
  const { stride, xShape, kernelShape } = attrs;
  const paddings = reachedPaddings(xShape, kernelShape, attrs);
  const paddedShape = xShape.map((size, axis) => size + paddings[axis][0] + paddings[axis][1]);
  const options = { T, strides: [1, stride, stride, 1], padding: "VALID" };
  return {
    x: () => {
      const [dPadded] = callOp("Conv2DBackpropInput", options, [sizes(paddedShape), kernel, dy]);
      return tfjs.slice(dPadded, paddings.map(([before]) => before), xShape);
    },
    kernel: () => filterGradient(dy, tfjs.pad(x, paddings), options, kernelShape),
  };
}

function filterGradient(dy: tfjs.Tensor, x: tfjs.Tensor, options: Attrs, kernelShape: number[]): tfjs.Tensor {
  return callOp("Conv2DBackpropFilter", options, [x, sizes(kernelShape), dy])[0];
}

function convolutionAttrs({ stride, padding, kernelShape }: ConvolutionAttrs): Attrs {
  return {
    T,
    strides: [1, stride, stride, 1],
    ...paddingAttrs(kernelShape.slice(0, 2), { stride, padding }),
  };
}

/**
 * 2-D convolution with zero padding on both sides, as PyTorch's `Conv2d` without bias:
 * out = floor((in + 2 padding - kernel) / stride) + 1. Inside `jit`, 3 x 3 at stride 1 between 64 channels and more is
 * Winograd's where that is faster, which rounds a little more (winograd.ts).
 *
 * @param x `[N, H, W, in]`.
 * @param kernel `[kh, kw, in, out]`.
 * @returns `[N, H', W', out]`.
 * @throws {TypeError} If the channels of image and kernel differ.
 * @throws {RangeError} If stride or padding is no whole number, or too small.
 */
export function conv2d(x: tfjs.Tensor4D, kernel: tfjs.Tensor4D, { stride, padding }: Window): tfjs.Tensor4D {
  checkWindow("conv2d", { stride, padding });
  if (x.shape[3] !== kernel.shape[2]) {
    throw new TypeError(
      `conv2d: image [${x.shape}] has ${x.shape[3]} channels, kernel [${kernel.shape}] takes ${
        kernel.shape[2]
      }`,
    );
  }
  const isDifferentiated = tfjs.engine().isTapeOn();
  const attrs = { stride, padding, xShape: x.shape, kernelShape: kernel.shape, isDifferentiated };
  return convolution({ x, kernel }, attrs)[0] as tfjs.Tensor4D;
}

const biasAddition = defineKernel<"x" | "bias", Record<never, never>>({
  name: "NativeBiasAdd",
  inputs: ["x", "bias"],
  forward: ({ x, bias }) => callOp("BiasAdd", { T }, [x, bias]),
  save: {},
  gradient: ([dy]) => ({ x: () => dy.clone(), bias: () => callOp("BiasAddGrad", { T }, [dy])[0] }),
});

/**
 * Adds a bias to the last dimension.
 * @param x `[..., C]`.
 * @param bias `[C]`.
 */
export function biasAdd<X extends tfjs.Tensor>(x: X, bias: tfjs.Tensor1D): X {
  return biasAddition({ x, bias }, {})[0] as X;
}

const trainingBatchNorm = defineKernel<"x" | "scale" | "offset", { epsilon: number }>({
  name: "NativeBatchNormTrain",
  inputs: ["x", "scale", "offset"],
  forward: ({ x, scale, offset }, { epsilon }) => {
    const none = tfjs.tensor1d([], "float32"); // statistics so far: not taken when training
    return callOp("FusedBatchNormV3", batchNormAttrs(epsilon, true), [x, scale, offset, none, none], 6);
  },
  save: { inputs: ["x", "scale"], outputs: [false, false, false, true, true, true] },
  gradient: ([dy], [x, scale, ...reserved], { epsilon }) => {
    const [dx, dScale, dOffset] = callOp(
      "FusedBatchNormGradV3",
      batchNormAttrs(epsilon, true),
      [dy, x, scale, ...reserved],
      3,
    );
    return { x: () => dx, scale: () => dScale, offset: () => dOffset };
  },
});

function batchNormAttrs(epsilon: number, isTraining: boolean) {
  return { T, U: T, epsilon: float(epsilon), is_training: isTraining };
}

/** What batch normalisation with the batch's own statistics gives. */
export interface BatchNormResult {
  /** `[N, H, W, C]`. */
  y: tfjs.Tensor4D;
  /** `[C]`, of this batch. */
  mean: tfjs.Tensor1D;
  /** `[C]`, of this batch, unbiased: divided by N H W - 1, for the running statistics (PyTorch does the same). */
  variance: tfjs.Tensor1D;
}

/**
 * Batch normalisation with the batch's own statistics: y = scale (x - mean) / sqrt(variance + epsilon) + offset, with
 * the biased variance (divided by N H W). Ioffe and Szegedy 2015, algorithm 1. Gradients flow through `y` only.
 *
 * @param x `[N, H, W, C]`.
 * @param scale `[C]`.
 * @param offset `[C]`.
 */
export function batchNormTrain(
  x: tfjs.Tensor4D,
  scale: tfjs.Tensor1D,
  offset: tfjs.Tensor1D,
  epsilon: number,
): BatchNormResult {
  const [y, mean, variance] = tfjs.tidy(() =>
    trainingBatchNorm({ x, scale, offset }, { epsilon }).slice(0, 3)
  );
  return { y: y as tfjs.Tensor4D, mean: mean as tfjs.Tensor1D, variance: variance as tfjs.Tensor1D };
}

const inferenceBatchNorm = defineKernel<"x" | "scale" | "offset" | "mean" | "variance", { epsilon: number }>({
  name: "NativeBatchNormInference",
  inputs: ["x", "scale", "offset", "mean", "variance"],
  forward: ({ x, scale, offset, mean, variance }, { epsilon }) =>
    callOp("FusedBatchNormV3", batchNormAttrs(epsilon, false), [x, scale, offset, mean, variance]),
  save: { inputs: ["x", "scale", "mean", "variance"] },
  gradient: ([dy], [x, scale, mean, variance], { epsilon }) => {
    const none = tfjs.tensor1d([], "float32");
    const [dx, dScale, dOffset] = callOp(
      "FusedBatchNormGradV3",
      batchNormAttrs(epsilon, false),
      [dy, x, scale, mean, variance, none],
      3,
    );
    const constant = (): never => {
      throw new TypeError(
        "batchNormInference: the running mean and variance are constants and have no gradient",
      );
    };
    return { x: () => dx, scale: () => dScale, offset: () => dOffset, mean: constant, variance: constant };
  },
});

/**
 * Batch normalisation with given statistics: y = scale (x - mean) / sqrt(variance + epsilon) + offset.
 * Gradients flow to `x`, `scale` and `offset`.
 *
 * @param x `[N, H, W, C]`; the others are `[C]`.
 */
export function batchNormInference(
  x: tfjs.Tensor4D,
  scale: tfjs.Tensor1D,
  offset: tfjs.Tensor1D,
  mean: tfjs.Tensor1D,
  variance: tfjs.Tensor1D,
  epsilon: number,
): tfjs.Tensor4D {
  return inferenceBatchNorm({ x, scale, offset, mean, variance }, { epsilon })[0] as tfjs.Tensor4D;
}

const rectifier = defineKernel<"x", Record<never, never>>({
  name: "NativeRelu",
  inputs: ["x"],
  forward: ({ x }) => callOp("Relu", { T }, [x]),
  save: { outputs: [true] },
  gradient: ([dy], [y]) => ({ x: () => callOp("ReluGrad", { T }, [dy, y])[0] }),
});

/** max(x, 0), of any shape. The gradient at 0 is 0, as in PyTorch. */
export function relu<X extends tfjs.Tensor>(x: X): X {
  return rectifier({ x }, {})[0] as X;
}

/**
 * Continuously differentiable exponential linear unit (J. Barron, arXiv:1704.07483), as PyTorch's `CELU`: `x` above 0,
 * `alpha (exp(x / alpha) - 1)` below.
 *
 * @param x Of any shape.
 * @param alpha Above 0: the negative of the lowest value.
 */
export function celu<X extends tfjs.Tensor>(x: X, alpha: number): X {
  const unit = tfjs.customGrad((x, save) => {
    const y = tfjs.elu(tfjs.mul(x as tfjs.Tensor, 1 / alpha));
    (save as tfjs.GradSaveFunc)([y]);
    const gradFunc = (dy: tfjs.Tensor, [y]: tfjs.Tensor[]) => callOp("EluGrad", { T }, [dy, y])[0];
    return { value: tfjs.mul(y, alpha), gradFunc };
  });
  return unit(x) as X;
}

/** A pooling window. */
export interface Pool extends Window {
  /** Side of the square window, in pixels. */
  kernelSize: number;
}

function poolAttrs({ kernelSize, stride, padding }: Pool) {
  return {
    T,
    ksize: [1, kernelSize, kernelSize, 1],
    strides: [1, stride, stride, 1],
    ...paddingAttrs([kernelSize, kernelSize], { stride, padding }),
  };
}

const maximumPool = defineKernel<"x", Pool>({
  name: "NativeMaxPool",
  inputs: ["x"],
  forward: ({ x }, pool) => callOp("MaxPool", poolAttrs(pool), [x]),
  save: { inputs: ["x"], outputs: [true] },
  gradient: ([dy], [x, y], pool) => ({ x: () => callOp("MaxPoolGrad", poolAttrs(pool), [x, y, dy])[0] }),
});

/**
 * Maximum over windows; padding counts as minus infinity, as in PyTorch.
 * @param x `[N, H, W, C]`.
 * @returns `[N, H', W', C]`, H' = floor((H + 2 padding - kernelSize) / stride) + 1.
 * @throws {RangeError} If one of the window's sizes is no whole number, or too small.
 */
export function maxPool(x: tfjs.Tensor4D, pool: Pool): tfjs.Tensor4D {
  checkWindow("maxPool", pool);
  const { kernelSize, padding } = pool;
  if (padding === 0) return maximumPool({ x }, pool)[0] as tfjs.Tensor4D;
  return tfjs.tidy(() => {
    const paddings = reachedPaddings(x.shape, [kernelSize, kernelSize], pool);
    const padded = tfjs.pad(x, paddings, -Infinity); // oneDNN pools what needs no padding only
    return maximumPool({ x: padded }, { ...pool, padding: 0 })[0] as tfjs.Tensor4D;
  });
}

const averagePool = defineKernel<"x", Pool & { xShape: number[] }>({
  name: "NativeAvgPool",
  inputs: ["x"],
  forward: ({ x }, pool) => callOp("AvgPool", poolAttrs(pool), [x]),
  save: {},
  gradient: ([dy], _, pool) => ({
    x: () => callOp("AvgPoolGrad", poolAttrs(pool), [tfjs.tensor1d(pool.xShape, "int32"), dy])[0],
  }),
});

/**
 * Mean over windows, without padding.
 * @param x `[N, H, W, C]`.
 * @returns `[N, H', W', C]`, H' = floor((H - kernelSize) / stride) + 1.
 * @throws {RangeError} If one of the window's sizes is no whole number, or too small.
 */
export function avgPool(x: tfjs.Tensor4D, { kernelSize, stride }: Omit<Pool, "padding">): tfjs.Tensor4D {
  checkWindow("avgPool", { kernelSize, stride });
  return averagePool({ x }, { kernelSize, stride, padding: 0, xShape: x.shape })[0] as tfjs.Tensor4D;
}

const crossEntropies = defineKernel<"logits" | "labels", { labelSmoothing: number }>({
  name: "NativeCrossEntropy",
  inputs: ["logits", "labels"],
  forward: ({ logits, labels }, { labelSmoothing }) => {
    if (labelSmoothing === 0) {
      return callOp(
        "SparseSoftmaxCrossEntropyWithLogits",
        { T, Tlabels: type("int32") },
        [logits, labels],
        2,
      );
    }
    const classes = logits.shape[1];
    const off = labelSmoothing / classes;
    const targets = callOp("OneHot", { T, TI: type("int32"), axis: -1 }, [
      labels,
      tfjs.scalar(classes, "int32"),
      tfjs.scalar(1 - labelSmoothing + off),
      tfjs.scalar(off),
    ]);
    return callOp("SoftmaxCrossEntropyWithLogits", { T }, [logits, targets[0]], 2);
  },
  save: { outputs: [false, true] },
  gradient: ([dy], [backprop]) => ({
    logits: () => tfjs.mul(tfjs.expandDims(dy, 1), backprop),
    labels: () => {
      throw new TypeError("crossEntropy: labels have no gradient");
    },
  }),
});

/**
 * Mean softmax cross-entropy, in nats. With smoothing s over C classes the target is 1 - s + s / C for the label and
 * s / C for the others (Szegedy et al. 2015; PyTorch's `label_smoothing`).
 *
 * @param logits `[N, C]`, unnormalised.
 * @param labels `[N]` int32 in `[0, C)`.
 * @returns Scalar `[]`, averaged over N.
 * @throws {TypeError} If the batch sizes differ.
 */
export function crossEntropy(
  logits: tfjs.Tensor2D,
  labels: tfjs.Tensor1D,
  { labelSmoothing = 0 }: { labelSmoothing?: number } = {},
): tfjs.Scalar {
  if (logits.shape[0] !== labels.shape[0]) {
    throw new TypeError(
      `crossEntropy: logits [${logits.shape}] and labels [${labels.shape}] differ in batch size`,
    );
  }
  return tfjs.tidy(() => tfjs.mean(crossEntropies({ logits, labels }, { labelSmoothing })[0]));
}
