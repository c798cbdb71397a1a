/** Reference values for parity tests: their layout, and how near a result has to come. Pure: needs no permission. */
import { assertEquals, AssertionError } from "@std/assert";

/** A tensor as the files in tests/data hold it: row-major values. */
export interface Reference {
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
}

/** What can be compared: a reference, or a tensor (which is read). */
export type Comparable = Reference | { readonly shape: readonly number[]; dataSync(): ArrayLike<number> };

/** How far a value may be from its reference: `absolute + relative * max|reference|`, one bound for a whole tensor. */
export interface Tolerance {
  readonly relative: number;
  readonly absolute: number;
}

/** For results of a forward pass in float32. */
export const FORWARD: Tolerance = { relative: 1e-5, absolute: 0 };

/**
 * For gradients in float32. The absolute part is for gradients that are zero but for rounding, such as that of a
 * convolution's bias before batch normalisation.
 */
export const GRADIENT: Tolerance = { relative: 1e-4, absolute: 1e-6 };

/** For results that are exact: whole numbers, copies. */
export const EXACT: Tolerance = { relative: 0, absolute: 0 };

/**
 * Asserts that two tensors have the same shape and that no element is further from its reference than `tolerance`
 * allows. Infinities must be equal; NaN equals NaN only.
 * @param what Names the tensor in the message.
 * @throws {AssertionError} Naming the worst element.
 */
export function assertClose(
  actual: Comparable,
  expected: Comparable,
  tolerance: Tolerance = FORWARD,
  what = "tensor",
): void {
  assertEquals([...actual.shape], [...expected.shape], `${what}: shape`);
  const found = values(actual);
  const wanted = values(expected);
  assertEquals(found.length, wanted.length, `${what}: number of values`);
  const bound = tolerance.absolute + tolerance.relative * largest(wanted);
  let worst = 0;
  let at = -1;
  for (let i = 0; i < wanted.length; i++) {
    const distance = Object.is(found[i], wanted[i]) || found[i] === wanted[i]
      ? 0
      : Math.abs(found[i] - wanted[i]);
    // A NaN on one side only gives a distance of NaN, which no comparison would catch.
    if (distance > worst || Number.isNaN(distance)) {
      worst = Number.isNaN(distance) ? Infinity : distance;
      at = i;
    }
  }
  if (worst > bound) {
    throw new AssertionError(
      `${what}: element ${at} of [${expected.shape}] is ${found[at]}, expected ${wanted[at]}: ` +
        `off by ${worst}, allowed ${bound}`,
    );
  }
}

function values(tensor: Comparable): ArrayLike<number> {
  return "dataSync" in tensor ? tensor.dataSync() : tensor.data;
}

/** Largest finite magnitude, 0 for an empty tensor. */
function largest(data: ArrayLike<number>): number {
  let max = 0;
  for (let i = 0; i < data.length; i++) if (Number.isFinite(data[i])) max = Math.max(max, Math.abs(data[i]));
  return max;
}

/**
 * Reorders the dimensions: dimension `i` of the result is dimension `axes[i]` of the argument, as `tf.transpose`.
 * @throws {RangeError} If `axes` is not a permutation of the dimensions.
 */
export function permute({ shape, data }: Reference, axes: readonly number[]): Reference {
  if (axes.length !== shape.length || axes.some((_, i) => !axes.includes(i))) {
    throw new RangeError(`permute: [${axes}] is not a permutation of the dimensions of [${shape}]`);
  }
  const strides = shape.map((_, i) => shape.slice(i + 1).reduce((product, size) => product * size, 1));
  const target = axes.map((axis) => shape[axis]);
  const result = new Float64Array(data.length);
  const index = new Array<number>(target.length).fill(0);
  for (let i = 0; i < result.length; i++) {
    result[i] = data[index.reduce((sum, position, dim) => sum + position * strides[axes[dim]], 0)];
    for (let dim = target.length - 1; dim >= 0 && ++index[dim] === target[dim]; dim--) index[dim] = 0;
  }
  return { shape: target, data: result };
}

/** Images from PyTorch's layout `[N, C, H, W]` to this project's `[N, H, W, C]`. */
export function nchwToNhwc(images: Reference): Reference {
  return permute(images, [0, 2, 3, 1]);
}

/** Images from `[N, H, W, C]` to PyTorch's `[N, C, H, W]`. */
export function nhwcToNchw(images: Reference): Reference {
  return permute(images, [0, 3, 1, 2]);
}

/** Convolution kernels from PyTorch's layout `[out, in, kh, kw]` to this project's `[kh, kw, in, out]`. */
export function oihwToHwio(kernel: Reference): Reference {
  return permute(kernel, [2, 3, 1, 0]);
}

/** Convolution kernels from `[kh, kw, in, out]` to PyTorch's `[out, in, kh, kw]`. */
export function hwioToOihw(kernel: Reference): Reference {
  return permute(kernel, [3, 2, 0, 1]);
}
