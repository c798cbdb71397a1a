/**
 * A convolution of few channels as one of blocks of pixels: the pixels of a block lie in the channels of one pixel, and what
 * the block gives lies in the channels of one pixel too. The kernel of blocks holds the kernel once for each pixel that a
 * block gives, and zeros: more products, of which a GPU's matrix units can take many at once. The sums are the same.
 *
 * Images are `[n, h, w, channels]`, kernels `[kh, kw, in, out]`.
 */
import * as tfjs from "@tensorflow/tfjs";
import { directConv2d, directFilterGradient, directInputGradient } from "./direct.ts";
import type { Convolution } from "./geometry.ts";

/** How many pixels a block gives, each way. */
export interface Block {
  readonly rows: number;
  readonly columns: number;
}

/** cuDNN's kernels for matrix units take channels by eights. */
const MULTIPLE = 8;

/** One direction of a convolution of blocks. */
interface Side {
  /** Pixels of a block that come in, and that go out. */
  readonly pixels: number;
  readonly given: number;
  /** Blocks in the image's length; blocks of padding before it, and after it. */
  readonly blocks: number;
  readonly padding: number;
  /** Length of the kernel of blocks. */
  readonly length: number;
  /**
   * For each block of the kernel, each pixel that comes in and each that goes out, which place of the kernel is between
   * them, `[length * pixels * given]`; one past its end for none.
   */
  readonly places: readonly number[];
}

/**
 * One direction, or nothing if blocks do not fit the image or reach further to one side than to the other.
 * @param given Pixels that a block gives.
 */
function sideOf(
  size: number,
  kernelSize: number,
  { stride, padding }: Convolution,
  given: number,
): Side | undefined {
  const pixels = stride * given;
  const before = Math.ceil(padding / pixels);
  const after = Math.floor((stride * (given - 1) + kernelSize - 1 - padding) / pixels);
  const steps = Math.floor((size + 2 * padding - kernelSize) / stride) + 1;
  if (size % pixels !== 0 || steps * stride !== size || before !== after) return undefined;
  const length = before + 1 + after;
  const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
  const places = range(length).flatMap((block) =>
    range(pixels).flatMap((from) =>
      range(given).map((to) => {
        const place = (block - before) * pixels + from - stride * to + padding;
        return place >= 0 && place < kernelSize ? place : kernelSize;
      })
    )
  );
  return { pixels, given, blocks: size / pixels, padding: before, length, places };
}

/** A convolution of blocks. */
interface Blocks {
  readonly rows: Side;
  readonly columns: Side;
  /** Channels of a block that comes in, filled up. */
  readonly channels: number;
  readonly convolution: Convolution;
}

function blocksOf(convolution: Convolution, block: Block): Blocks | undefined {
  const { xShape: [n, height, width, channels], kernelShape: [kh, kw, , filters] } = convolution;
  const rows = sideOf(height, kh, convolution, block.rows);
  const columns = sideOf(width, kw, convolution, block.columns);
  if (rows === undefined || columns === undefined || rows.padding !== columns.padding) return undefined;
  const wide = MULTIPLE * Math.ceil(rows.pixels * columns.pixels * channels / MULTIPLE);
  return {
    rows,
    columns,
    channels: wide,
    convolution: {
      stride: 1,
      padding: rows.padding,
      xShape: [n, rows.blocks, columns.blocks, wide],
      kernelShape: [rows.length, columns.length, wide, rows.given * columns.given * filters],
    },
  };
}

/** Whether a convolution can be done in such blocks. */
export function fitsBlocks(convolution: Convolution, block: Block): boolean {
  return blocksOf(convolution, block) !== undefined;
}

/** The convolution, `[n, h', w', out]`. */
export function blockConv2d(
  x: tfjs.Tensor4D,
  kernel: tfjs.Tensor4D,
  convolution: Convolution,
  block: Block,
): tfjs.Tensor4D {
  const blocks = blocksOf(convolution, block)!;
  return tfjs.tidy(() => {
    const y = directConv2d(imageToBlocks(x, blocks), kernelToBlocks(kernel, blocks), blocks.convolution);
    return fromBlocks(y, blocks.rows.given, blocks.columns.given);
  });
}

/** The gradient of the image. */
export function blockInputGradient(
  dy: tfjs.Tensor4D,
  kernel: tfjs.Tensor4D,
  convolution: Convolution,
  block: Block,
): tfjs.Tensor4D {
  const blocks = blocksOf(convolution, block)!;
  const { rows, columns } = blocks;
  return tfjs.tidy(() => {
    const inBlocks = toBlocks(dy, rows.given, columns.given);
    const dx = directInputGradient(inBlocks, kernelToBlocks(kernel, blocks), blocks.convolution, {
      padsApart: false,
    });
    const channels = rows.pixels * columns.pixels * convolution.xShape[3];
    const used = tfjs.slice(dx, [0, 0, 0, 0], [...dx.shape.slice(0, 3), channels]) as tfjs.Tensor4D;
    return fromBlocks(used, rows.pixels, columns.pixels);
  });
}

/** The gradient of the kernel: each of its places is in the kernel of blocks as often as a block gives pixels. */
export function blockFilterGradient(
  x: tfjs.Tensor4D,
  dy: tfjs.Tensor4D,
  convolution: Convolution,
  block: Block,
): tfjs.Tensor4D {
  const blocks = blocksOf(convolution, block)!;
  const { rows, columns } = blocks;
  const [kh, kw, channels, filters] = convolution.kernelShape;
  return tfjs.tidy(() => {
    const gradient = directFilterGradient(
      imageToBlocks(x, blocks),
      toBlocks(dy, rows.given, columns.given),
      blocks.convolution,
      { padsApart: false },
    );
    const used = tfjs.slice(gradient, [0, 0, 0, 0], [
      rows.length,
      columns.length,
      rows.pixels * columns.pixels * channels,
      rows.given * columns.given * filters,
    ]);
    const split = tfjs.reshape(used, [
      ...[rows.length, columns.length, rows.pixels, columns.pixels, channels],
      ...[rows.given, columns.given, filters],
    ]);
    // [row, column, ...] of the kernel of blocks, both flat as `places` has them.
    const flat = tfjs.reshape(tfjs.transpose(split, [0, 2, 5, 1, 3, 6, 4, 7]), [
      rows.places.length,
      columns.places.length,
      channels * filters,
    ]);
    const summed = sumPlaces(sumPlaces(flat, columns, kw, 1), rows, kh, 0);
    return tfjs.reshape(summed, [kh, kw, channels, filters]) as tfjs.Tensor4D;
  });
}

/** Sums along an axis what belongs to each place of the kernel. */
function sumPlaces(
  flat: tfjs.Tensor,
  { places, given }: Side,
  kernelSize: number,
  axis: number,
): tfjs.Tensor {
  const order = Array.from({ length: kernelSize }, (_, place) => place)
    .flatMap((place) => [...places.keys()].filter((i) => places[i] === place));
  const gathered = tfjs.gather(flat, tfjs.tensor1d(order, "int32"), axis);
  const shape = [...flat.shape.slice(0, axis), kernelSize, given, ...flat.shape.slice(axis + 1)];
  return tfjs.sum(tfjs.reshape(gathered, shape), axis + 1);
}

function imageToBlocks(x: tfjs.Tensor4D, { rows, columns, channels }: Blocks): tfjs.Tensor4D {
  return fillChannels(toBlocks(x, rows.pixels, columns.pixels), 3, channels);
}

function kernelToBlocks(kernel: tfjs.Tensor4D, { rows, columns, channels }: Blocks): tfjs.Tensor4D {
  const [kh, kw, inputs, filters] = kernel.shape;
  // One past the end on both sides stands for what is not between two pixels.
  const padded = tfjs.pad(kernel, [[0, 1], [0, 1], [0, 0], [0, 0]]);
  const inRows = tfjs.gather(
    tfjs.reshape(padded, [kh + 1, kw + 1, inputs * filters]),
    tfjs.tensor1d([...rows.places], "int32"),
    0,
  );
  const flat = tfjs.gather(inRows, tfjs.tensor1d([...columns.places], "int32"), 1);
  const split = tfjs.reshape(flat, [
    ...[rows.length, rows.pixels, rows.given],
    ...[columns.length, columns.pixels, columns.given],
    ...[inputs, filters],
  ]);
  const blocks = tfjs.reshape(tfjs.transpose(split, [0, 3, 1, 4, 6, 2, 5, 7]), [
    rows.length,
    columns.length,
    rows.pixels * columns.pixels * inputs,
    rows.given * columns.given * filters,
  ]) as tfjs.Tensor4D;
  return fillChannels(blocks, 2, channels);
}

type Shape = tfjs.Tensor4D["shape"];

/** The pixels of each block as channels of one pixel. In blocks of one row nothing moves. */
function toBlocks(x: tfjs.Tensor4D, rows: number, columns: number): tfjs.Tensor4D {
  const [n, height, width, channels] = x.shape;
  const shape: Shape = [n, height / rows, width / columns, rows * columns * channels];
  if (rows === 1) return tfjs.reshape(x, shape);
  const split = tfjs.reshape(x, [n, height / rows, rows, width / columns, columns, channels]);
  return tfjs.reshape(tfjs.transpose(split, [0, 1, 3, 2, 4, 5]), shape);
}

/** The way back. */
function fromBlocks(x: tfjs.Tensor4D, rows: number, columns: number): tfjs.Tensor4D {
  const [n, height, width, filled] = x.shape;
  const channels = filled / (rows * columns);
  const shape: Shape = [n, height * rows, width * columns, channels];
  if (rows === 1) return tfjs.reshape(x, shape);
  const split = tfjs.reshape(x, [n, height, width, rows, columns, channels]);
  return tfjs.reshape(tfjs.transpose(split, [0, 1, 3, 2, 4, 5]), shape);
}

/** Zeros behind the channels, so that there are so many. */
function fillChannels(x: tfjs.Tensor4D, axis: number, channels: number): tfjs.Tensor4D {
  if (x.shape[axis] === channels) return x;
  return tfjs.pad(x, x.shape.map((size, i): [number, number] => [0, i === axis ? channels - size : 0]));
}
