/** Batch normalization with statistics that are given. */
import * as tfjs from "@tensorflow/tfjs";
import { callOp, float, setKernel, T } from "../binding/kernel.ts";

/**
 * `x` is `[N, H, W, C]`; the others are `[C]`, or of any shape that broadcasts to that of `x`. TensorFlow's op takes the first
 * only, and of a vector that is shorter reads on past its end.
 */
setKernel<"x" | "mean" | "variance" | "scale" | "offset", { varianceEpsilon: number }>(
  tfjs.FusedBatchNorm,
  ({ x, mean, variance, scale, offset }, { varianceEpsilon }) => {
    const depth = x.shape.at(-1)!;
    const vectors = [
      scale ?? tfjs.ones([depth]),
      offset ?? tfjs.zeros([depth]),
      mean,
      variance,
    ];
    if (vectors.every(({ shape }) => shape.length === 1 && shape[0] === depth)) {
      const attrs = { T, epsilon: float(varianceEpsilon), data_format: "NHWC", is_training: false };
      return callOp("FusedBatchNorm", attrs, [x, ...vectors])[0];
    }
    const inverse = tfjs.rsqrt(tfjs.add(variance, varianceEpsilon));
    const factor = scale ? tfjs.mul(inverse, scale) : inverse;
    const normalized = tfjs.mul(tfjs.sub(x, mean), factor);
    return offset ? tfjs.add(normalized, offset) : normalized;
  },
);
