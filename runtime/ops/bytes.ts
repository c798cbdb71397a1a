/**
 * Bytes as tensors. tfjs has no type for them, and TensorFlow moves few types on a GPU: four stand in each float32, which is
 * only moved until it is unpacked.
 */
import * as tfjs from "@tensorflow/tfjs";
import { callOp, T, type } from "../binding/kernel.ts";

/** Bytes in a float32. */
const BYTES = 4;

/**
 * Rows of bytes as a tensor.
 * @param bytes `[rows, length]`, row-major.
 * @returns `[rows, ceil(length / 4)]`; its numbers mean nothing.
 */
export function packBytes(bytes: Uint8Array, rows: number): tfjs.Tensor2D {
  const length = bytes.length / rows;
  const width = Math.ceil(length / BYTES);
  let packed = bytes;
  if (length % BYTES !== 0 || bytes.byteOffset % BYTES !== 0) {
    packed = new Uint8Array(rows * width * BYTES);
    for (let row = 0; row < rows; row++) {
      packed.set(bytes.subarray(row * length, (row + 1) * length), row * width * BYTES);
    }
  }
  return tfjs.tensor2d(new Float32Array(packed.buffer, packed.byteOffset, rows * width), [rows, width]);
}

/**
 * The bytes of packed rows as numbers.
 * @param packed `[rows, width]`.
 * @param shape Of what a row holds, e.g. `[H, W, C]`.
 * @returns `[rows, ...shape]` float32, 0 to 255.
 */
export function unpackBytes(packed: tfjs.Tensor2D, shape: readonly number[]): tfjs.Tensor {
  const [rows, width] = packed.shape;
  const length = shape.reduce((product, size) => product * size, 1);
  return tfjs.tidy(() => {
    const [bytes] = callOp("Bitcast", { T, type: type("uint8") }, [packed]); // [rows, width, 4]
    const [numbers] = callOp("Cast", { SrcT: type("uint8"), DstT: T, Truncate: false }, [bytes]);
    const flat = tfjs.reshape<tfjs.Rank.R2>(numbers, [rows, width * BYTES]);
    const used = length === width * BYTES ? flat : tfjs.slice(flat, [0, 0], [rows, length]);
    return tfjs.reshape(used, [rows, ...shape]);
  });
}

/**
 * Rows of a tensor by their places. Unlike `tf.gather` it may be traced with places that are not known yet.
 * @param x `[N, ...]` float32 or int32.
 * @param places `[n]` int32 in `[0, N)`.
 * @returns `[n, ...]`.
 */
export function gatherRows<X extends tfjs.Tensor>(x: X, places: tfjs.Tensor1D): X {
  const int32 = type("int32");
  return tfjs.tidy(() => {
    const axis = tfjs.tensor(0, [], "int32");
    const attrs = {
      Tparams: type(x.dtype as "float32" | "int32"),
      Tindices: int32,
      Taxis: int32,
      batch_dims: 0,
    };
    return callOp("GatherV2", attrs, [x, places, axis])[0] as X;
  });
}

/**
 * A row of numbers with another number in one place, which may be traced with a place that is not known yet.
 * @param values `[n]`.
 * @param place `[]` int32 in `[0, n)`.
 * @param value `[]`.
 * @returns `[n]`.
 */
export function putAt(values: tfjs.Tensor1D, place: tfjs.Scalar, value: tfjs.Tensor): tfjs.Tensor1D {
  const [length] = values.shape;
  return tfjs.tidy(() => {
    const isHere = tfjs.equal(tfjs.range(0, length, 1, "int32"), place);
    return tfjs.where(isHere, tfjs.add(tfjs.zeros([length]), value), values);
  });
}
