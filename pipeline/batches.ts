/** From a data set to the arrays of one step at a time, and the order in which an epoch sees the images. */
import type { Dataset } from "./dataset.ts";
import { numpyShuffle } from "./numpy_random.ts";

/** One batch, ready to become tensors. */
export interface Batch {
  /** `[size, H, W, C]` in row-major order, 0 to 255: as stored, before the transforms. */
  readonly images: Float32Array;
  /** `[size]`, class numbers. */
  readonly labels: Int32Array;
  /** `[size]`, the images' positions in the store. */
  readonly members: Uint32Array;
  /** How many images: the batch size, or what is left for the last batch. */
  readonly size: number;
}

/**
 * Cuts a data set into batches, made one at a time as they are asked for. The last one is smaller when the batch size
 * does not divide the number of images; no image is left out.
 *
 * @param dataset Its members, in their order.
 * @param batchSize Images a batch, from 1.
 * @param options `order`: which members, as positions in `dataset.indices`, in which order (`shuffledOrder` makes one);
 *   all of them as they stand by default.
 * @throws {RangeError} If `batchSize` is not a positive integer, or `order` has a position outside the data set.
 * @example
 * ```ts
 * import { batches, shuffledOrder } from "./batches.ts";
 * import { createDataset } from "./dataset.ts";
 *
 * const [images, labels] = [new Uint8Array(10 * 4 * 4 * 3), new Uint8Array(10)];
 * const train = createDataset({ images, labels, imageShape: [4, 4, 3], classes: ["cat"] });
 * for (const { images, size } of batches(train, 4, { order: shuffledOrder(10, 42, 0) })) {
 *   console.log(size, images.length); // 4 192, 4 192, 2 96
 * }
 * ```
 */
export function* batches(
  dataset: Pick<Dataset, "images" | "labels" | "imageShape" | "indices">,
  batchSize: number,
  { order }: { order?: Uint32Array } = {},
): Generator<Batch, void, void> {
  if (!Number.isInteger(batchSize) || batchSize < 1) {
    throw new RangeError(`batches: batchSize must be a positive integer, found ${batchSize}`);
  }
  const { images, labels, imageShape: [height, width, channels], indices } = dataset;
  const members = order ? order.map((position) => memberAt(indices, position)) : indices;
  const length = height * width * channels;
  for (let start = 0; start < members.length; start += batchSize) {
    const size = Math.min(batchSize, members.length - start);
    const batch = {
      images: new Float32Array(size * length),
      labels: new Int32Array(size),
      members: members.slice(start, start + size),
      size,
    };
    for (let row = 0; row < size; row++) {
      const member = members[start + row];
      batch.images.set(images.subarray(member * length, (member + 1) * length), row * length);
      batch.labels[row] = labels[member];
    }
    yield batch;
  }
}

/**
 * The order in which an epoch sees `n` images: every order is equally likely, and the same arguments give the same one
 * on every machine, so a resumed run goes on where it stopped. It is NumPy's
 * `numpy.random.RandomState([seed, epoch]).permutation(n)`.
 *
 * @param n Number of images.
 * @param seed The run's seed, an integer in `[0, 2^32)`.
 * @param epoch The epoch's number, likewise.
 * @returns A permutation of `0..n-1`, `[n]`.
 * @throws {RangeError} If one of them is out of range.
 */
export function shuffledOrder(n: number, seed: number, epoch: number): Uint32Array {
  return numpyShuffle(n, [seed, epoch]);
}

function memberAt(indices: Uint32Array, position: number): number {
  if (position >= indices.length) {
    throw new RangeError(
      `batches: order has position ${position}, the data set has ${indices.length} images`,
    );
  }
  return indices[position];
}
