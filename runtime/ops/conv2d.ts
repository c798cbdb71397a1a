/** 2-D convolution, by the algorithm that suits it. */
import * as tfjs from "@tensorflow/tfjs";
import { runtime } from "../binding/backend.ts";
import { defineKernel } from "../binding/kernel.ts";
import { isForElsewhere } from "../compile/elsewhere.ts";
import { blockConv2d, blockFilterGradient, blockInputGradient } from "./blocks.ts";
import { type Algorithm, chooseAlgorithm } from "./conv2d_choice.ts";
import { directConv2d, directFilterGradient, directInputGradient } from "./direct.ts";
import { groupByGroup } from "./grouped.ts";
import { patchesFilterGradient } from "./patches.ts";
import { checkWindow, type Convolution } from "./geometry.ts";
import type { Window } from "./window.ts";
import { winogradConv2d, winogradFilterGradient, winogradInputGradient } from "./winograd.ts";

/** What to convolve, and whether gradients will be asked for. */
type Attrs = Convolution & { isDifferentiated: boolean };

const convolution = defineKernel<"x" | "kernel", Attrs>({
  name: "NativeConv2D",
  inputs: ["x", "kernel"],
  forward: (inputs, attrs) => {
    const [x, kernel] = [inputs.x, inputs.kernel] as tfjs.Tensor4D[];
    const algorithm = algorithmFor(attrs);
    switch (algorithm.kind) {
      case "winograd":
        return [winogradConv2d(x, kernel, algorithm.tile)];
      case "blocks":
        return [blockConv2d(x, kernel, attrs, algorithm.block)];
      case "direct":
        return [directConv2d(x, kernel, attrs)];
    }
  },
  save: { inputs: ["x", "kernel"] },
  gradient: (gradients, saved, attrs) => {
    const [dy, x, kernel] = [...gradients, ...saved] as tfjs.Tensor4D[];
    const algorithm = algorithmFor(attrs);
    switch (algorithm.kind) {
      case "winograd":
        return {
          x: () => winogradInputGradient(dy, kernel, algorithm.tile),
          kernel: () => winogradFilterGradient(x, dy, algorithm.tile),
        };
      case "blocks":
        return {
          x: () => blockInputGradient(dy, kernel, attrs, algorithm.block),
          kernel: () => blockFilterGradient(x, dy, attrs, algorithm.block),
        };
      case "direct":
        return {
          x: () => directInputGradient(dy, kernel, attrs, algorithm),
          kernel: () =>
            algorithm.filterGradient === "patches"
              ? patchesFilterGradient(x, dy, attrs)
              : directFilterGradient(x, dy, attrs, algorithm),
        };
    }
  },
});

/** The choice for what is running, or being traced, right now. */
function algorithmFor({ isDifferentiated, ...convolution }: Attrs): Algorithm {
  const { binding, cpu } = runtime();
  const traced = binding.isTracingBfloat16 ? "bfloat16" : "float32";
  return chooseAlgorithm(convolution, {
    precision: binding.isTracing && !isForElsewhere() ? traced : undefined,
    isDifferentiated,
    isXla: binding.isTracingForXla,
    processor: binding.isUsingGpuDevice() ? "GPU" : cpu.instructions,
  });
}

/**
 * 2-D convolution with zero padding on both sides, as PyTorch's `Conv2d` without bias:
 * out = floor((in + 2 padding - kernel) / stride) + 1. Inside `jit`, 3 x 3 at stride 1 between 64 channels and more is
 * Winograd's where that is faster, which rounds a little more (winograd.ts).
 *
 * @param x `[N, H, W, in]`.
 * @param kernel `[kh, kw, in / groups, out]`.
 * @param window `groups`: of so many, each part of the filters sees its own part of the channels; 1 unless given.
 * @returns `[N, H', W', out]`.
 * @throws {TypeError} If the channels of image and kernel differ, or are no multiple of the groups.
 * @throws {RangeError} If stride, padding or groups is no whole number, or too small.
 * @example
 * ```ts
 * import { ops, tf } from "@resnet/deno";
 *
 * await tf.ready();
 * const x = tf.ones<tf.Rank.R4>([1, 32, 32, 3]);
 * ops.conv2d(x, tf.ones([3, 3, 3, 16]), { stride: 2, padding: 1 }).shape; // [1, 16, 16, 16]
 * ```
 */
export function conv2d(
  x: tfjs.Tensor4D,
  kernel: tfjs.Tensor4D,
  { stride, padding, groups = 1 }: Window & { groups?: number },
): tfjs.Tensor4D {
  checkWindow("conv2d", { stride, padding, groups });
  const [, , channels, filters] = kernel.shape;
  if (x.shape[3] !== groups * channels || filters % groups !== 0) {
    const inGroups = groups === 1 ? "" : ` in ${groups} groups`;
    throw new TypeError(
      `conv2d: image [${x.shape}] has ${x.shape[3]} channels, kernel [${kernel.shape}]${inGroups} takes ${
        groups * channels
      }${filters % groups === 0 ? "" : ` and cannot divide ${filters} filters`}`,
    );
  }
  if (groups > 1 && !runtime().binding.isUsingGpuDevice()) {
    return groupByGroup(x, kernel, groups, (x, kernel) => conv2d(x, kernel, { stride, padding }));
  }
  const isDifferentiated = tfjs.engine().isTapeOn();
  const attrs = { stride, padding, xShape: x.shape, kernelShape: kernel.shape, isDifferentiated };
  return convolution({ x, kernel }, attrs)[0] as tfjs.Tensor4D;
}
