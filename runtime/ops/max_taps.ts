/**
 * The maximum over windows as arithmetic on the window's taps, and its gradient by the place of each maximum. XLA makes
 * few kernels of it; of TensorFlow's own gradient it makes one that scatters, several times as slow on a GPU.
 */
import * as tfjs from "@tensorflow/tfjs";
import { callOp, T, type } from "../binding/kernel.ts";
import { outputSize } from "./geometry.ts";
import type { Pool } from "./window.ts";

/** A pool without padding, and what it pools. */
interface TapPool extends Omit<Pool, "padding"> {
  /** `[n, h, w, c]`. */
  readonly xShape: readonly number[];
}

/** The maximum of each window, `[n, h', w', c]`, and which tap it is, as uint8: the first of those that are equal. */
export function maxOfTaps(x: tfjs.Tensor4D, pool: TapPool): [maximum: tfjs.Tensor4D, tap: tfjs.Tensor4D] {
  const { kernelSize } = pool;
  return tfjs.tidy(() => {
    const sides = Array.from({ length: kernelSize }, (_, i) => i);
    const taps = sides.flatMap((row) => sides.map((column) => tapOf(x, row, column, pool)));
    const maximum = taps.reduce((highest, tap) => tfjs.maximum(highest, tap));
    // From the last to the first, which so has the last word: what each step uses, it uses once, and XLA fuses them all.
    const number = taps.slice(0, -1).reduceRight(
      (later: tfjs.Tensor, tap, i) => select(tfjs.equal(tap, maximum), tfjs.scalar(i), later),
      tfjs.add(tfjs.zerosLike(maximum), taps.length - 1),
    );
    return [maximum, cast(number, "float32", "uint8") as tfjs.Tensor4D];
  });
}

/** One tap of every window. */
function tapOf(
  x: tfjs.Tensor4D,
  row: number,
  column: number,
  { kernelSize, stride, xShape }: TapPool,
): tfjs.Tensor4D {
  const [n, , , channels] = xShape;
  const [rows, columns] = outputSize(xShape, [kernelSize, kernelSize], { stride, padding: 0 });
  const end = [n, row + (rows - 1) * stride + 1, column + (columns - 1) * stride + 1, channels];
  return tfjs.stridedSlice(x, [0, row, column, 0], end, [1, stride, stride, 1]) as tfjs.Tensor4D;
}

/**
 * The gradient of what was pooled. A pixel's place in the square of stride x stride that it lies in tells which taps of
 * which windows see it: each place has a sum of its own.
 * @param dy `[n, h', w', c]`.
 * @param tap As `maxOfTaps` gives it.
 */
export function maxOfTapsGradient(dy: tfjs.Tensor4D, tap: tfjs.Tensor4D, pool: TapPool): tfjs.Tensor4D {
  const { kernelSize, stride, xShape } = pool;
  const [n, height, width, channels] = xShape;
  const [, rows, columns] = dy.shape;
  /** Squares that a window reaches beyond the one that it begins in. */
  const reach = Math.floor((kernelSize - 1) / stride);
  return tfjs.tidy(() => {
    const around: [number, number][] = [[0, 0], [reach, reach], [reach, reach], [0, 0]];
    const gradient = tfjs.pad(dy, around);
    // Beyond the edge no gradient comes in, whatever the tap.
    const place = tfjs.pad(cast(tap, "uint8", "float32") as tfjs.Tensor4D, around);
    const size = [n, rows + reach, columns + reach, channels];
    const ofPlace = (top: number, left: number): tfjs.Tensor => {
      const parts: tfjs.Tensor[] = [];
      for (let down = 0; top + stride * down < kernelSize; down++) {
        for (let across = 0; left + stride * across < kernelSize; across++) {
          const number = (top + stride * down) * kernelSize + left + stride * across;
          const from = [0, reach - down, reach - across, 0];
          const isHere = tfjs.equal(tfjs.slice(place, from, size), number);
          parts.push(select(isHere, tfjs.slice(gradient, from, size), tfjs.scalar(0)));
        }
      }
      return parts.length === 0
        ? tfjs.zerosLike(tfjs.slice(gradient, [0, 0, 0, 0], size))
        : parts.reduce((sum, part) => tfjs.add(sum, part));
    };
    const sides = Array.from({ length: stride }, (_, i) => i);
    const squares = sides.map((top) => tfjs.stack(sides.map((left) => ofPlace(top, left)), 3));
    const image = tfjs.reshape(tfjs.stack(squares, 2), [n, size[1] * stride, size[2] * stride, channels]);
    const reached = [height, width].map((length, axis) => Math.min(length, size[1 + axis] * stride));
    const seen = tfjs.slice(image, [0, 0, 0, 0], [n, ...reached, channels]);
    return tfjs.pad(seen, [[0, 0], [0, height - reached[0]], [0, width - reached[1]], [
      0,
      0,
    ]]) as tfjs.Tensor4D;
  });
}

/** Where a condition holds the one, elsewhere the other, either of which may be a number: in a trace it stays one. */
function select(condition: tfjs.Tensor, one: tfjs.Tensor, other: tfjs.Tensor): tfjs.Tensor {
  return callOp("SelectV2", { T }, [condition, one, other])[0];
}

function cast(x: tfjs.Tensor, from: "float32" | "uint8", to: "float32" | "uint8"): tfjs.Tensor {
  return callOp("Cast", { SrcT: type(from), DstT: type(to), Truncate: false }, [x])[0];
}
