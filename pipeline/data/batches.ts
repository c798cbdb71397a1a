/** From a data set to the arrays of one step at a time; an epoch's order of the images and which it mirrors. */
import type { Dataset } from "./dataset.ts";
import { directReader, type ImageReader, type Readable } from "./image_reader.ts";
import { numpyShuffle } from "./numpy_random.ts";
import type { Turn } from "./pictures.ts";

/** One batch, ready to become tensors. */
export interface Batch {
  /** `[size, H, W, C]` in row-major order: as stored or mirrored, before the transforms. */
  readonly images: Uint8Array<ArrayBuffer>;
  /** `[size]`, class numbers. */
  readonly labels: Int32Array;
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
 *   all of them as they stand by default. `mirrored`: which images of the store are turned left to right, `[N]`, 0 or 1
 *   (`alternateFlips` makes one); none by default. `turn`: in training, what the random part of a picture follows from.
 *   `reader`: what reads the images; when they are needed, on this thread, unless given.
 * @throws {RangeError} If `batchSize` is not a positive integer, or `order` has a position outside the data set.
 * @throws {TypeError} If `mirrored` is not as long as the store.
 * @example
 * ```ts
 * import { batches, createDataset, shuffledOrder } from "@resnet/deno";
 *
 * const [images, labels] = [new Uint8Array(10 * 4 * 4 * 3), new Uint8Array(10)];
 * const train = createDataset({ images, labels, imageShape: [4, 4, 3], classes: ["cat"] });
 * for (const { images, size } of batches(train, 4, { order: shuffledOrder(10, 42, 0) })) {
 *   console.log(size, images.length); // 4 192, 4 192, 2 96
 * }
 * ```
 */
export function* batches(
  dataset: Readable & Pick<Dataset, "labels" | "indices">,
  batchSize: number,
  { order, mirrored, turn, reader = directReader(dataset) }: {
    order?: Uint32Array;
    mirrored?: Uint8Array;
    turn?: Turn;
    reader?: ImageReader;
  } = {},
): Generator<Batch, void, void> {
  if (!Number.isInteger(batchSize) || batchSize < 1) {
    throw new RangeError(`batches: batchSize must be a positive integer, found ${batchSize}`);
  }
  const { labels, imageShape, indices } = dataset;
  if (mirrored !== undefined && mirrored.length !== labels.length) {
    throw new TypeError(
      `batches: mirrored tells of ${mirrored.length} images, the data set's store has ${labels.length}`,
    );
  }
  const [height, width, channels] = imageShape;
  const members = order ? membersAt(dataset, order) : indices;
  const length = height * width * channels;
  for (let start = 0; start < members.length; start += batchSize) {
    const size = Math.min(batchSize, members.length - start);
    const batch = {
      images: new Uint8Array(size * length),
      labels: new Int32Array(size),
      size,
    };
    for (let row = 0; row < size; row++) {
      const member = members[start + row];
      const image = reader.image(member, turn);
      if (mirrored?.[member]) copyMirrored(image, imageShape, batch.images, row * length);
      else batch.images.set(image, row * length);
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
 * @example
 * ```ts
 * import { shuffledOrder } from "@resnet/deno";
 *
 * shuffledOrder(6, 42, 0); // Uint32Array [3, 5, 4, 0, 1, 2]
 * shuffledOrder(6, 42, 1); // Uint32Array [5, 0, 2, 1, 3, 4]
 * ```
 */
export function shuffledOrder(n: number, seed: number, epoch: number): Uint32Array {
  return numpyShuffle(n, [seed, epoch]);
}

/**
 * Which images `flip: "alternate"` mirrors in an epoch: in the first one half of them, chosen by the seed; after that
 * each image in every other epoch.
 *
 * @param n Images, those of the whole store.
 * @param seed The run's seed, an integer in `[0, 2^32)`.
 * @param epoch The epoch's number, 0-based.
 * @returns 1 for each image that is mirrored and 0 for the others, `[n]`, by its position in the store.
 * @throws {RangeError} If `n` or `seed` is out of range.
 * @example
 * ```ts
 * import { alternateFlips } from "@resnet/deno";
 *
 * alternateFlips(6, 42, 0); // Uint8Array [1, 1, 0, 0, 0, 1]
 * alternateFlips(6, 42, 1); // Uint8Array [0, 0, 1, 1, 1, 0]
 * ```
 */
export function alternateFlips(n: number, seed: number, epoch: number): Uint8Array {
  const flips = new Uint8Array(n);
  shuffledOrder(n, seed, FLIPS).forEach((image, place) => flips[image] = (place + epoch) % 2);
  return flips;
}

/** Stands where an epoch's number would, so that the flips have a shuffle of their own. */
const FLIPS = 2 ** 32 - 1;

/** Copies one image to `target`, from position `start` on, its columns in reverse order. */
function copyMirrored(
  image: Uint8Array,
  [, width, channels]: Dataset["imageShape"],
  target: Uint8Array,
  start: number,
): void {
  const rowLength = width * channels;
  // Channel by channel: with a loop over the few channels inside it takes 1.4 times as long.
  for (let channel = 0; channel < channels; channel++) {
    for (let row = 0; row < image.length; row += rowLength) {
      let to = start + row + channel;
      for (let from = row + rowLength - channels + channel; from >= row; from -= channels) {
        target[to] = image[from];
        to += channels;
      }
    }
  }
}

/**
 * The members at positions of a data set, as places in its store.
 * @throws {RangeError} If a position is outside the data set.
 */
export function membersAt({ indices }: Pick<Dataset, "indices">, order: Uint32Array): Uint32Array {
  return order.map((position) => {
    if (position < indices.length) return indices[position];
    throw new RangeError(
      `batches: order has position ${position}, the data set has ${indices.length} images`,
    );
  });
}
