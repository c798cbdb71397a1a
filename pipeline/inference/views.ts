/** The views of an image that test-time augmentation takes the mean of. */
import { tf } from "../../runtime/mod.ts";
import { moveImages } from "../transforms/augmentation.ts";

/**
 * The views of test-time augmentation: each image and its mirror image, as they are and moved by a pixel to the upper
 * left and the lower right, those of the image as it is counting half (K. Jordan 2024, arXiv:2404.00498, section 3.5).
 */
export const VIEWS = [0, 1, -1].flatMap((shift) =>
  [0, 1].map((flip) => ({ flip, shift, weight: shift === 0 ? 1 / 4 : 1 / 8 }))
);

/** Images `[N, H, W, C]` mirrored or not, and moved by so many pixels along the diagonal, edges reflected. */
export function look(x: tf.Tensor4D, { flip, shift }: { flip: number; shift: number }): tf.Tensor4D {
  const all = (value: number): tf.Tensor1D => tf.fill([x.shape[0]], value, "int32");
  return moveImages(x, { flip: all(flip), down: all(shift), across: all(shift) }, "reflect", []);
}
