/** Sparse tensors: the places of values, the values, and the shape that they would fill. */
import * as tfjs from "@tensorflow/tfjs";
import { callInt64Op, callOp, type Inputs, setKernel, type } from "../binding/kernel.ts";
import { inTfjsWords } from "./errors.ts";

setKernel<"inputIndices" | "inputShape" | "newShape", unknown>(
  tfjs.SparseReshape,
  ({ inputIndices, inputShape, newShape }) =>
    inTfjsWords(() => callInt64Op("SparseReshape", {}, [inputIndices, inputShape, newShape], 2)),
);

setKernel<"indices" | "values" | "denseShape" | "defaultValue", unknown>(
  tfjs.SparseFillEmptyRows,
  ({ indices, values, denseShape, defaultValue }) =>
    inTfjsWords(() => {
      const T = type(values.dtype === "int32" ? "int64" : values.dtype);
      return callInt64Op("SparseFillEmptyRows", { T }, [indices, values, denseShape, defaultValue], 4);
    }),
);

type SegmentInput = "data" | "indices" | "segmentIds";

setKernel<SegmentInput, unknown>(
  tfjs.SparseSegmentSum,
  (inputs) => inTfjsWords(() => segments("SparseSegmentSum", inputs)),
);

/** TensorFlow has it for floating-point numbers only; that of whole numbers is cut to a whole number, as tfjs does. */
setKernel<SegmentInput, unknown>(tfjs.SparseSegmentMean, (inputs) =>
  inTfjsWords(() => {
    const { data, indices, segmentIds } = inputs;
    if (data.dtype === "float32") return segments("SparseSegmentMean", inputs);
    const ones = tfjs.ones([data.shape[0], ...data.shape.slice(1).map(() => 1)], "int32");
    const counts = segments("SparseSegmentSum", { data: ones, indices, segmentIds });
    return callOp("TruncateDiv", { T: type("int32") }, [
      segments("SparseSegmentSum", inputs),
      tfjs.maximum(counts, tfjs.scalar(1, "int32")),
    ])[0];
  }));

function segments(op: string, { data, indices, segmentIds }: Inputs<SegmentInput>): tfjs.Tensor {
  const attrs = { T: type(data.dtype), Tidx: type("int32"), Tsegmentids: type("int32") };
  return callOp(op, attrs, [data, indices, segmentIds])[0];
}
