/** The attributes of TensorFlow's fused batch norms. */
import { float, T } from "../binding/kernel.ts";

/** Those of `FusedBatchNormV3` and of its gradient, on float32. */
export function batchNormAttrs(epsilon: number, isTraining: boolean) {
  return { T, U: T, epsilon: float(epsilon), is_training: isTraining };
}
