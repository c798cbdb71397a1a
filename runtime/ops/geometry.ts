/** How a window lies on an image: which sizes it may have, its padding in TensorFlow's words, how far it reaches. */
import type { Pool, Window } from "./window.ts";

/** A convolution: its window, and the shapes of what the window slides over. */
export interface Convolution extends Window {
  /** `[n, h, w, in]`. */
  xShape: number[];
  /** `[kh, kw, in, out]`; of a convolution in groups, which only GPUs have as one, the channels of one group. */
  kernelShape: number[];
}

/** @throws {RangeError} If a size is no whole number, or below its least value: TensorFlow would not refuse all of them. */
export function checkWindow(op: string, window: Partial<Pool> & { groups?: number }): void {
  for (const [name, least] of [["kernelSize", 1], ["stride", 1], ["padding", 0], ["groups", 1]] as const) {
    const value = window[name] ?? least;
    if (!Number.isInteger(value) || value < least) {
      throw new RangeError(`${op}: ${name} ${value} is not a whole number from ${least}`);
    }
  }
}

/**
 * TensorFlow's padding attributes for `padding` pixels on every side of an NHWC image. The named forms mean the same
 * and take the faster kernels: VALID is no padding; SAME at stride 1 pads `(kernel - 1) / 2` on both sides.
 */
export function paddingAttrs(
  kernel: readonly number[],
  { stride, padding }: Window,
): Record<string, string | number[]> {
  if (padding === 0) return { padding: "VALID" };
  if (stride === 1 && kernel.every((size) => size === 2 * padding + 1)) return { padding: "SAME" };
  return { padding: "EXPLICIT", explicit_paddings: [0, 0, padding, padding, padding, padding, 0, 0] };
}

/**
 * Rows and columns of what a window gives on an NHWC image: floor((in + 2 padding - kernel) / stride) + 1.
 * @param kernel The window's height and width.
 */
export function outputSize(
  shape: readonly number[],
  kernel: readonly number[],
  { stride, padding }: Window,
): [rows: number, columns: number] {
  const along = (axis: 0 | 1) => Math.floor((shape[1 + axis] + 2 * padding - kernel[axis]) / stride) + 1;
  return [along(0), along(1)];
}

/**
 * The padding of an NHWC image, for `tf.pad`, that a window reaches: on the far sides it may be less than `padding`.
 * @param kernel The window's height and width.
 */
export function reachedPaddings(
  shape: readonly number[],
  kernel: readonly number[],
  { stride, padding }: Window,
): [before: number, after: number][] {
  const sides = outputSize(shape, kernel, { stride, padding }).map((steps, axis): [number, number] => {
    const reached = (steps - 1) * stride + kernel[axis];
    return [padding, Math.max(0, reached - padding - shape[1 + axis])];
  });
  return [[0, 0], ...sides, [0, 0]];
}
