/** The gradient of a convolution's kernel as one matrix product, of the patches that it met and of what came of them. */
import * as tfjs from "@tensorflow/tfjs";
import { grid, type Place, readPixels } from "./pixels.ts";
import type { Convolution } from "./geometry.ts";

/**
 * The gradient of the kernel, `[kh, kw, in, out]`.
 * @param x `[n, h, w, in]`.
 * @param dy `[n, h', w', out]`.
 */
export function patchesFilterGradient(
  x: tfjs.Tensor4D,
  dy: tfjs.Tensor4D,
  { stride, padding, kernelShape }: Convolution,
): tfjs.Tensor4D {
  const [height, width, channels, filters] = kernelShape;
  const places = grid(dy.shape[1], dy.shape[2]).flatMap(([row, column]) =>
    grid(height, width).map(([i, j]): Place => [row * stride + i - padding, column * stride + j - padding])
  );
  const patches = tfjs.reshape<tfjs.Rank.R2>(readPixels(x, [places]), [-1, height * width * channels]);
  const product = tfjs.matMul(patches, tfjs.reshape<tfjs.Rank.R2>(dy, [-1, filters]), true);
  return tfjs.reshape(product, [height, width, channels, filters]);
}
