/** 2-D convolution. */
import * as tfjs from "@tensorflow/tfjs";
import { runtime } from "./backend.ts";
import { directConv2d, directFilterGradient, directInputGradient } from "./direct.ts";
import { defineKernel } from "./kernel.ts";
import { patchesFilterGradient } from "./patches.ts";
import { checkWindow, type Convolution, type Window } from "./window.ts";
import { fasterTile, winogradConv2d, winogradFilterGradient, winogradInputGradient } from "./winograd.ts";

const convolution = defineKernel<"x" | "kernel", Attrs>({
  name: "NativeConv2D",
  inputs: ["x", "kernel"],
  forward: (inputs, attrs) => {
    const [x, kernel] = [inputs.x, inputs.kernel] as tfjs.Tensor4D[];
    const tile = winogradTile(attrs);
    return [tile === undefined ? directConv2d(x, kernel, attrs) : winogradConv2d(x, kernel, tile)];
  },
  save: { inputs: ["x", "kernel"] },
  gradient: (gradients, saved, attrs) => {
    const [dy, x, kernel] = [...gradients, ...saved] as tfjs.Tensor4D[];
    const tile = winogradTile(attrs);
    if (tile !== undefined) {
      return {
        x: () => winogradInputGradient(dy, kernel, tile),
        kernel: () => winogradFilterGradient(x, dy, tile),
      };
    }
    const filterGradient = runtime().binding.isTracingBfloat16 && hasSmallMap(dy, attrs)
      ? patchesFilterGradient
      : directFilterGradient;
    return {
      x: () => directInputGradient(dy, kernel, attrs),
      kernel: () => filterGradient(x, dy, attrs),
    };
  },
});

/** What to convolve, and whether gradients will be asked for. */
type Attrs = Convolution & { isDifferentiated: boolean };

/**
 * The tile of Winograd's convolution where that is faster than TensorFlow's own. Only in a graph, as its many small ops
 * are slow one by one; not on GPUs, where cuDNN has the choice; not where it was not measured: in bfloat16 that leaves
 * AVX-512 (with AMX the products cost least), in float32 the instruction sets that oneDNN is written for.
 */
function winogradTile(attrs: Attrs): number | undefined {
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

/**
 * Whether oneDNN's bfloat16 filter gradient is slower than the product of patches: where rows are short, and the more
 * channels, the longer they may be. Measured on AVX-512 without AMX at stride 1 on maps of 3 x 3 with 160 and 256 channels
 * (0.49 and 0.44 of the time), 7 x 7 with 256 (0.7), 56 x 56 with 64 (1.6); at stride 2, between maps of 14 and 7 with
 * 256 channels (0.35), of 28 and 14 with 128 (0.7), of 56 and 28 with 64 (1.1).
 */
function hasSmallMap(
  dy: tfjs.Tensor,
  { stride, kernelShape: [height, width, channels] }: Attrs,
): boolean {
  const pixels = dy.shape[1]! * dy.shape[2]!;
  if (height * width === 1) return false;
  if (stride === 1) return pixels <= 16 || pixels <= 64 && channels >= 256;
  return pixels <= 64 && channels >= 256 || pixels <= 196 && channels >= 128;
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
