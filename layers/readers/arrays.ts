/** Tensors as plain typed arrays: what files hold, and what code that needs no library works on. */

/** A row of numbers and the shape that it stands for, last dimension fastest. */
export interface NumericArray {
  /** Lengths of the dimensions; empty for a single number. */
  readonly shape: readonly number[];
  /** As many numbers as the product of the lengths. */
  readonly data:
    | Float32Array
    | Int8Array
    | Int16Array
    | Int32Array
    | BigInt64Array
    | Uint8Array
    | Uint16Array
    | Uint32Array
    | BigUint64Array;
}

/** A `NumericArray` of float32. */
export interface FloatArray extends NumericArray {
  /** As many numbers as the product of the lengths. */
  readonly data: Float32Array;
}

/** The values of a model by PyTorch's names, in the layout that they have in memory. */
export interface Arrays {
  /** What is trained. */
  readonly params: Readonly<Record<string, FloatArray>>;
  /** The running mean and variance of each batch norm. */
  readonly batchStats: Readonly<Record<string, FloatArray>>;
}

/**
 * The first of some numbers that is NaN or infinite; `undefined` if all are finite.
 * @example
 * ```ts
 * import { firstNotFinite } from "@resnet/deno";
 * firstNotFinite(Float32Array.of(1, Infinity, NaN)); // Infinity
 * ```
 */
export function firstNotFinite(data: Float32Array): number | undefined {
  return data.find((value) => !Number.isFinite(value));
}
