/** Runs a list of transforms on the device, eagerly or inside `jit`. */
import { foldSeed, type Rows, tf, withScope } from "../../runtime/mod.ts";
import type { Normalize, Transform } from "../data/dataset.ts";
import { drawAugmentation, moveImages } from "./augmentation.ts";
import { resizeImages } from "./resize_images.ts";

/**
 * Takes a batch of stored images through its transforms, in order: what comes out is the network's input.
 *
 * - `resize`: bilinear with half-pixel centres, first across, then down, which is
 *   `torch.nn.functional.interpolate(mode="bilinear", antialias=True)` to 0.001 of a pixel value (PyTorch computes
 *   the weights in float32, this in float64); an image that has the size already stays as it is. With `quantize` both
 *   passes round to whole values exactly as Pillow does for 8-bit images: of 64 random images resized from 32 to 7,
 *   20, 31, 33, 48, 64, 96, 100, 192, 224 and 256, every byte was Pillow 13.0's (100 %, largest difference 0), in
 *   float32 and bfloat16.
 * - `normalize`: `(x / 255 - mean) / std` in float32, in this order, as torchvision's `ToTensor` and `Normalize`.
 * - `augment`: only with `train`; each draw is a function of `seed` and the place in the list. With `flip: "alternate"`
 *   the images come mirrored already (`batches`), or are mirrored as `flips` says.
 *
 * @param transforms A data set's.
 * @param x `[N, H, W, C]` float32, 0 to 255.
 * @param options `train`: whether to change images at random. `seed`: `[2]` int32, needed if there is an `augment` to
 *   run. `flips`: `[N]` int32, 1 for each image that `flip: "alternate"` mirrors, where they do not come so. `rows`: which
 *   images of a batch these are, if some only: each is changed as in the whole batch.
 * @returns `[N, H', W', C]` float32.
 * @throws {TypeError} If `x` is not such a tensor, or the seed is needed and missing.
 * @example
 * ```ts
 * import { applyTransforms, type Dataset, jit, tf } from "@resnet/deno";
 *
 * const compile = ({ transforms }: Dataset) =>
 *   jit((x: tf.Tensor4D, seed: tf.Tensor1D) => applyTransforms(transforms, x, { train: true, seed }));
 * ```
 */
export function applyTransforms(
  transforms: readonly Transform[],
  x: tf.Tensor4D,
  { train, seed, flips, rows }: { train: boolean; seed?: tf.Tensor1D; flips?: tf.Tensor1D; rows?: Rows },
): tf.Tensor4D {
  if (x.rank !== 4 || x.dtype !== "float32") {
    throw new TypeError(
      `applyTransforms: images must be float32 [N, H, W, C], found ${x.dtype} [${x.shape}]`,
    );
  }
  return tf.tidy(() => {
    let images = x;
    let black: readonly number[] = new Array<number>(x.shape[3]).fill(0);
    for (const [place, transform] of transforms.entries()) {
      switch (transform.kind) {
        case "resize":
          images = withScope("transforms/resize", () => resizeImages(images, transform));
          break;
        case "normalize":
          images = withScope("transforms/normalize", () => normalizeImages(images, transform));
          black = black.map((value, channel) =>
            (value / 255 - transform.mean[channel]) / transform.std[channel]
          );
          break;
        case "augment": {
          if (!train) break;
          if (!seed) throw new TypeError("applyTransforms: augment with train: true needs a seed");
          images = withScope("transforms/augment", () => {
            const draws = drawAugmentation(images.shape[0], transform, foldSeed(seed, place), {
              flips,
              rows,
            });
            return moveImages(images, draws, transform.padding, black);
          });
          break;
        }
      }
    }
    return images === x ? tf.clone(x) : images;
  });
}

function normalizeImages(x: tf.Tensor4D, { mean, std }: Normalize): tf.Tensor4D {
  const [n, height, width, channels] = x.shape;
  // Whole rows at a time: TensorFlow is three times slower at broadcasting over a last axis of length 3.
  const alongRow = (values: readonly number[]) =>
    tf.tensor1d(Float32Array.from({ length: width * channels }, (_, index) => values[index % channels]));
  const rows = tf.reshape(x, [n * height, width * channels]);
  return tf.reshape(tf.div(tf.sub(tf.div(rows, 255), alongRow(mean)), alongRow(std)), x.shape);
}
