/** From images as they are stored to logits: seen once, or by the six views that test-time augmentation takes the mean of. */
import { tf } from "../../runtime/mod.ts";
import type { Transform } from "../data/dataset.ts";
import { applyTransforms } from "../transforms/apply.ts";
import { moveImages } from "../transforms/augmentation.ts";

/**
 * The views of test-time augmentation: each image and its mirror image, as they are and moved by a pixel to the upper
 * left and the lower right, those of the image as it is counting half (K. Jordan 2024, arXiv:2404.00498, section 3.5).
 */
const VIEWS = [0, 1, -1].flatMap((shift) =>
  [0, 1].map((flip) => ({ flip, shift, weight: shift === 0 ? 1 / 4 : 1 / 8 }))
);

/** What a network says of images `[N, H, W, C]` as it takes them: `[N, classes]`. */
export type LogitsOf = (x: tf.Tensor4D) => tf.Tensor2D;

/**
 * The logits of images as they are stored. Pure, may be traced.
 * @param images `[N, H, W, C]` float32, 0 to 255.
 * @returns `[N, classes]`; with test-time augmentation the weighted mean over the views.
 */
export function lookAt(
  images: tf.Tensor4D,
  transforms: readonly Transform[],
  logitsOf: LogitsOf,
  tta: boolean,
): tf.Tensor2D {
  const x = applyTransforms(transforms, images, { train: false });
  if (!tta) return logitsOf(x);
  return tf.addN<tf.Tensor2D>(VIEWS.map(({ weight, ...view }) => tf.mul(logitsOf(seen(x, view)), weight)));
}

/** Images `[N, H, W, C]` mirrored or not, and moved by so many pixels along the diagonal, edges reflected. */
function seen(x: tf.Tensor4D, { flip, shift }: { flip: number; shift: number }): tf.Tensor4D {
  const all = (value: number): tf.Tensor1D => tf.fill([x.shape[0]], value, "int32");
  return moveImages(x, { flip: all(flip), down: all(shift), across: all(shift) }, "reflect", []);
}
