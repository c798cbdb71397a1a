/** A picture of many images side by side, to see with one look what the pipeline makes of them. */
import { tf } from "../../runtime/mod.ts";
import { batches } from "../data/batches.ts";
import type { Dataset } from "../data/dataset.ts";
import type { Picture } from "../data/images/picture.ts";
import { applyTransforms } from "../transforms/apply.ts";
import { imageTensor } from "../transforms/batch_tensors.ts";
import { pngOf } from "./picture_file.ts";

/** Images in row-major order. */
export interface Images {
  /** `[N * H * W * C]`. */
  readonly values: Uint8Array | Float32Array;
  /** `[N, H, W, C]`. */
  readonly shape: readonly [count: number, height: number, width: number, channels: number];
}

/** Pixels between two images, and around all of them, unless told otherwise. */
const GAP = 2;
/** Pixel value of the gaps: white. */
const GAP_VALUE = 255;

/**
 * The first images of a data set as they leave its transforms, without the random changes of `augment`. With
 * transforms it needs `tf.ready()` first.
 *
 * @param count How many; fewer if the data set has fewer.
 * @throws {RangeError} If `count` is not a positive integer.
 * @example
 * ```ts
 * import { createDataset } from "@resnet/deno";
 * import { firstImages } from "@resnet/deno/reports";
 *
 * const images = new Uint8Array(5 * 4 * 4 * 3);
 * const train = createDataset({ images, labels: [0, 0, 0, 0, 0], imageShape: [4, 4, 3], classes: ["cat"] });
 * firstImages(train, 3).shape; // [3, 4, 4, 3]
 * ```
 */
export function firstImages(dataset: Dataset, count: number): Images {
  const [batch] = batches({ ...dataset, indices: dataset.indices.subarray(0, count) }, count);
  if (dataset.transforms.length === 0) {
    return { values: batch.images, shape: [batch.size, ...dataset.imageShape] };
  }
  return tf.tidy(() => {
    const x = imageTensor(batch, dataset.imageShape);
    const y = applyTransforms(dataset.transforms, x, { train: false });
    return { values: y.dataSync<"float32">(), shape: y.shape };
  });
}

/**
 * Draws images in rows, left to right, on white, as an RGB picture.
 *
 * @param images `[N, H, W, 3]`.
 * @param options `range`: the values shown as 0 and as 255, with what lies between in proportion; the smallest and the
 *   largest of all values by default, which shows normalised images. `columns`: images a row; as many as rows by
 *   default. `side`: each image is shown this many pixels wide and high, by repeating or leaving out pixels; as it is
 *   by default. `gap`: pixels between two images, and around all of them; 2 by default.
 * @returns The bytes of a PNG file.
 * @throws {TypeError} If the images do not have 3 channels.
 * @example
 * ```ts
 * import { contactSheet } from "@resnet/deno/reports";
 *
 * const values = Uint8Array.from({ length: 4 * 8 * 8 * 3 }, (_, i) => i % 256);
 * const png = contactSheet({ values, shape: [4, 8, 8, 3] }, { range: [0, 255], side: 32 });
 * ```
 */
export function contactSheet(
  images: Images,
  options: { range?: readonly [min: number, max: number]; columns?: number; side?: number; gap?: number } =
    {},
): Uint8Array {
  return pngOf(sheetOf(images, options));
}

/** The picture of `contactSheet`. */
export function sheetOf(
  images: Images,
  options: NonNullable<Parameters<typeof contactSheet>[1]>,
): Picture {
  const { values, shape: [count, height, width, channels] } = images;
  const { range, columns = Math.ceil(Math.sqrt(count)), side, gap = GAP } = options;
  if (channels !== 3) throw new TypeError(`contactSheet: images must have 3 channels, found ${channels}`);
  const [min, max] = range ?? extremes(values);
  const scale = 255 / (max - min || 1);
  const [shownHeight, shownWidth] = [side ?? height, side ?? width];
  const sheetWidth = columns * (shownWidth + gap) + gap;
  const sheetHeight = Math.ceil(count / columns) * (shownHeight + gap) + gap;
  const data = new Uint8ClampedArray(sheetWidth * sheetHeight * 3).fill(GAP_VALUE); // clamps and rounds
  for (let image = 0; image < count; image++) {
    const left = gap + (image % columns) * (shownWidth + gap);
    const top = gap + Math.floor(image / columns) * (shownHeight + gap);
    for (let y = 0; y < shownHeight; y++) {
      const row = (image * height + Math.floor((y * height) / shownHeight)) * width;
      for (let x = 0; x < shownWidth; x++) {
        const from = (row + Math.floor((x * width) / shownWidth)) * 3;
        const to = ((top + y) * sheetWidth + left + x) * 3;
        for (let channel = 0; channel < 3; channel++) {
          data[to + channel] = (values[from + channel] - min) * scale;
        }
      }
    }
  }
  return { width: sheetWidth, height: sheetHeight, pixels: new Uint8Array(data.buffer) };
}

function extremes(values: Images["values"]): [min: number, max: number] {
  let min = Infinity, max = -Infinity;
  for (const value of values) {
    if (value < min) min = value;
    if (value > max) max = value;
  }
  return [min, max];
}
