/**
 * Winograd's convolution: 3 x 3 at stride 1 with a quarter to a half of the multiplications, as products of matrices.
 *
 * The output is cut into tiles of m x m pixels. The (m + 2) x (m + 2) pixels that a tile is made of, and the kernel, are
 * transformed to as many numbers each; these are multiplied and summed over the channels, one product of matrices for
 * each of the (m + 2)^2 places, and transformed back: F(m x m, 3 x 3) of A. Lavin and S. Gray, "Fast Algorithms for
 * Convolutional Neural Networks" (arXiv:1509.09308).
 *
 * It rounds more than a direct convolution, the more the larger the tiles: in float32 by little, in bfloat16 too much with
 * tiles above 2 (docs/performance.md, "Winograd's convolution").
 *
 * Images are `[n, h, w, channels]`, kernels `[3, 3, in, out]`, padding is one pixel on each side.
 */
import * as tfjs from "@tensorflow/tfjs";
import { callOp, types } from "../binding/kernel.ts";
import { firstRows, grid, type Place, readPixels } from "./pixels.ts";

/** A matrix, as its rows. */
type Matrix = readonly (readonly number[])[];

/** The transforms in one dimension: of m + 2 pixels, of 3 weights, and of m + 2 sums of products to m pixels (transposed). */
interface Transforms {
  /** `[m + 2][m + 2]`. */
  readonly image: Matrix;
  /** `[m + 2][3]`. */
  readonly kernel: Matrix;
  /** `[m + 2][m]`. */
  readonly result: Matrix;
}

/** How `[n, height, width]` falls into tiles. */
interface Tiling {
  readonly n: number;
  readonly height: number;
  readonly width: number;
  /** m: pixels of a tile in each direction. The last ones may reach beyond the image. */
  readonly tile: number;
  readonly rows: number;
  readonly columns: number;
}

/** Where the polynomials are evaluated, infinity besides. In this order, as -1/2 for -2 makes F(4 x 4, 3 x 3) round less. */
const POINTS = [0, 1, -1, 2, -0.5, -2];

/**
 * The transforms of F(m, 3) by Toom and Cook's construction: polynomials that agree at m + 1 points, and in their
 * leading coefficient, are equal. With rows `b`, `g` and `a` of `image`, `kernel` and `result`, the outputs
 * `y[i] = x[i] w[0] + x[i + 1] w[1] + x[i + 2] w[2]` are the sums over the rows of `a[i] (b . x) (g . w)`.
 * @param tile m, from 1 to 5.
 */
export function transforms(tile: number): Transforms {
  const points = POINTS.slice(0, tile + 1);
  const others = (point: number) => points.filter((other) => other !== point);
  const powers = (point: number, count: number) => Array.from({ length: count }, (_, k) => point ** k);
  const atInfinity = (count: number) => Array.from({ length: count }, (_, k) => Number(k === count - 1));
  return {
    image: [...points.map((point) => [...withRoots(others(point)), 0]), withRoots(points)],
    kernel: [
      ...points.map((point) => {
        const scale = others(point).reduce((product, other) => product * (point - other), 1);
        return powers(point, 3).map((power) => power / scale);
      }),
      atInfinity(3),
    ],
    result: [...points.map((point) => powers(point, tile)), atInfinity(tile)],
  };
}

/** The coefficients of the polynomial with these roots, from the constant to the leading 1. */
function withRoots(roots: readonly number[]): number[] {
  return roots.reduce<number[]>(
    (product, root) => [0, ...product].map((shifted, i) => shifted - root * (product[i] ?? 0)),
    [1],
  );
}

/** The convolution, `[n, h, w, out]`. */
export function winogradConv2d(x: tfjs.Tensor4D, kernel: tfjs.Tensor4D, tile: number): tfjs.Tensor4D {
  const tiling = tilesOf(x.shape, tile);
  const kernels = transformKernel(kernel, transforms(tile).kernel, x);
  return fromTiles(tfjs.matMul(transformImage(x, tiling), kernels), tiling);
}

/** The gradient of the image: the convolution of `dy` with the kernel turned by 180 degrees and its channels exchanged. */
export function winogradInputGradient(
  dy: tfjs.Tensor4D,
  kernel: tfjs.Tensor4D,
  tile: number,
): tfjs.Tensor4D {
  const tiling = tilesOf(dy.shape, tile);
  const turned = transforms(tile).kernel.map((row) => row.toReversed());
  const kernels = transformKernel(kernel, turned, dy);
  return fromTiles(tfjs.matMul(transformImage(dy, tiling), kernels, false, true), tiling);
}

/** The gradient of the kernel. What it transforms of `x` is what the convolution did: TensorFlow does it once. */
export function winogradFilterGradient(
  x: tfjs.Tensor4D,
  dy: tfjs.Tensor4D,
  tile: number,
): tfjs.Tensor4D {
  const tiling = tilesOf(dy.shape, tile);
  const { kernel, result } = transforms(tile);
  const dProducts = onPlaces(result, pixelsOfTiles(dy, tiling, tile, 0), dy.shape[3]);
  const dKernels = tfjs.matMul(transformImage(x, tiling), dProducts, true);
  const dKernel = tfjs.matMul(inBothDirections(kernel), planes(dKernels), true);
  return tfjs.reshape(dKernel, [3, 3, x.shape[3], dy.shape[3]]);
}

function tilesOf([n, height, width]: readonly number[], tile: number): Tiling {
  return { n, height, width, tile, rows: Math.ceil(height / tile), columns: Math.ceil(width / tile) };
}

/** The pixels that each tile is made of, transformed: `[places, tiles, channels]`. */
function transformImage(x: tfjs.Tensor4D, tiling: Tiling): tfjs.Tensor3D {
  const pixels = pixelsOfTiles(x, tiling, tiling.tile + 2, -1);
  return onPlaces(transforms(tiling.tile).image, pixels, x.shape[3]);
}

/**
 * The kernel, transformed: `[places, in, out]`.
 * @param image What it will be multiplied with. Kernels are there from the start of a step, and TensorFlow, which runs what
 * it can, would transform those of all layers first and keep them (docs/performance.md, "What helped").
 */
function transformKernel(kernel: tfjs.Tensor4D, rows: Matrix, image: tfjs.Tensor4D): tfjs.Tensor3D {
  const [, , inputs, outputs] = kernel.shape;
  const onePixel = tfjs.slice(image, [0, 0, 0, 0], [1, 1, 1, 1]);
  const T = types("float32", "float32");
  const [transform] = callOp("IdentityN", { T }, [inBothDirections(rows), onePixel]);
  return tfjs.reshape(
    tfjs.matMul(transform as tfjs.Tensor2D, tfjs.reshape<tfjs.Rank.R2>(kernel, [9, inputs * outputs])),
    [rows.length ** 2, inputs, outputs],
  );
}

/** Sums of products `[places, tiles, channels]`, transformed to tiles and these put together: `[n, h, w, channels]`. */
function fromTiles(products: tfjs.Tensor3D, tiling: Tiling): tfjs.Tensor4D {
  const { n, height, width, tile, rows, columns } = tiling;
  const channels = products.shape[2];
  const pixels = tfjs.matMul(inBothDirections(transforms(tile).result), planes(products), true);
  const tiles = n * rows * columns;
  const index = grid(height, width).map(([y, x]) =>
    (y % tile * tile + x % tile) * tiles + Math.floor(y / tile) * columns + Math.floor(x / tile)
  );
  const ofImages = tfjs.add(firstRows(n, rows * columns), tfjs.tensor2d(index, [1, height * width], "int32"));
  const inOrder = tfjs.gather(tfjs.reshape(pixels, [-1, channels]), ofImages);
  return tfjs.reshape(inOrder, [n, height, width, channels]);
}

/**
 * The pixels of all tiles, 0 beyond the image: `[size * size, tiles * channels]`, tiles by image, row and column.
 * @param size Pixels that belong to a tile in each direction.
 * @param offset Where they begin, seen from the tile's own first.
 */
function pixelsOfTiles(
  x: tfjs.Tensor4D,
  { tile, rows, columns }: Tiling,
  size: number,
  offset: number,
): tfjs.Tensor2D {
  const places = grid(size, size).map(([i, j]) =>
    grid(rows, columns).map(([row, column]): Place => [row * tile + i + offset, column * tile + j + offset])
  );
  return planes(readPixels(x, places), size * size);
}

/** Transforms the pixels of every tile and channel: `[places, tiles, channels]`. */
function onPlaces(rows: Matrix, pixels: tfjs.Tensor2D, channels: number): tfjs.Tensor3D {
  return tfjs.reshape(tfjs.matMul(inBothDirections(rows), pixels), [rows.length ** 2, -1, channels]);
}

/** One row for each of the first dimension's. */
function planes(x: tfjs.Tensor, rows = x.shape[0]): tfjs.Tensor2D {
  return tfjs.reshape(x, [rows, -1]);
}

/** The matrix that does to a square, row by row, what `rows` does to a line, in both directions (Kronecker's product). */
function inBothDirections(rows: Matrix): tfjs.Tensor2D {
  return tfjs.tensor2d(rows.flatMap((a) => rows.map((b) => a.flatMap((u) => b.map((v) => u * v)))));
}
