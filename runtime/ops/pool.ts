/** Maximum and mean over windows. */
import * as tfjs from "@tensorflow/tfjs";
import { runtime } from "../binding/backend.ts";
import { callOp, defineKernel, T } from "../binding/kernel.ts";
import { maxOfTaps, maxOfTapsGradient } from "./max_taps.ts";
import { checkWindow, paddingAttrs, reachedPaddings } from "./geometry.ts";
import type { Pool } from "./window.ts";

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
  forward: ({ x }, pool) => {
    const attrs = poolAttrs(pool);
    const [maximum] = callOp("MaxPool", attrs, [x]);
    return [markNaN(maximum, callOp("AvgPool", attrs, [x])[0]), maximum];
  },
  // What the op itself gave: of anything else, TensorFlow does not leave the gradient to oneDNN.
  save: { inputs: ["x"], outputs: [false, true] },
  gradient: ([dy], [x, y], pool) => ({ x: () => callOp("MaxPoolGrad", poolAttrs(pool), [x, y, dy])[0] }),
});

/**
 * The maximum of each window, NaN where there is one in it, which oneDNN and cuDNN pass over. A mean shows NaN, but is NaN
 * of infinities of both signs too, whose maximum is Infinity.
 */
function markNaN(maximum: tfjs.Tensor, mean: tfjs.Tensor): tfjs.Tensor {
  const [isBelowInfinity] = callOp("Less", { T }, [maximum, tfjs.scalar(Infinity)]);
  const [isNaN] = callOp("LogicalAnd", {}, [callOp("IsNan", { T }, [mean])[0], isBelowInfinity]);
  return callOp("SelectV2", { T }, [isNaN, mean, maximum])[0];
}

const maximumOfTaps = defineKernel<"x", Pool & { xShape: number[] }>({
  name: "NativeMaxOfTaps",
  inputs: ["x"],
  forward: ({ x }, pool) => maxOfTaps(x as tfjs.Tensor4D, pool),
  save: { outputs: [false, true] },
  gradient: ([dy], [tap], pool) => ({
    x: () => maxOfTapsGradient(dy as tfjs.Tensor4D, tap as tfjs.Tensor4D, pool),
  }),
});

/**
 * Maximum over windows; padding counts as minus infinity, as in PyTorch. Of a window with NaN it is NaN, or Infinity where
 * that is there too.
 * @param x `[N, H, W, C]`.
 * @returns `[N, H', W', C]`, H' = floor((H + 2 padding - kernelSize) / stride) + 1.
 * @throws {RangeError} If one of the window's sizes is no whole number, or too small.
 * @example
 * ```ts
 * import { ops, tf } from "@resnet/deno";
 *
 * await tf.ready();
 * const x = tf.tensor4d([1, 2, 3, 4], [1, 2, 2, 1]);
 * ops.maxPool(x, { kernelSize: 2, stride: 2, padding: 0 }).dataSync(); // Float32Array [4]
 * ```
 */
export function maxPool(x: tfjs.Tensor4D, pool: Pool): tfjs.Tensor4D {
  checkWindow("maxPool", pool);
  const { kernelSize, padding } = pool;
  return tfjs.tidy(() => {
    const paddings = reachedPaddings(x.shape, [kernelSize, kernelSize], pool);
    const padded = padding === 0 ? x : tfjs.pad(x, paddings, -Infinity); // oneDNN pools what needs no padding only
    const unpadded = { ...pool, padding: 0 };
    return (runtime().binding.isTracingForXla
      ? maximumOfTaps({ x: padded }, { ...unpadded, xShape: padded.shape })
      : maximumPool({ x: padded }, unpadded))[0] as tfjs.Tensor4D;
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
 * @param window Its side and its step, in pixels.
 * @returns `[N, H', W', C]`, H' = floor((H - kernelSize) / stride) + 1.
 * @throws {RangeError} If one of the window's sizes is no whole number, or too small.
 * @example
 * ```ts
 * import { ops, tf } from "@resnet/deno";
 *
 * await tf.ready();
 * const x = tf.tensor4d([1, 2, 3, 4], [1, 2, 2, 1]);
 * ops.avgPool(x, { kernelSize: 2, stride: 2 }).dataSync(); // Float32Array [2.5]
 * ```
 */
export function avgPool(x: tfjs.Tensor4D, { kernelSize, stride }: Omit<Pool, "padding">): tfjs.Tensor4D {
  checkWindow("avgPool", { kernelSize, stride });
  return averagePool({ x }, { kernelSize, stride, padding: 0, xShape: x.shape })[0] as tfjs.Tensor4D;
}
