/**
 * The binary format of CIFAR-10 (https://www.cs.toronto.edu/~kriz/cifar.html): a record is the label, then 1024 red,
 * 1024 green and 1024 blue bytes, each plane row by row.
 */

/** Names of the ten classes, by class number. */
export const CIFAR10_CLASSES: readonly string[] = [
  "airplane",
  "automobile",
  "bird",
  "cat",
  "deer",
  "dog",
  "frog",
  "horse",
  "ship",
  "truck",
];

/** Shape of an image, `[H, W, C]`. */
export const IMAGE_SHAPE = [32, 32, 3] as const;

/** Whether images have CIFAR-10's classes and shape. */
export function isLikeCifar10(
  { classes, imageShape }: { readonly classes: readonly string[]; readonly imageShape: readonly number[] },
): boolean {
  return `${classes}` === `${CIFAR10_CLASSES}` && `${imageShape}` === `${IMAGE_SHAPE}`;
}

const PLANE = 32 * 32;
const IMAGE = 3 * PLANE;

/** Size of a record: the label and the three planes. */
export const RECORD_BYTES = 1 + IMAGE;

/** Decoded records. */
export interface Records {
  /** `[N, 32, 32, 3]` in row-major order, 0 to 255. */
  readonly images: Uint8Array;
  /** `[N]`, 0 to 9. */
  readonly labels: Uint8Array;
}

/** Room for decoded records, zeros at first. */
export function allocateRecords(count: number): Records {
  return { images: new Uint8Array(count * IMAGE), labels: new Uint8Array(count) };
}

/** The records from `start` up to `end`, in the same memory. */
export function partOfRecords({ images, labels }: Records, start: number, end: number): Records {
  return { images: images.subarray(start * IMAGE, end * IMAGE), labels: labels.subarray(start, end) };
}

/**
 * Decodes records to pixels and labels: colour planes become interleaved pixels.
 *
 * @param bytes Whole records, `[N * 3073]`.
 * @param target Where the result goes; new arrays by default.
 * @throws {RangeError} If the length is not a multiple of 3073, the target has room for another number of images, or a
 *   label is above 9.
 */
export function decodeRecords(bytes: Uint8Array, target?: Records): Records {
  const count = bytes.length / RECORD_BYTES;
  if (!Number.isInteger(count)) {
    throw new RangeError(
      `decodeRecords: ${bytes.length} bytes are not a whole number of ${RECORD_BYTES}-byte records`,
    );
  }
  const { images, labels } = target ?? allocateRecords(count);
  if (labels.length !== count || images.length !== count * IMAGE) {
    throw new RangeError(
      `decodeRecords: ${count} records need ${count} labels and ${count * IMAGE} image bytes, ` +
        `the target has ${labels.length} and ${images.length}`,
    );
  }
  const problem = wrongLabel(bytes);
  if (problem) throw new RangeError(`decodeRecords: ${problem}`);
  for (let record = 0; record < count; record++) {
    const red = record * RECORD_BYTES + 1;
    const green = red + PLANE;
    const blue = green + PLANE;
    labels[record] = bytes[red - 1];
    for (let pixel = 0, out = record * IMAGE; pixel < PLANE; pixel++, out += 3) {
      images[out] = bytes[red + pixel];
      images[out + 1] = bytes[green + pixel];
      images[out + 2] = bytes[blue + pixel];
    }
  }
  return { images, labels };
}

/**
 * Encodes pixels and labels as records: interleaved pixels become colour planes.
 *
 * @param images `[N, 32, 32, 3]` in row-major order, 0 to 255.
 * @param labels `[N]`, 0 to 9.
 * @returns `[N * 3073]`.
 */
export function encodeRecords(images: ArrayLike<number>, labels: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(labels.length * RECORD_BYTES);
  labels.forEach((label, image) => {
    const record = bytes.subarray(image * RECORD_BYTES, (image + 1) * RECORD_BYTES);
    record[0] = label;
    for (let channel = 0; channel < 3; channel++) {
      for (let pixel = 0; pixel < PLANE; pixel++) {
        record[1 + channel * PLANE + pixel] = images[(image * PLANE + pixel) * 3 + channel];
      }
    }
  });
  return bytes;
}

/** Says which record has a label that is no class, if one has. */
export function wrongLabel(bytes: Uint8Array): string | undefined {
  for (let start = 0, record = 0; start < bytes.length; start += RECORD_BYTES, record++) {
    if (bytes[start] >= CIFAR10_CLASSES.length) {
      return `record ${record} has label ${bytes[start]}, expected 0 to ${CIFAR10_CLASSES.length - 1}`;
    }
  }
}
