/** From the arrays of a batch to tensors: what is uploaded for a step. */
import { tf } from "../../runtime/mod.ts";
import type { Batch } from "../data/batches.ts";
import type { Dataset } from "../data/dataset.ts";

/** The tensors of a batch, before the transforms. */
export type BatchTensors = {
  /** `[n, H, W, C]` float32, 0 to 255. */
  readonly images: tf.Tensor4D;
  /** `[n]` int32, class numbers. */
  readonly labels: tf.Tensor1D;
};

/** Images and labels of a batch. @param imageShape That of the data set the batch is of. */
export function batchTensors(batch: Batch, imageShape: Dataset["imageShape"]): BatchTensors {
  return { images: imageTensor(batch, imageShape), labels: tf.tensor1d(batch.labels, "int32") };
}

/** The images alone, for what looks at no labels. */
export function imageTensor({ images, size }: Batch, imageShape: Dataset["imageShape"]): tf.Tensor4D {
  return tf.tensor4d(images, [size, ...imageShape]);
}
