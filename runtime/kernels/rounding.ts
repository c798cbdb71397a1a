/** Rounding to whole numbers. */
import * as tfjs from "@tensorflow/tfjs";
import { callOp, setKernel, T } from "../binding/kernel.ts";

/** TensorFlow 2.21's own `Round` gives 0 for every int32. */
setKernel<"x", unknown>(
  tfjs.Round,
  ({ x }) => x.dtype === "float32" ? callOp("Round", { T }, [x])[0] : tfjs.clone(x),
);
