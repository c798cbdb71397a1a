/** Numbers that add up to 1. */
import * as tfjs from "@tensorflow/tfjs";
import { runtime } from "../binding/backend.ts";
import { callOp, setKernel, T, type } from "../binding/kernel.ts";

/**
 * In a graph TensorFlow takes oneDNN's softmax, which has a row with NaN or Infinity be 0 but for that one number (oneDNN
 * 3.7.3 in TensorFlow 2.21); run at once, its own, which has all of the row be NaN. The row's maximum is NaN or infinite
 * in just these cases, and so 0 times it is NaN, and else 0.
 */
setKernel<"logits", unknown>(tfjs.Softmax, ({ logits }) => {
  const [softmax] = callOp("Softmax", { T }, [logits]);
  if (!runtime().binding.isTracing) return softmax;
  const lastAxis = tfjs.tensor1d([-1], "int32");
  const [maximum] = callOp("Max", { T, Tidx: type("int32"), keep_dims: true }, [logits, lastAxis]);
  return tfjs.add(softmax, tfjs.mul(maximum, 0));
});
