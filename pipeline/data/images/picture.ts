/** A decoded picture, and its pixels in another order. */
import type { Orientation } from "./header.ts";

/** Pixels of any size. */
export interface Picture {
  /** Columns. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
  /** RGB, `[height, width, 3]` in row-major order, 0 to 255. */
  readonly pixels: Uint8Array;
}

/** Bytes of a pixel. */
export const CHANNELS = 3;

/** Whether an orientation exchanges rows and columns. */
export function isTransposed(orientation: Orientation): boolean {
  return orientation >= 5;
}

/**
 * A picture the right way up.
 * @param orientation As its file says.
 */
export function upright(picture: Picture, orientation: Orientation): Picture {
  if (orientation === 1) return picture;
  const { width, height, pixels } = picture;
  const [columns, rows] = isTransposed(orientation) ? [height, width] : [width, height];
  const fromRight = orientation === 2 || orientation === 3 || orientation === 7 || orientation === 8;
  const fromBelow = orientation === 3 || orientation === 4 || orientation === 6 || orientation === 7;
  // Where the upper left pixel comes from, and how far in the store the next one is to the right and down.
  const start = (fromRight ? width - 1 : 0) + (fromBelow ? (height - 1) * width : 0);
  const along = fromRight ? -1 : 1;
  const across = fromBelow ? -width : width;
  const [right, down] = isTransposed(orientation) ? [across, along] : [along, across];
  const turned = new Uint8Array(pixels.length);
  for (let row = 0, to = 0; row < rows; row++) {
    for (let column = 0, from = start + row * down; column < columns; column++, from += right) {
      turned[to++] = pixels[CHANNELS * from];
      turned[to++] = pixels[CHANNELS * from + 1];
      turned[to++] = pixels[CHANNELS * from + 2];
    }
  }
  return { width: columns, height: rows, pixels: turned };
}
