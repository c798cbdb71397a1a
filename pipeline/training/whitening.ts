/** A first layer that whitens small patches of the images, computed from the training images instead of learned. */
import { EigenvalueDecomposition, Matrix } from "ml-matrix";
import { type Model, parameters, type Variables } from "../../layers/mod.ts";
import { tf } from "../../runtime/mod.ts";
import { UsageError } from "../../runtime/system/errors.ts";
import { type Dataset, outputShape } from "../data/dataset.ts";
import { directReader } from "../data/image_reader.ts";
import { applyTransforms } from "../transforms/apply.ts";
import type { ChannelStats } from "../transforms/transforms.ts";

/** Added to the eigenvalues, so that directions without variance are not blown up (airbench94, Jordan 2024). */
const EPSILON = 5e-4;

/** Pixels that the covariance is taken over, those of 5,000 images of CIFAR: enough for 12 x 12 numbers. */
const SAMPLE = 5000 * 32 * 32;
/** And images at the most, where they are smaller. */
const SAMPLE_IMAGES = 5000;

/**
 * The variables with a first layer that whitens the images as they reach it, without a bias.
 * @param variables Given away; those that are replaced are disposed.
 * @param dataset Its members are looked at, with their transforms but for the random ones.
 * @throws {UsageError} If the first layer is not a 2 x 2 convolution with a filter for both signs of each direction of a
 *   patch, or the images are not normalised. The variables are then still the caller's.
 */
export function whiten(model: Model, variables: Variables, dataset: Dataset): Variables {
  const [first] = parameters(model);
  const channels = outputShape(dataset)[2];
  const needed = [2, 2, channels, 2 * 2 * 2 * channels];
  if (`${first.shape}` !== `${needed}`) {
    throw new UsageError(
      `Cannot whiten with "${first.name}" of ${model.name}: its shape is [${first.shape}], whitening patches of ` +
        `${channels} channels needs [${needed}]; set whiten to false, or build the network for it`,
    );
  }
  const kernel = tf.tensor(whiteningKernel(dataset), needed);
  const bias = parameters(model).find(({ layer, role }) => layer === first.layer && role === "bias");
  const replaced = { [first.name]: kernel, ...(bias && { [bias.name]: tf.zeros([...bias.shape]) }) };
  for (const name of Object.keys(replaced)) variables.params[name].dispose();
  return { ...variables, params: { ...variables.params, ...replaced } };
}

/**
 * The kernel of a 2 x 2 convolution whose outputs are uncorrelated and of unit variance over the training images:
 * the eigenvectors of the patches' covariance, each divided by the root of its eigenvalue; then the same negated, so
 * that a rectifier loses nothing.
 *
 * @param dataset Normalised images of c channels.
 * @returns `[2, 2, c, 8 c]`, row-major.
 * @throws {UsageError} If the images are not normalised.
 */
export function whiteningKernel(dataset: Dataset): Float32Array {
  const normalized = dataset.transforms.find((transform) => transform.kind === "normalize");
  if (normalized === undefined) throw new UsageError("Cannot whiten: the images are not normalised");
  const { mean, std }: ChannelStats = normalized;
  const [height, width, channels] = outputShape(dataset);
  const size = 2 * 2 * channels;
  const covariance = Matrix.zeros(size, size);
  const patch = new Float64Array(size);
  let patches = 0;
  for (const pixels of sampledImages(dataset)) {
    for (let y = 0; y + 1 < height; y += 2) {
      for (let x = 0; x + 1 < width; x += 2) {
        for (let k = 0; k < size; k++) {
          const c = k % channels;
          const dx = Math.floor(k / channels) % 2;
          const dy = Math.floor(k / channels / 2);
          const pixel = pixels[((y + dy) * width + x + dx) * channels + c];
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

/** The pixels of the first images, 0 to 255, one image at a time: as stored, or resized where the transforms say so. */
function* sampledImages(
  dataset: Dataset,
): Generator<Uint8Array | Float32Array> {
  const { indices, imageShape, transforms } = dataset;
  const [height, width, channels] = imageShape;
  const [outputHeight, outputWidth] = outputShape({ imageShape, transforms });
  const sample = Math.min(SAMPLE_IMAGES, Math.ceil(SAMPLE / (outputHeight * outputWidth)));
  const resizes = transforms.filter(({ kind }) => kind === "resize");
  const reader = directReader(dataset);
  for (const index of indices.subarray(0, sample)) {
    const stored = reader.image(index);
    yield resizes.length === 0 ? stored : tf.tidy(() => {
      const image = tf.tensor4d(Float32Array.from(stored), [1, height, width, channels]);
      return applyTransforms(resizes, image, { train: false }).dataSync<"float32">();
    });
  }
}
