/** A first layer that whitens small patches of the images, computed from the training images instead of learned. */
import { EigenvalueDecomposition, Matrix } from "ml-matrix";
import type { Dataset } from "../data/dataset.ts";

/** Added to the eigenvalues, so that directions without variance are not blown up (airbench94, Jordan 2024). */
const EPSILON = 5e-4;

/** Images that the covariance is taken over: enough for 12 x 12 numbers. */
const SAMPLE = 5000;

/**
 * The kernel of a 2 x 2 convolution whose outputs are uncorrelated and of unit variance over the training images:
 * the eigenvectors of the patches' covariance, each divided by the root of its eigenvalue; then the same negated, so
 * that a rectifier loses nothing.
 *
 * @param dataset Images of 3 channels.
 * @param stats What the images are normalised by.
 * @returns `[2, 2, 3, 24]`, row-major.
 */
export function whiteningKernel(
  { images, indices, imageShape: [height, width, channels] }: Dataset,
  { mean, std }: { mean: readonly number[]; std: readonly number[] },
): Float32Array {
  const size = 2 * 2 * channels;
  const covariance = Matrix.zeros(size, size);
  const patch = new Float64Array(size);
  let patches = 0;
  for (const index of indices.subarray(0, SAMPLE)) {
    const base = index * height * width * channels;
    for (let y = 0; y + 1 < height; y += 2) {
      for (let x = 0; x + 1 < width; x += 2) {
        for (let k = 0; k < size; k++) {
          const c = k % channels;
          const dx = Math.floor(k / channels) % 2;
          const dy = Math.floor(k / channels / 2);
          const pixel = images[base + ((y + dy) * width + x + dx) * channels + c];
          patch[k] = (pixel / 255 - mean[c]) / std[c];
        }
        for (let i = 0; i < size; i++) {
          for (let j = 0; j <= i; j++) covariance.set(i, j, covariance.get(i, j) + patch[i] * patch[j]);
        }
        patches++;
      }
    }
  }
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      const value = covariance.get(i, j) / patches;
      covariance.set(i, j, value);
      covariance.set(j, i, value);
    }
  }
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(covariance, {
    assumeSymmetric: true,
  });
  const kernel = new Float32Array(size * 2 * size);
  for (let k = 0; k < size; k++) {
    for (let filter = 0; filter < size; filter++) {
      const weight = eigenvectorMatrix.get(k, filter) / Math.sqrt(realEigenvalues[filter] + EPSILON);
      kernel[k * 2 * size + filter] = weight;
      kernel[k * 2 * size + size + filter] = -weight;
    }
  }
  return kernel;
}
