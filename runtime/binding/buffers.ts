/** Bytes that TensorFlow takes and hands over in a `TF_Buffer*`, and arrays of pointers. */
import type { Library } from "./library.ts";

/**
 * Calls `fill` with an empty `TF_Buffer*`, and returns a copy of what is in it afterwards.
 * @param fill Fills the buffer and checks its own status.
 */
export function readBuffer(
  { symbols: c }: Pick<Library, "symbols">,
  fill: (buffer: Deno.PointerObject) => void,
): Uint8Array<ArrayBuffer> {
  const buffer = c.TF_NewBuffer()!;
  try {
    fill(buffer);
    // struct TF_Buffer { const void* data; size_t length; ... }
    const view = new Deno.UnsafePointerView(buffer);
    const bytes = new Uint8Array(Number(view.getBigUint64(8)));
    if (bytes.length > 0) Deno.UnsafePointerView.copyInto(view.getPointer(0)!, bytes);
    return bytes;
  } finally {
    c.TF_DeleteBuffer(buffer);
  }
}

/** Hands a `TF_Buffer*` with a copy of `bytes` to `use`, for as long as it runs. */
export function withBytes<R>(
  { symbols: c }: Pick<Library, "symbols">,
  bytes: Uint8Array<ArrayBuffer>,
  use: (buffer: Deno.PointerObject) => R,
): R {
  const buffer = c.TF_NewBufferFromString(bytes, BigInt(bytes.length))!;
  try {
    return use(buffer);
  } finally {
    c.TF_DeleteBuffer(buffer);
  }
}

/** `void*[]`. */
export function packPointers(pointers: readonly Deno.PointerValue[]): BigUint64Array<ArrayBuffer> {
  return BigUint64Array.from(pointers, (pointer) => BigInt(Deno.UnsafePointer.value(pointer)));
}
