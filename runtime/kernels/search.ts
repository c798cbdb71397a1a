/** Values looked up, counted, and told apart. */
import * as tfjs from "@tensorflow/tfjs";
import { callOp, setKernel, T, type } from "../binding/kernel.ts";

const int32 = type("int32");

setKernel<"sortedSequence" | "values", tfjs.SearchSortedAttrs>(
  tfjs.SearchSorted,
  ({ sortedSequence, values }, { side }) => {
    const op = side === "left" ? "LowerBound" : "UpperBound";
    return callOp(op, { T: type(values.dtype), out_type: int32 }, [sortedSequence, values])[0];
  },
);

setKernel<"x" | "weights", tfjs.DenseBincountAttrs>(
  tfjs.DenseBincount,
  ({ x, weights }, { size, binaryOutput = false }) => {
    const attrs = { Tidx: int32, T: type(weights.dtype), binary_output: binaryOutput };
    return callOp("DenseBincount", attrs, [x, tfjs.scalar(size, "int32"), weights])[0];
  },
);

/** In tfjs NaN is one value, and 0 and -0 are one; TensorFlow tells every NaN from any other. */
setKernel<"x", tfjs.UniqueAttrs>(tfjs.Unique, ({ x }, { axis = 0 }) => {
  if (x.dtype !== "float32" || x.size === 0) return unique(x, axis);
  const merged = tfjs.where(tfjs.isNaN(x), NaN, tfjs.where(tfjs.equal(x, 0), 0, x));
  const [values, indices] = unique(callOp("Bitcast", { T, type: int32 }, [merged])[0], axis);
  return [callOp("Bitcast", { T: int32, type: T }, [values])[0], indices];
});

function unique(x: tfjs.Tensor, axis: number): tfjs.Tensor[] {
  const attrs = { T: type(x.dtype), Taxis: int32, out_idx: int32 };
  return callOp("UniqueV2", attrs, [x, tfjs.tensor1d([axis], "int32")], 2);
}
