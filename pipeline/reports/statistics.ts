/** Mean, deviation and range of the pixels of a data set by channel, stored or transformed. */
import { jit, type tf } from "../../runtime/mod.ts";
import { batches } from "../data/batches.ts";
import { type Dataset, outputShape } from "../data/dataset.ts";
import { applyTransforms } from "../transforms/apply.ts";
import { imageTensor } from "../transforms/batch_tensors.ts";

/** Over all pixels of some images. */
export interface PixelStatistics {
  /** How many images were looked at. */
  readonly images: number;
  /** Smallest value, `[C]`. */
  readonly min: readonly number[];
  /** Largest value, `[C]`. */
  readonly max: readonly number[];
  /** Mean, `[C]`. */
  readonly mean: readonly number[];
  /** Standard deviation of the population (divided by N, not N - 1), `[C]`. */
  readonly std: readonly number[];
  /** Milliseconds that each transform took for these images, in the order of the list, compiling included. */
  readonly milliseconds: readonly number[];
}

/** Values a chunk: what is transformed at once, so that memory stays small whatever the size of the images. */
const CHUNK_VALUES = 2 ** 20;

/**
 * Statistics of the first images of a data set as they leave its transforms, without the random changes of `augment`.
 * The images stream through in chunks; sums are float64. With transforms it needs `tf.ready()` first.
 *
 * @param dataset Its members, in their order.
 * @param options `images`: how many; all by default.
 * @throws {RangeError} If `images` is not an integer from 1 to the number of members.
 * @example
 * ```ts
 * import { loadCifar } from "@resnet/deno";
 * import { pixelStatistics } from "@resnet/deno/reports";
 *
 * async function means(): Promise<number[]> {
 *   const { train } = await loadCifar("data");
 *   return pixelStatistics(train).mean.map((mean) => mean / 255); // 0.4914, 0.4822, 0.4465: CIFAR10_STATS
 * }
 * ```
 */
export function pixelStatistics(
  dataset: Dataset,
  options: { images?: number } = {},
): PixelStatistics {
  const { images = dataset.indices.length } = options;
  if (!Number.isInteger(images) || images < 1 || images > dataset.indices.length) {
    throw new RangeError(
      `pixelStatistics: images must be an integer from 1 to ${dataset.indices.length}, found ${images}`,
    );
  }
  const [height, width, channels] = outputShape(dataset);
  const chunk = Math.max(1, Math.floor(CHUNK_VALUES / (height * width * channels)));
  const sums = new ChannelSums(channels);
  const steps = dataset.transforms.map((transform) => ({
    run: jit((x: tf.Tensor4D) => applyTransforms([transform], x, { train: false })),
    milliseconds: 0,
  }));
  const first = { ...dataset, indices: dataset.indices.subarray(0, images) };
  try {
    for (const batch of batches(first, chunk)) {
      if (steps.length === 0) {
        sums.add(batch.images);
        continue;
      }
      let x = imageTensor(batch, dataset.imageShape);
      for (const step of steps) {
        const start = performance.now();
        const y = step.run(x);
        step.milliseconds += performance.now() - start;
        x.dispose();
        x = y;
      }
      sums.add(x.dataSync());
      x.dispose();
    }
  } finally {
    for (const { run } of steps) run.dispose();
  }
  return { images, ...sums.result(), milliseconds: steps.map(({ milliseconds }) => milliseconds) };
}

/** Running sums by channel. */
class ChannelSums {
  #count = 0;
  readonly #sum: Float64Array;
  readonly #squares: Float64Array;
  readonly #min: Float64Array;
  readonly #max: Float64Array;

  constructor(channels: number) {
    this.#sum = new Float64Array(channels);
    this.#squares = new Float64Array(channels);
    this.#min = new Float64Array(channels).fill(Infinity);
    this.#max = new Float64Array(channels).fill(-Infinity);
  }

  /** Adds pixels, channel by channel in turn. */
  add(values: ArrayLike<number>): void {
    const channels = this.#sum.length;
    for (let channel = 0; channel < channels; channel++) {
      let sum = 0, squares = 0, min = Infinity, max = -Infinity;
      for (let i = channel; i < values.length; i += channels) {
        const value = values[i];
        sum += value;
        squares += value * value;
        if (value < min) min = value;
        if (value > max) max = value;
      }
      this.#sum[channel] += sum;
      this.#squares[channel] += squares;
      this.#min[channel] = Math.min(this.#min[channel], min);
      this.#max[channel] = Math.max(this.#max[channel], max);
    }
    this.#count += values.length / channels;
  }

  result(): Pick<PixelStatistics, "min" | "max" | "mean" | "std"> {
    const mean = Array.from(this.#sum, (sum) => sum / this.#count);
    return {
      min: [...this.#min],
      max: [...this.#max],
      mean,
      std: mean.map((mean, channel) =>
        Math.sqrt(Math.max(0, this.#squares[channel] / this.#count - mean ** 2))
      ),
    };
  }
}
