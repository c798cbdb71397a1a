/** TensorFlow's numbers for the types of a tensor's elements (`TF_DataType`, tensorflow/c/tf_datatype.h). */
export const DType = {
  float32: 1,
  int32: 3,
  uint8: 4,
  string: 7,
  complex64: 8,
  int64: 9,
  bool: 10,
  bfloat16: 14,
  resource: 20,
} as const;

/** The name of a type in messages: "float32", or "type 19" for one that the runtime has no use for. */
export function dtypeName(dtype: number): string {
  return Object.entries(DType).find(([, number]) => number === dtype)?.[0] ?? `type ${dtype}`;
}

/** Bytes of one element, for the types that JavaScript can hold in a typed array. */
export const ELEMENT_BYTES: Readonly<Record<number, number>> = {
  [DType.float32]: 4,
  [DType.int32]: 4,
  [DType.uint8]: 1,
  [DType.complex64]: 8,
  [DType.int64]: 8,
  [DType.bool]: 1,
};
