/** Whether a file that was written answers as the network that it was written from. */
import { UserError } from "../../runtime/system/errors.ts";

/** How far off a number may be, as a part of the largest: what rounding in another order does, and rounding to 11 bits. */
export const TOLERANCE = { float32: 1e-3, float16: 2e-2 } as const;

/** How two rows of answers compare. */
export interface Comparison {
  /** How many images there are. */
  readonly images: number;
  /** On how many both have the same class in front. */
  readonly same: number;
  /** The largest difference between two numbers. */
  readonly largest: number;
}

/**
 * Compares what a file's network says of images with what it should say.
 * @param found `[n, classes]`.
 * @param expected `[n, classes]`.
 */
export function compareAnswers(found: Float32Array, expected: Float32Array, classes: number): Comparison {
  const images = expected.length / classes;
  const answer = (values: Float32Array, image: number): number => {
    const row = values.subarray(image * classes, (image + 1) * classes);
    return row.indexOf(Math.max(...row));
  };
  let same = 0;
  for (let image = 0; image < images; image++) {
    if (answer(found, image) === answer(expected, image)) same++;
  }
  const largest = found.length === expected.length
    ? expected.reduce((largest, value, i) => Math.max(largest, Math.abs(found[i] - value)), 0)
    : Infinity;
  return { images, same, largest };
}

/** What a check found, as the end of a line; `what` calls the images. */
export function comparisonText({ images, same, largest }: Comparison, what = "images"): string {
  return `checked on ${images} ${what}, same answer on ${same}, largest difference ${exponential(largest)}`;
}

/**
 * Refuses a file that computes something else.
 * @param tolerance Part of the largest number that a number may be off by.
 * @throws {UserError} If one is off by more.
 */
export function checkAnswers(
  path: string,
  comparison: Comparison,
  expected: Float32Array,
  tolerance: number,
): void {
  const scale = expected.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
  if (comparison.largest <= tolerance * scale) return;
  throw new UserError(
    `Cannot vouch for ${path}: ${comparisonText(comparison)}, of numbers up to ${scale.toPrecision(2)}; ` +
      "this is a fault of the program, report it with the run's recipe",
  );
}

/** With two digits, and an exponent of two: `1.1e-05`. */
function exponential(value: number): string {
  return value.toExponential(1).replace(/e([+-])(\d)$/, "e$10$2");
}
