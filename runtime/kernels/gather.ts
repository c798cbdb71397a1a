/** Rows of a tensor by their numbers. */
import * as tfjs from "@tensorflow/tfjs";
import { runtime } from "../binding/backend.ts";
import { callOp, setKernel } from "../binding/kernel.ts";

/**
 * tfjs-node reads the indices to check them, which have no values in a trace. There nothing checks them here: compiled, a
 * CPU refuses one that is out of range, a GPU gives zeros for it, and XLA takes the nearest that there is.
 */
setKernel<"x" | "indices", tfjs.GatherV2Attrs>(tfjs.GatherV2, ({ x, indices }, { axis, batchDims = 0 }) => {
  const [along] = tfjs.util.parseAxisParam(axis, x.shape);
  if (!runtime().binding.isTracing) checkIndices(indices, x.shape[along]);
  tfjs.backend_util.segment_util.collectGatherOpShapeInfo(x, indices, along, batchDims);
  return callOp("GatherV2", { batch_dims: batchDims }, [x, indices, tfjs.scalar(along, "int32")])[0];
});

/** @throws {RangeError} In tfjs' words, if an index is not one of `length`. */
function checkIndices(indices: tfjs.Tensor, length: number): void {
  const outside = indices.dataSync().find((index) => index < 0 || index >= length);
  if (outside !== undefined) {
    throw new RangeError(`GatherV2: the index value ${outside} is not in [0, ${length - 1}]`);
  }
}
