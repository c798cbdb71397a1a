/** Batch normalisation: with the batch's own statistics, and with given ones. */
import * as tfjs from "@tensorflow/tfjs";
import { callOp, defineKernel } from "../binding/kernel.ts";
import { batchNormAttrs } from "./batch_norm_attrs.ts";

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
 * @example
 * ```ts
 * import { ops, tf } from "@resnet/deno";
 *
 * await tf.ready();
 * const x = tf.tensor4d([1, 3], [2, 1, 1, 1]);
 * const { mean, variance } = ops.batchNormTrain(x, tf.ones([1]), tf.zeros([1]), 1e-5);
 * mean.arraySync(); // [2]
 * variance.arraySync(); // [2]
 * ```
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
 * @example
 * ```ts
 * import { ops, tf } from "@resnet/deno";
 *
 * await tf.ready();
 * const x = tf.tensor4d([1, 3, 5, 7], [4, 1, 1, 1]);
 * const [scale, offset, mean, variance] = [[1], [10], [4], [4]].map((values) => tf.tensor1d(values));
 * ops.batchNormInference(x, scale, offset, mean, variance, 1e-9).dataSync(); // Float32Array [8.5, 9.5, 10.5, 11.5]
 * ```
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
