/** Pictures of another size and parts of pictures, to the byte as torchvision makes them of Pillow's images. */
import { bilinearTaps } from "./interpolation.ts";
import { CHANNELS, type Picture } from "./picture.ts";

/** Bits after the point of Pillow's coefficients for 8-bit images (`PRECISION_BITS`: 32 - 8 - 2). */
const COEFFICIENT_BITS = 22;

/** A part of a picture. */
export interface Box {
  /** Its first column. */
  readonly left: number;
  /** Its first row. */
  readonly top: number;
  /** Columns. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
}

/** The input pixels that an axis takes for each output pixel: from `first` on, with so many coefficients of a row. */
interface Axis {
  readonly first: Int32Array;
  readonly count: Int32Array;
  /** `[out, most]`. */
  readonly coefficients: Int32Array;
  readonly most: number;
}

/** The weights of `bilinearTaps` in fixed point, by output pixel. */
function axisOf(inputLength: number, outputLength: number): Axis {
  const taps = bilinearTaps(inputLength, outputLength);
  const coefficients = new Int32Array(outputLength * taps.length);
  const count = new Int32Array(outputLength);
  taps.forEach(({ weights }, tap) => {
    for (let out = 0; out < outputLength; out++) {
      if (weights[out] === 0) continue;
      coefficients[out * taps.length + tap] = Math.floor(weights[out] * 2 ** COEFFICIENT_BITS + 0.5);
      count[out] = tap + 1;
    }
  });
  return { first: taps[0].indices, count, coefficients, most: taps.length };
}

/**
 * A part of a picture, resized: bilinear, on shrinking with a filter that covers every pixel, first across, then down, both
 * rounded: Pillow's `crop(box).resize((width, height), BILINEAR)`, which is torchvision's `resized_crop`.
 *
 * @param box Must lie in the picture; the whole of it unless given.
 */
export function resizePicture(
  picture: Picture,
  { width, height }: { readonly width: number; readonly height: number },
  box: Box = { left: 0, top: 0, width: picture.width, height: picture.height },
): Picture {
  const across = box.width === width ? cropPicture(picture, box) : resizeAcross(picture, width, box);
  return box.height === height ? across : resizeDown(across, height);
}

/** The rows of a box, each resized. */
function resizeAcross({ pixels, width: inputWidth }: Picture, width: number, box: Box): Picture {
  const { first, count, coefficients, most } = axisOf(box.width, width);
  const resized = new Uint8Array(width * box.height * CHANNELS);
  for (let row = 0, to = 0; row < box.height; row++) {
    const start = (box.top + row) * inputWidth + box.left;
    for (let out = 0; out < width; out++) {
      let [red, green, blue] = [HALF, HALF, HALF];
      let from = CHANNELS * (start + first[out]);
      for (let i = out * most, end = i + count[out]; i < end; i++) {
        const weight = coefficients[i];
        red = red + Math.imul(pixels[from], weight) | 0;
        green = green + Math.imul(pixels[from + 1], weight) | 0;
        blue = blue + Math.imul(pixels[from + 2], weight) | 0;
        from += CHANNELS;
      }
      resized[to++] = red >> COEFFICIENT_BITS;
      resized[to++] = green >> COEFFICIENT_BITS;
      resized[to++] = blue >> COEFFICIENT_BITS;
    }
  }
  return { width, height: box.height, pixels: resized };
}

/** The columns of a picture, each resized. */
function resizeDown({ pixels, width, height: inputHeight }: Picture, height: number): Picture {
  const { first, count, coefficients, most } = axisOf(inputHeight, height);
  const stride = width * CHANNELS;
  const resized = new Uint8Array(height * stride);
  const sums = new Int32Array(stride);
  for (let out = 0; out < height; out++) {
    sums.fill(HALF);
    for (let tap = 0; tap < count[out]; tap++) {
      const weight = coefficients[out * most + tap];
      for (let i = 0, from = (first[out] + tap) * stride; i < stride; i++) {
        sums[i] += Math.imul(pixels[from++], weight);
      }
    }
    for (let i = 0, to = out * stride; i < stride; i++) resized[to++] = sums[i] >> COEFFICIENT_BITS;
  }
  return { width, height, pixels: resized };
}

/** What makes cutting off rounding to the nearest. */
const HALF = 2 ** (COEFFICIENT_BITS - 1);

/** A part of a picture as it is. The box must lie in it. */
export function cropPicture(picture: Picture, { left, top, width, height }: Box): Picture {
  if (left === 0 && top === 0 && width === picture.width && height === picture.height) return picture;
  const pixels = new Uint8Array(width * height * CHANNELS);
  for (let row = 0; row < height; row++) {
    const from = ((top + row) * picture.width + left) * CHANNELS;
    pixels.set(picture.pixels.subarray(from, from + width * CHANNELS), row * width * CHANNELS);
  }
  return { width, height, pixels };
}

/** The size of a picture whose shorter side becomes `shorter`; the other is rounded down, as torchvision's `Resize` does. */
export function shorterSize(
  { width, height }: Pick<Picture, "width" | "height">,
  shorter: number,
): { readonly width: number; readonly height: number } {
  return width <= height
    ? { width: shorter, height: Math.max(1, Math.trunc(shorter * height / width)) }
    : { width: Math.max(1, Math.trunc(shorter * width / height)), height: shorter };
}

/** The size of a picture whose longer side becomes `longer`; the other is rounded. */
export function longerSize(
  { width, height }: Pick<Picture, "width" | "height">,
  longer: number,
): { readonly width: number; readonly height: number } {
  const sized = (side: number) => Math.max(1, Math.round(side * longer / Math.max(width, height)));
  return { width: sized(width), height: sized(height) };
}

/**
 * What a network is shown in evaluation: torchvision's `Resize(shorter)` and `CenterCrop(size)`.
 * @param shorter At least `size`.
 * @returns `size` x `size`.
 */
export function centerView(picture: Picture, { shorter, size }: { shorter: number; size: number }): Picture {
  const resized = resizePicture(picture, shorterSize(picture, shorter));
  return cropPicture(resized, middle(resized, { width: size, height: size }));
}

/** The middle of a picture, as torchvision's `CenterCrop` takes it. */
export function middle(
  picture: Pick<Picture, "width" | "height">,
  { width, height }: Pick<Picture, "width" | "height">,
): Box {
  return { left: halfEven(picture.width - width), top: halfEven(picture.height - height), width, height };
}

/** Half of a whole number; a half rounded to the even one, as Python's `round` does. */
function halfEven(value: number): number {
  const half = Math.floor(value / 2);
  return value % 2 === 0 ? half : half + half % 2;
}
