/** Element by element. */
import * as tfjs from "@tensorflow/tfjs";
import { callOp, float, setKernel, T, type } from "../binding/kernel.ts";

setKernel<"a" | "b", unknown>(
  tfjs.BitwiseAnd,
  ({ a, b }) => callOp("BitwiseAnd", { T: type("int32") }, [a, b])[0],
);

/** float32 of whole numbers too. */
setKernel<"x", tfjs.LeakyReluAttrs>(
  tfjs.LeakyRelu,
  ({ x }, { alpha }) => callOp("LeakyRelu", { T, alpha: float(alpha) }, [tfjs.cast(x, "float32")])[0],
);

/** 1 of what is greater than zero, `alpha` of the rest; in whole numbers too, which are never NaN. */
setKernel<"x", tfjs.StepAttrs>(tfjs.Step, ({ x }, { alpha }) => {
  const [zero, one, rest] = [0, 1, alpha].map((value) => tfjs.scalar(value, x.dtype));
  const steps = tfjs.where(tfjs.greater(x, zero), one, rest);
  return x.dtype === "float32" ? tfjs.where(tfjs.isNaN(x), x, steps) : steps;
});

/** tfjs-node's gives NaN for Infinity, and for every number where `alpha` is NaN or infinite. */
setKernel<"x" | "alpha", unknown>(tfjs.Prelu, ({ x, alpha }) => {
  const negative = tfjs.mul(alpha, x);
  return tfjs.where(tfjs.less(x, tfjs.scalar(0, x.dtype)), negative, tfjs.cast(x, negative.dtype));
});
