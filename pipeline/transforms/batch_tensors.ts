/** From the arrays of a batch to tensors: what is uploaded for a step. */
import { packBytes, tf, unpackBytes, withScope } from "../../runtime/mod.ts";
import type { Batch } from "../data/batches.ts";
import type { Dataset } from "../data/dataset.ts";

/** The tensors of a batch, as they are uploaded. */
export type BatchTensors = {
  /** The images' bytes, packed: `[n, width]`. */
  readonly pixels: tf.Tensor2D;
  /** `[n]` int32, class numbers. */
  readonly labels: tf.Tensor1D;
};

/** Images and labels of a batch. */
export function batchTensors({ images, labels, size }: Batch): BatchTensors {
  return { pixels: packBytes(images, size), labels: tf.tensor1d(labels, "int32") };
}

/** Images from their packed bytes, `[n, H, W, C]` float32, 0 to 255; eagerly or in a trace. */
export function unpackImages(pixels: tf.Tensor2D, imageShape: Dataset["imageShape"]): tf.Tensor4D {
  return withScope("transforms/unpack", () => unpackBytes(pixels, imageShape)) as tf.Tensor4D;
}

/** The images of a batch alone, for what looks at no labels: `[n, H, W, C]` float32, 0 to 255. */
export function imageTensor({ images, size }: Batch, imageShape: Dataset["imageShape"]): tf.Tensor4D {
  return tf.tidy(() => unpackImages(packBytes(images, size), imageShape));
}
