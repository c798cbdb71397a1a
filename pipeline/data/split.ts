/** Which training images are used, and which of them are kept back for validation. */
import { UsageError } from "../../runtime/system/errors.ts";
import { classCounts, type Data, type Dataset, withoutRandom } from "./dataset.ts";
import { numpyShuffle } from "./numpy_random.ts";
import { spreadPlaces } from "./spread.ts";

/**
 * Keeps the first `n` training images, or of a folder of pictures `n` spread evenly over it; validation is drawn from them afterwards, the test images stay whole.
 *
 * @param n From 1 to the number of training images.
 * @throws {UsageError} If `n` is not such an integer.
 * @throws {TypeError} If the data is split already: `limit` comes first.
 * @example
 * ```ts
 * import { limit, loadCifar, pipe, split } from "@resnet/deno";
 *
 * // 900 images to train on, 100 for validation
 * const load = async () => pipe(await loadCifar("data"), limit(1000), split(0.1, { seed: 42 }));
 * ```
 */
export function limit(n: number): (data: Data) => Data {
  return (data) => {
    const { train } = data;
    if (data.validation?.labels === train.labels) {
      throw new TypeError("limit: the data is split already; put limit before split");
    }
    const available = train.indices.length;
    if (!Number.isInteger(n) || n < 1 || n > available) {
      throw new UsageError(
        `Cannot limit the training images to ${n}: there are ${available}; ` +
          `give a whole number from 1 to ${available}`,
      );
    }
    // Those in files are in the order of their classes.
    const places = data.digest === undefined
      ? train.indices.slice(0, n)
      : Uint32Array.from(spreadPlaces(n, available), (place) => train.indices[place]);
    return { ...data, train: { ...train, indices: places } };
  };
}

/**
 * Keeps a part of the training images back for validation, without the random changes of `augment`.
 *
 * With a seed it is the tutorial's split to the index: `numpy.random.seed(seed)`, `numpy.random.shuffle` of the
 * positions, the first `floor(fraction * n)` are validation and the rest train, both in that order. With
 * `shuffle: false` the last `floor(fraction * n)` are validation and the order stays. With `stratify` as many are kept back
 * in all, of each class the same share to one image, but never the last image of a class; which ones is drawn, and the order
 * stays.
 *
 * @param fraction Share kept back, above 0 and below 1.
 * @param options `seed`: an integer in `[0, 2^32)`, and whether to `stratify`; or `shuffle: false`.
 * @throws {RangeError} If `fraction` or `seed` is out of range.
 * @throws {UsageError} If nothing would be left for validation: too few images for this fraction.
 * @throws {TypeError} If the data is split already.
 * @example
 * ```ts
 * import { loadCifar, pipe, split } from "@resnet/deno";
 *
 * // 45,000 images to train on, 5,000 for validation
 * const load = async () => pipe(await loadCifar("data"), split(0.1, { seed: 42 }));
 * ```
 */
export function split(
  fraction: number,
  options: { readonly seed: number; readonly stratify?: boolean } | { readonly shuffle: false },
): (data: Data) => Data {
  if (!(fraction > 0 && fraction < 1)) {
    throw new RangeError(`split: fraction must be above 0 and below 1, found ${fraction}`);
  }
  return (data) => {
    if (data.validation) throw new TypeError("split: the data is split already");
    const { train } = data;
    const n = train.indices.length;
    const kept = Math.floor(fraction * n);
    if (kept === 0) {
      throw new UsageError(
        `Cannot keep ${fraction} of ${n} training images for validation: that is less than one image; use more images`,
      );
    }
    let validation: Uint32Array, rest: Uint32Array;
    if ("seed" in options && options.stratify) {
      const isKept = stratified(train, fraction, kept, options.seed);
      validation = train.indices.filter((_, position) => isKept[position]);
      rest = train.indices.filter((_, position) => !isKept[position]);
    } else if ("seed" in options) {
      const shuffled = numpyShuffle(n, options.seed).map((position) => train.indices[position]);
      validation = shuffled.slice(0, kept);
      rest = shuffled.slice(kept);
    } else {
      validation = train.indices.slice(n - kept);
      rest = train.indices.slice(0, n - kept);
    }
    return {
      ...data,
      train: { ...train, indices: rest },
      validation: { ...withoutRandom(train), indices: validation },
    };
  };
}

/**
 * Which members are kept back, 1 for each that is: of every class the whole part of its share, then one more of those that
 * come nearest to it, by lot where several do.
 */
function stratified(dataset: Dataset, fraction: number, kept: number, seed: number): Uint8Array {
  const counts = classCounts(dataset);
  const quotas = counts.map((count) => Math.max(0, Math.min(Math.floor(fraction * count), count - 1)));
  const missing = (label: number): number => fraction * counts[label] - quotas[label];
  let left = kept - quotas.reduce((sum, quota) => sum + quota, 0);
  // Sorting keeps the order of equal ones: that of the lot.
  const lot = [...numpyShuffle(counts.length, seed)].sort((a, b) => missing(b) - missing(a));
  for (const label of lot) {
    if (left > 0 && quotas[label] < counts[label] - 1) {
      quotas[label]++;
      left--;
    }
  }
  const chosen = counts.map((count, label) => {
    const flags = new Uint8Array(count);
    numpyShuffle(count, [seed, label]).subarray(0, quotas[label]).forEach((place) => flags[place] = 1);
    return flags;
  });
  const seen = new Uint32Array(counts.length);
  return Uint8Array.from(dataset.indices, (index) => {
    const label = dataset.labels[index];
    return chosen[label][seen[label]++];
  });
}
