/** Joining tensors. */
import * as tfjs from "@tensorflow/tfjs";
import { callOp, setKernel, type } from "../binding/kernel.ts";

/** Scalars become a vector, as TensorFlow 2.9 made them and 2.21 refuses: tfjs-node joins them for its histograms. */
setKernel<string, { axis: number }>(tfjs.Concat, (inputs, { axis }) => {
  const tensors = Object.values(inputs);
  if (tensors.every(({ rank }) => rank === 0)) return tfjs.stack(tensors);
  const attrs = { N: tensors.length, T: type(tensors[0].dtype), Tidx: type("int32") };
  return callOp("ConcatV2", attrs, [...tensors, tfjs.scalar(axis, "int32")])[0];
});
