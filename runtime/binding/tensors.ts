/** Moves values between JavaScript and `TF_Tensor*`. */
import { int64s } from "./attributes.ts";
import { DType, ELEMENT_BYTES } from "./dtypes.ts";
import type { Library } from "./library.ts";

/** What a tensor's values are in JavaScript: a typed array, or bytes for each string. */
export type Values = Float32Array | Int32Array | Uint8Array | BigInt64Array | readonly Uint8Array[];

/** `sizeof(TF_TString)` (tsl/platform/ctstring_internal.h). */
const TSTRING_BYTES = 24;

/**
 * Copies values into a new `TF_Tensor*`. The caller deletes it, a tensor of strings with `deleteStrings`.
 * @throws {TypeError} If the number of values does not fit the shape.
 */
export function allocate(
  library: Library,
  shape: readonly number[],
  dtype: number,
  values: Values,
): Deno.PointerObject {
  const size = shape.reduce((product, dim) => product * dim, 1);
  const strings = dtype === DType.string;
  const bytes = size * (strings ? TSTRING_BYTES : ELEMENT_BYTES[dtype] ?? NaN);
  const found = "byteLength" in values ? values.byteLength : values.length * TSTRING_BYTES;
  if (found !== bytes) {
    throw new TypeError(
      `Cannot make a tensor of shape [${shape}] and type ${dtype}: it takes ${bytes} bytes, got ${found}`,
    );
  }
  const { symbols: c } = library;
  const tensor = c.TF_AllocateTensor(dtype, int64s(shape), shape.length, BigInt(bytes));
  if (tensor === null) {
    throw new RangeError(`Cannot make a tensor of shape [${shape}]: out of memory (${bytes} bytes)`);
  }
  if (bytes === 0) return tensor;
  const data = c.TF_TensorData(tensor)!;
  if ("byteLength" in values) {
    const target = new Uint8Array(Deno.UnsafePointerView.getArrayBuffer(data, bytes));
    target.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  } else {
    for (const [i, value] of values.entries()) {
      const item = Deno.UnsafePointer.offset(data, i * TSTRING_BYTES);
      c.TF_StringInit(item);
      c.TF_StringCopy(item, new Uint8Array(value), BigInt(value.length));
    }
  }
  return tensor;
}

/** Deletes a tensor of strings that `allocate` made, and the memory of its strings. */
export function deleteStrings({ symbols: c }: Library, tensor: Deno.PointerObject): void {
  const count = Number(c.TF_TensorElementCount(tensor));
  const data = c.TF_TensorData(tensor);
  for (let i = 0; data !== null && i < count; i++) {
    c.TF_StringDealloc(Deno.UnsafePointer.offset(data, i * TSTRING_BYTES));
  }
  c.TF_DeleteTensor(tensor);
}

/**
 * Copies a tensor's values out. Booleans and bytes come as `Uint8Array`, complex numbers as pairs in a `Float32Array`.
 * @throws {TypeError} If JavaScript has no array for the type.
 */
export function read({ symbols: c }: Library, tensor: Deno.PointerObject, dtype: number): Values {
  const data = c.TF_TensorData(tensor);
  if (dtype === DType.string) {
    return Array.from({ length: Number(c.TF_TensorElementCount(tensor)) }, (_, i) => {
      const item = Deno.UnsafePointer.offset(data!, i * TSTRING_BYTES);
      return copy(c.TF_StringGetDataPointer(item), Number(c.TF_StringGetSize(item)));
    });
  }
  const bytes = copy(data, Number(c.TF_TensorByteSize(tensor)));
  switch (dtype) {
    case DType.float32:
    case DType.complex64:
      return new Float32Array(bytes.buffer);
    case DType.int32:
      return new Int32Array(bytes.buffer);
    case DType.int64:
      return new BigInt64Array(bytes.buffer);
    case DType.bool:
    case DType.uint8:
      return bytes;
    default:
      throw new TypeError(`Cannot read a tensor of type ${dtype}: cast it to float32 or int32 first`);
  }
}

function copy(pointer: Deno.PointerValue, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  if (pointer !== null && length > 0) Deno.UnsafePointerView.copyInto(pointer, bytes);
  return bytes;
}
