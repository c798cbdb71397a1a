/** Einstein's sums. */
import * as tfjs from "@tensorflow/tfjs";
import { callOp, setKernel, type } from "../binding/kernel.ts";

/** TensorFlow takes a result with a label that no factor has for one of a size of its own. */
setKernel<`${number}`, tfjs.EinsumAttrs>(tfjs.Einsum, (inputs, { equation }) => {
  const [factors, result = ""] = equation.split("->");
  for (const label of result) {
    if (!factors.includes(label)) {
      throw new Error(`Output subscripts contain the label ${label} not present in the input subscripts.`);
    }
  }
  const tensors = Object.values(inputs);
  return callOp("Einsum", { N: tensors.length, equation, T: type(tensors[0].dtype) }, tensors)[0];
});
