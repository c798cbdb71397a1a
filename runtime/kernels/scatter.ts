/** Values put in their places. */
import * as tfjs from "@tensorflow/tfjs";
import { callOp, setKernel, type } from "../binding/kernel.ts";

const Tindices = type("int32");

/** A row of indices is a column of places with one index each, which TensorFlow wants said. */
function places(indices: tfjs.Tensor): tfjs.Tensor {
  return indices.rank === 1 ? tfjs.expandDims(indices, 1) : indices;
}

setKernel<"indices" | "updates", tfjs.ScatterNdAttrs>(
  tfjs.ScatterNd,
  ({ indices, updates }, { shape }) => {
    const attrs = { T: type(updates.dtype), Tindices };
    return callOp("ScatterNd", attrs, [places(indices), updates, tfjs.tensor1d(shape, "int32")])[0];
  },
);

setKernel<"tensor" | "indices" | "updates", unknown>(
  tfjs.TensorScatterUpdate,
  ({ tensor, indices, updates }) =>
    callOp("TensorScatterUpdate", { T: type(updates.dtype), Tindices }, [
      tensor,
      places(indices),
      updates,
    ])[0],
);

/** TensorFlow has no diagonal of truth values. */
setKernel<"x", unknown>(tfjs.Diag, ({ x }) => {
  const dtype = x.dtype === "bool" ? "int32" : x.dtype;
  return tfjs.cast(callOp("Diag", { T: type(dtype) }, [tfjs.cast(x, dtype)])[0], x.dtype);
});
