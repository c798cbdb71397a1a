/** Resizes batches of images, here and in a browser. */
import { tf } from "../../runtime/mod.ts";
import type { Resize } from "../data/dataset.ts";
import { bilinearTaps, roundsInFloat32, splitCoefficients, type Tap } from "../data/images/interpolation.ts";

/**
 * The images in another size, as `applyTransforms` says it of `resize`.
 * @param x `[N, H, W, C]` float32, 0 to 255.
 * @returns `[N, size, size, C]` float32.
 */
export function resizeImages(x: tf.Tensor4D, { size, quantize }: Resize): tf.Tensor4D {
  const [, height, width] = x.shape;
  const across = width === size ? x : interpolate(x, 2, bilinearTaps(width, size), quantize); // [N, H, S, C]
  return height === size ? across : interpolate(across, 1, bilinearTaps(height, size), quantize); // [N, S, S, C]
}

/** One pass of a resize: every output position along `axis` is a weighted sum of input positions. */
function interpolate(x: tf.Tensor4D, axis: 1 | 2, taps: readonly Tap[], quantize: boolean): tf.Tensor4D {
  const pixels = taps.map(({ indices }) => tf.gather(x, tf.tensor1d(indices, "int32"), axis));
  const weighted = (pixel: tf.Tensor4D, weights: ArrayLike<number>) =>
    tf.mul(
      pixel,
      tf.tensor(Float32Array.from(weights), axis === 1 ? [weights.length, 1, 1] : [weights.length, 1]),
    );
  const sum = (terms: readonly tf.Tensor[]) => terms.reduce((sum, term) => tf.add(sum, term)) as tf.Tensor4D;

  if (!quantize || roundsInFloat32(taps)) {
    // p0 + (p1 - p0) * w1 and so on: where the pixels are equal, rounding adds nothing to their value.
    const [first, ...others] = pixels;
    const differences = others.map((pixel, tap) => weighted(tf.sub(pixel, first), taps[tap + 1].weights));
    const blended = sum([first, ...differences]);
    return quantize ? tf.floor(tf.add(blended, 0.5)) : blended;
  }
  // floor((high * 2^11 + low + 2^21) / 2^22), Pillow's sum and shift, from halves that float32 holds exactly.
  const halves = taps.map(({ weights }) => splitCoefficients(weights));
  const high = sum(pixels.map((pixel, tap) => weighted(pixel, halves[tap].high)));
  const low = sum(pixels.map((pixel, tap) => weighted(pixel, halves[tap].low)));
  const carry = tf.floor(tf.mul(low, 2 ** -11));
  return tf.floor(tf.mul(tf.add(tf.add(high, carry), 2 ** 10), 2 ** -11));
}
