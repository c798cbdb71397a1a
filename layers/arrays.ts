/** Tensors as plain typed arrays: what files hold, and what code that needs no library works on. */

/** A row of numbers and the shape that it stands for, last dimension fastest. */
export interface NumericArray {
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array | BigInt64Array | Uint8Array;
}

/** A `NumericArray` of float32. */
export interface FloatArray extends NumericArray {
  readonly data: Float32Array;
}

/** Parameters and running statistics of a model by PyTorch's names, in the layout that they have in memory. */
export interface Arrays {
  readonly params: Readonly<Record<string, FloatArray>>;
  readonly batchStats: Readonly<Record<string, FloatArray>>;
}
