/** Ragged tensors: the values of all rows in a row, and where in it each row begins. */
import * as tfjs from "@tensorflow/tfjs";
import { callOp, setKernel, strings, type } from "../binding/kernel.ts";
import { inTfjsWords } from "./errors.ts";

const int32 = type("int32");

setKernel<"starts" | "limits" | "deltas", unknown>(
  tfjs.RaggedRange,
  ({ starts, limits, deltas }) =>
    inTfjsWords(() => {
      const attrs = { T: type(starts.dtype), Tsplits: int32 };
      return callOp("RaggedRange", attrs, [starts, limits, deltas], 2);
    }),
);

setKernel<"paramsDenseValues" | "indices", tfjs.RaggedGatherAttrs, "paramsNestedSplits">(
  tfjs.RaggedGather,
  ({ paramsNestedSplits, paramsDenseValues, indices }) =>
    inTfjsWords(() => {
      const rank = paramsNestedSplits.length + indices.rank - 1;
      return callOp(
        "RaggedGather",
        {
          Tvalues: type(paramsDenseValues.dtype),
          Tindices: int32,
          Tsplits: int32,
          PARAMS_RAGGED_RANK: paramsNestedSplits.length,
          OUTPUT_RAGGED_RANK: rank,
        },
        [...paramsNestedSplits, paramsDenseValues, indices],
        rank + 1,
      );
    }),
);

setKernel<"shape" | "values" | "defaultValue", tfjs.RaggedTensorToTensorAttrs, "rowPartitionTensors">(
  tfjs.RaggedTensorToTensor,
  ({ shape, values, defaultValue, rowPartitionTensors }, { rowPartitionTypes }) =>
    callOp("RaggedTensorToTensor", {
      T: type(values.dtype),
      Tindex: int32,
      Tshape: int32,
      num_row_partition_tensors: rowPartitionTensors.length,
      row_partition_types: strings(rowPartitionTypes),
    }, [shape, values, defaultValue, ...rowPartitionTensors])[0],
);
