/**
 * The weights of bilinear interpolation along one axis, as Pillow's `ImagingResample` computes them (Pillow,
 * `Resample.c`): each output pixel is a weighted sum of a few input pixels (taps) about its centre.
 */

/** Bits after the point of Pillow's coefficients for 8-bit images (`PRECISION_BITS`: 32 - 8 - 2). */
const COEFFICIENT_BITS = 22;

/** One input pixel and its weight for each output pixel; an axis has two of these, or more when it shrinks. */
export interface Tap {
  /** Position of the input pixel, `[out]`. */
  readonly indices: Int32Array;
  /** Its weight, `[out]`; the weights of all taps of an output pixel add up to 1. */
  readonly weights: Float64Array;
}

/**
 * The taps that take an axis of `inputLength` pixels to one of `outputLength` pixels.
 *
 * Pixel centres lie at half-integers (`align_corners=False`). The filter is the triangle `max(0, 1 - |distance|)`,
 * widened by `inputLength / outputLength` when the axis shrinks, cut off at the border and scaled to a sum of 1.
 *
 * @param inputLength A positive integer.
 * @param outputLength A positive integer.
 * @returns As many taps as the output pixel with the most of them needs; the others have weight 0 there.
 * @example
 * ```ts
 * import { bilinearTaps } from "./interpolation.ts";
 *
 * const [first, second] = bilinearTaps(2, 4);
 * first.indices; // 0, 0, 0, 1
 * first.weights; // 1, 0.75, 0.25, 1
 * second.weights; // 0, 0.25, 0.75, 0
 * ```
 */
export function bilinearTaps(inputLength: number, outputLength: number): readonly Tap[] {
  const scale = inputLength / outputLength;
  const support = Math.max(scale, 1);
  const taps: Tap[] = [];
  for (let out = 0; out < outputLength; out++) {
    const center = (out + 0.5) * scale;
    const first = Math.max(0, Math.trunc(center - support + 0.5));
    const end = Math.min(inputLength, Math.trunc(center + support + 0.5));
    const weights: number[] = [];
    for (let index = first; index < end; index++) {
      weights.push(Math.max(0, 1 - Math.abs(index - center + 0.5) / support));
    }
    const sum = weights.reduce((total, weight) => total + weight, 0);
    for (const [position, weight] of weights.entries()) {
      taps[position] ??= { indices: new Int32Array(outputLength), weights: new Float64Array(outputLength) };
      taps[position].indices[out] = first + position;
      taps[position].weights[out] = weight / sum;
    }
  }
  return taps;
}

/**
 * A weight as Pillow's fixed-point coefficient, in two halves of 11 bits, `coefficient = high * 2^11 + low`. Products
 * of a half with pixel values, and sums of them, stay below 2^24 and so are exact in float32.
 */
export function splitCoefficients(weights: Float64Array): { high: Float32Array; low: Float32Array } {
  const half = 2 ** (COEFFICIENT_BITS / 2);
  const coefficients = weights.map((weight) => Math.floor(weight * 2 ** COEFFICIENT_BITS + 0.5));
  return {
    high: Float32Array.from(coefficients, (coefficient) => Math.floor(coefficient / half)),
    low: Float32Array.from(coefficients, (coefficient) => coefficient % half),
  };
}

/**
 * Whether a sum of pixel values 0 to 255 in float32, rounded half up, is sure to give the byte that the fixed-point
 * sum gives. It is if no sum comes near a half: the two differ by less than 2^-13. True for 32 to 224 (sevenths),
 * false where halves are hit exactly (32 to 192) and for more than two taps, which are not looked into.
 */
export function roundsInFloat32(taps: readonly Tap[]): boolean {
  if (taps.length > 2) return false;
  const weights = taps.length === 2 ? taps[1].weights : new Float64Array();
  // Two taps on the values a and b give a + (b - a) * weight, so only the fraction of (b - a) * weight matters.
  return weights.every((weight) => {
    for (let difference = 1; difference < 256; difference++) {
      if (Math.abs((difference * weight) % 1 - 0.5) < 2 ** -10) return false;
    }
    return true;
  });
}
