/** 2-D convolution. */
import * as tfjs from "@tensorflow/tfjs";
import { runtime } from "./backend.ts";
import { type Attrs, callOp, defineKernel, T } from "./kernel.ts";
import { grid, type Place, readPixels } from "./pixels.ts";
import { checkWindow, paddingAttrs, reachedPaddings, type Window } from "./window.ts";
import { fasterTile, winogradConv2d, winogradFilterGradient, winogradInputGradient } from "./winograd.ts";

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
    kernel: () => filterGradient(dy, x, options, attrs),
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
    kernel: () => filterGradient(dy, tfjs.pad(x, paddings), options, attrs),
  };
}

/** `Conv2DBackpropFilter`, by a kernel of oneDNN's that reads what it should. */
function filterGradient(
  dy: tfjs.Tensor,
  x: tfjs.Tensor,
  options: Attrs,
  attrs: ConvolutionAttrs,
): tfjs.Tensor {
  const safe = { ...options, ...(misreadsFilterGradient(attrs) && EXPLICITLY_NONE) };
  return callOp("Conv2DBackpropFilter", safe, [x, sizes(attrs.kernelShape), dy])[0];
}

function convolutionAttrs({ stride, padding, kernelShape }: ConvolutionAttrs): Attrs {
  return {
    T,
    strides: [1, stride, stride, 1],
    ...paddingAttrs(kernelShape.slice(0, 2), { stride, padding }),
  };
}

/** No padding, written out: it leads to another of oneDNN's kernels than VALID does. */
const EXPLICITLY_NONE = { padding: "EXPLICIT", explicit_paddings: [0, 0, 0, 0, 0, 0, 0, 0] };

/**
 * oneDNN's filter gradient of a strided 1 x 1 convolution over few channels is wrong, and differs from call to call, in
 * TensorFlow 2.21: it even writes outside its memory. Seen on AVX2, whose blocks are 8 channels: 1 to 7 channels failed in
 * most of 96 cases, 8 and more in none. AVX-512's blocks are 16.
 */
function misreadsFilterGradient(
  { stride, kernelShape: [height, width, channels] }: ConvolutionAttrs,
): boolean {
  return stride > 1 && height === 1 && width === 1 && channels < 16;
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
