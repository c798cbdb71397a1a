/** Changes of a picture's place, colours and sharpness, to the byte as torchvision makes them of Pillow's images. */
import { CHANNELS, type Picture } from "./picture.ts";

/**
 * From a pixel's place to where it comes from: column `a x + b y + c`, row `d x + e y + f`, of the centres of pixels.
 */
export type Affine = readonly [a: number, b: number, c: number, d: number, e: number, f: number];

/** Every pixel from the nearest place; black where that is outside. Pillow's `transform(size, AFFINE, matrix, NEAREST)`. */
export function moved({ width, height, pixels }: Picture, [a, b, c, d, e, f]: Affine): Picture {
  // Pillow counts in 65536th of a pixel (`affine_fixed`).
  const fixed = (value: number) => Math.floor(value * 2 ** 16 + 0.5);
  const [right, rightRow, down, downRow] = [a, d, b, e].map(fixed);
  const [column, row] = [fixed(c + a * 0.5 + b * 0.5), fixed(f + d * 0.5 + e * 0.5)];
  const result = new Uint8Array(pixels.length);
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < width; x++, to += CHANNELS) {
      const fromColumn = Math.floor((column + x * right + y * down) / 2 ** 16);
      const fromRow = Math.floor((row + x * rightRow + y * downRow) / 2 ** 16);
      if (fromColumn < 0 || fromColumn >= width || fromRow < 0 || fromRow >= height) continue;
      const from = (fromRow * width + fromColumn) * CHANNELS;
      result[to] = pixels[from];
      result[to + 1] = pixels[from + 1];
      result[to + 2] = pixels[from + 2];
    }
  }
  return { width, height, pixels: result };
}

/** Moved to the right by `factor` of a row's distance from the upper edge. */
export function sheared(picture: Picture, along: "across" | "down", factor: number): Picture {
  return moved(picture, along === "across" ? [1, factor, 0, 0, 1, 0] : [1, 0, 0, factor, 1, 0]);
}

/** Moved by whole pixels, to the right and down. */
export function shifted(picture: Picture, right: number, down: number): Picture {
  return moved(picture, [1, 0, -right, 0, 1, -down]);
}

/** Turned counterclockwise about its centre, by degrees. */
export function rotated(picture: Picture, degrees: number): Picture {
  const { width, height } = picture;
  const angle = -degrees * Math.PI / 180;
  // To 15 digits, so that quarter turns are exact.
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)].map((value) => Number(value.toFixed(15)));
  const [x, y] = [width / 2, height / 2];
  return moved(picture, [cos, sin, x - cos * x - sin * y, -sin, cos, y + sin * x - cos * y]);
}

/** Pixels by what stands in a table of 256 for their value, a table a channel. */
function mapped(
  { width, height, pixels }: Picture,
  [red, green, blue]: readonly ArrayLike<number>[],
): Picture {
  const result = new Uint8Array(pixels.length);
  for (let at = 0; at < pixels.length; at += CHANNELS) {
    result[at] = red[pixels[at]];
    result[at + 1] = green[pixels[at + 1]];
    result[at + 2] = blue[pixels[at + 2]];
  }
  return { width, height, pixels: result };
}

/** Between other pixels and a picture's, `factor` 0 and 1, or beyond them; rounded down. */
function blended(others: Uint8Array, { width, height, pixels }: Picture, factor: number): Picture {
  const alpha = Math.fround(factor);
  const result = new Uint8ClampedArray(pixels.length);
  for (let i = 0; i < pixels.length; i++) {
    const other = others[i];
    result[i] = Math.floor(Math.fround(other + Math.fround(alpha * (pixels[i] - other))));
  }
  return { width, height, pixels: new Uint8Array(result.buffer) };
}

/** Darker below 1, brighter above: Pillow's `ImageEnhance.Brightness`. */
export function brightness(picture: Picture, factor: number): Picture {
  return blended(new Uint8Array(picture.pixels.length), picture, factor);
}

/** Greyer below 1, more colourful above: `ImageEnhance.Color`. */
export function saturation(picture: Picture, factor: number): Picture {
  const others = new Uint8Array(picture.pixels.length);
  for (let at = 0; at < others.length; at += CHANNELS) {
    others[at] = others[at + 1] = others[at + 2] = grey(picture.pixels, at);
  }
  return blended(others, picture, factor);
}

/** Nearer to its mean below 1, farther from it above: `ImageEnhance.Contrast`. */
export function contrast(picture: Picture, factor: number): Picture {
  const { pixels } = picture;
  let sum = 0;
  for (let at = 0; at < pixels.length; at += CHANNELS) sum += grey(pixels, at);
  const mean = Math.floor(sum / (pixels.length / CHANNELS) + 0.5);
  return blended(new Uint8Array(pixels.length).fill(mean), picture, factor);
}

/** Smoother below 1, sharper above: `ImageEnhance.Sharpness`. */
export function sharpness(picture: Picture, factor: number): Picture {
  return blended(smoothed(picture), picture, factor);
}

/** `ImageFilter.SMOOTH`: 5 parts of a pixel, one of each about it; pixels at the edge stay. */
function smoothed({ width, height, pixels }: Picture): Uint8Array {
  const stride = width * CHANNELS;
  const result = pixels.slice();
  for (let row = 1; row < height - 1; row++) {
    for (let at = row * stride + CHANNELS; at < (row + 1) * stride - CHANNELS; at++) {
      let sum = 4 * pixels[at];
      for (let near = at - stride; near <= at + stride; near += stride) {
        sum += pixels[near - CHANNELS] + pixels[near] + pixels[near + CHANNELS];
      }
      result[at] = Math.floor(sum / 13 + 0.5);
    }
  }
  return result;
}

/** A pixel's brightness (ITU-R 601-2), rounded: Pillow's `convert("L")`. */
export function grey(pixels: Uint8Array, at: number): number {
  return (19595 * pixels[at] + 38470 * pixels[at + 1] + 7471 * pixels[at + 2] + 0x8000) >> 16;
}

/** Only the upper bits of each value: `ImageOps.posterize`. */
export function posterized(picture: Picture, bits: number): Picture {
  const mask = 256 - 2 ** (8 - bits);
  return mapped(picture, everyChannel((value) => value & mask));
}

/** Values from a threshold on turned round: `ImageOps.solarize`. */
export function solarized(picture: Picture, threshold: number): Picture {
  return mapped(picture, everyChannel((value) => value < threshold ? value : 255 - value));
}

/** Each channel stretched to 0 and 255: `ImageOps.autocontrast`. */
export function autoContrast(picture: Picture): Picture {
  return mapped(
    picture,
    histograms(picture).map((counts) => {
      const lowest = counts.findIndex((count) => count > 0);
      const highest = counts.findLastIndex((count) => count > 0);
      if (highest <= lowest) return VALUES;
      const scale = 255 / (highest - lowest);
      return VALUES.map((value) => Math.max(0, Math.min(255, Math.trunc(value * scale - lowest * scale))));
    }),
  );
}

/** Each channel's values spread, so that each is as frequent: `ImageOps.equalize`. */
export function equalized(picture: Picture): Picture {
  return mapped(
    picture,
    histograms(picture).map((counts) => {
      const last = counts.findLast((count) => count > 0)!;
      const step = Math.floor((picture.width * picture.height - last) / 255);
      if (step === 0) return VALUES;
      let sum = Math.floor(step / 2);
      return VALUES.map((value) => {
        const spread = Math.min(255, Math.floor(sum / step));
        sum += counts[value];
        return spread;
      });
    }),
  );
}

/** How often each value occurs, by channel. */
function histograms({ pixels }: Picture): Int32Array[] {
  const [red, green, blue] = Array.from({ length: CHANNELS }, () => new Int32Array(256));
  for (let at = 0; at < pixels.length; at += CHANNELS) {
    red[pixels[at]]++;
    green[pixels[at + 1]]++;
    blue[pixels[at + 2]]++;
  }
  return [red, green, blue];
}

/** What a byte can be. */
const VALUES: readonly number[] = Array.from({ length: 256 }, (_, value) => value);

/** The same table for each channel. */
function everyChannel(change: (value: number) => number): number[][] {
  return new Array<number[]>(CHANNELS).fill(VALUES.map(change));
}
