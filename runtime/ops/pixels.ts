/** Pixels of images by their places: what patches and tiles are put together from. */
import * as tfjs from "@tensorflow/tfjs";

/** A pixel's row and column, which may lie beyond the image. */
export type Place = readonly [row: number, column: number];

/** The places of a grid, row by row. */
export function grid(rows: number, columns: number): Place[] {
  return Array.from({ length: rows * columns }, (_, i) => [Math.floor(i / columns), i % columns]);
}

/**
 * The channels of the pixels at the same places of every image, 0 beyond its borders: one copy of the images and one
 * gather, which cost less than slices and their concatenation.
 * @param x `[n, h, w, channels]`.
 * @param planes Rows of places, all of one length.
 * @returns `[planes, n, places, channels]` as rows of channels, `[planes * n * places, channels]`.
 */
export function readPixels(x: tfjs.Tensor4D, planes: readonly (readonly Place[])[]): tfjs.Tensor2D {
  const [n, height, width, channels] = x.shape;
  const zero = height * width; // behind the pixels of each image
  const withZero = tfjs.pad(tfjs.reshape<tfjs.Rank.R3>(x, [n, zero, channels]), [[0, 0], [0, 1], [0, 0]]);
  const index = planes.flat().map(([row, column]) =>
    row < 0 || row >= height || column < 0 || column >= width ? zero : row * width + column
  );
  const inImage = tfjs.tensor3d(index, [planes.length, 1, planes[0].length], "int32");
  const rows = tfjs.gather(
    tfjs.reshape(withZero, [-1, channels]),
    tfjs.add(inImage, firstRows(n, zero + 1)),
  );
  return tfjs.reshape(rows, [-1, channels]);
}

/** `[n, 1]` int32: the first row of each image where images have so many. */
export function firstRows(n: number, rows: number): tfjs.Tensor2D {
  return tfjs.tensor2d(Array.from({ length: n }, (_, image) => image * rows), [n, 1], "int32");
}
