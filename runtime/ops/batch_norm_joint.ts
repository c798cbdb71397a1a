/** Batch normalisation of a batch whose parts are in several processes. */
import * as tfjs from "@tensorflow/tfjs";
import { callOp, defineKernel } from "../binding/kernel.ts";
import type { BatchNormResult } from "./batch_norm.ts";
import { batchNormAttrs } from "./batch_norm_attrs.ts";

/** What joins the parts of a batch that are computed at the same time, each by another process. Pure. */
export interface Joint {
  /** The share of the batch's images that each part counts for, 1 in all; 0 for one that only stands in. */
  readonly weights: readonly number[];
  /** Which of the parts this one is. */
  readonly part: number;
  /** What all parts give, `[parts, ...]`. */
  gather(x: tfjs.Tensor): tfjs.Tensor;
  /** The sum of what all parts give. */
  sum(x: tfjs.Tensor): tfjs.Tensor;
}

const jointBatchNorm = defineKernel<
  "x" | "scale" | "offset",
  { epsilon: number; count: number; joint: Joint }
>({
  name: "NativeBatchNormJoint",
  inputs: ["x", "scale", "offset"],
  forward: ({ x, scale, offset }, { epsilon, count, joint }) => {
    const none = tfjs.tensor1d([], "float32");
    const [, ownMean, unbiased] = callOp(
      "FusedBatchNormV3",
      batchNormAttrs(epsilon, true),
      [x, scale, offset, none, none],
      3,
    );
    const values = valuesAChannel(x);
    const ownVariance = tfjs.mul(unbiased, (values - 1) / values);
    const parts = joint.gather(tfjs.stack([ownMean, ownVariance])); // [parts, 2, C]
    const [means, variances] = tfjs.unstack(parts, 1);
    const weights = tfjs.tensor2d([...joint.weights], [joint.weights.length, 1]);
    const weighted = (rows: tfjs.Tensor): tfjs.Tensor => tfjs.sum(tfjs.mul(rows, weights), 0);
    const mean = weighted(means);
    const variance = weighted(tfjs.add(variances, tfjs.square(tfjs.sub(means, mean))));
    const [y] = callOp(
      "FusedBatchNormV3",
      batchNormAttrs(epsilon, false),
      [x, scale, offset, mean, variance],
    );
    return [y, mean, tfjs.mul(variance, count / (count - 1)), variance];
  },
  save: { inputs: ["x", "scale"], outputs: [false, true, false, true] },
  gradient: ([dy], [x, scale, mean, variance], { epsilon, joint }) => {
    const none = tfjs.tensor1d([], "float32");
    // As if the statistics were given; what follows from their own dependence on x is taken away below.
    const [direct, dScale, dOffset] = callOp(
      "FusedBatchNormGradV3",
      batchNormAttrs(epsilon, false),
      [dy, x, scale, mean, variance, none],
      3,
    );
    const [sumOfProducts, sum] = tfjs.unstack(joint.sum(tfjs.stack([dScale, dOffset])));
    const share = joint.weights[joint.part] / valuesAChannel(x); // of one value in the statistics
    const factor = tfjs.mul(tfjs.mul(scale, tfjs.rsqrt(tfjs.add(variance, epsilon))), share);
    const [dependent] = callOp(
      "FusedBatchNormV3",
      batchNormAttrs(epsilon, false),
      [x, tfjs.mul(factor, sumOfProducts), tfjs.mul(factor, sum), mean, variance],
    );
    return { x: () => tfjs.sub(direct, dependent), scale: () => dScale, offset: () => dOffset };
  },
});

function valuesAChannel({ shape }: tfjs.TensorInfo): number {
  return shape.slice(0, -1).reduce((product, size) => product * size, 1);
}

/**
 * Batch normalisation of one part of a batch with the statistics of all of it: what `batchNormTrain` gives for these rows
 * of the whole. The gradients of scale and offset are this part's share in those of the whole: they are to be summed.
 *
 * @param x `[n, H, W, C]`: the rows of this part.
 * @param scale `[C]`, the same for all parts.
 * @param offset `[C]`, the same for all parts.
 * @param count Values a channel in the whole batch: its images, H and W multiplied.
 * @param joint What joins the parts: one gathering on the way forward, one sum on the way back.
 */
export function batchNormJoint(
  x: tfjs.Tensor4D,
  scale: tfjs.Tensor1D,
  offset: tfjs.Tensor1D,
  epsilon: number,
  { count, joint }: { readonly count: number; readonly joint: Joint },
): BatchNormResult {
  const [y, mean, variance] = tfjs.tidy(() =>
    jointBatchNorm({ x, scale, offset }, { epsilon, count, joint }).slice(0, 3)
  );
  return { y: y as tfjs.Tensor4D, mean: mean as tfjs.Tensor1D, variance: variance as tfjs.Tensor1D };
}
