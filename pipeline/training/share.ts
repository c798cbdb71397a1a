/** What one of several workers has of a batch, and how what they computed comes together. */
import {
  allGather,
  allReduce,
  type Joint,
  type Rows,
  tf,
  tree,
  type ValueAndGrads,
  type Workers,
} from "../../runtime/mod.ts";

/** The images that one worker has of a batch: such as follow one another. */
export interface Share {
  /** Which of the batch they are. */
  readonly rows: Rows;
  /** How many; at least 1. */
  readonly size: number;
  /** What they count for in the mean over the batch: their part of its images, or 0 for one that only stands in. */
  readonly weight: number;
  /** What joins the workers, where batch norms take the statistics of the whole batch. */
  readonly joint?: Joint;
}

/**
 * The share of a worker in a batch: as many images as the others have, or one less. Where there are fewer images than
 * workers, the last workers compute the batch's first image, which then counts for nothing: they must take part.
 *
 * @param images Of the batch.
 * @param options `syncBatchNorm`: whether batch norms take the statistics of the whole batch.
 */
export function shareOf(
  images: number,
  { count, index }: Workers,
  { syncBatchNorm = false }: { syncBatchNorm?: boolean } = {},
): Share {
  const start = (worker: number): number => {
    const [each, more] = [Math.floor(images / count), images % count];
    return worker * each + Math.min(worker, more);
  };
  const sizes = Array.from({ length: count }, (_, worker) => start(worker + 1) - start(worker));
  const own = sizes[index];
  return {
    rows: { from: own === 0 ? 0 : start(index), of: images },
    size: Math.max(1, own),
    weight: own / images,
    ...(syncBatchNorm && {
      joint: { weights: sizes.map((size) => size / images), part: index, gather: allGather, sum: allReduce },
    }),
  };
}

/** The sums over the workers of each tensor of a tree, by one reduction of all of them in a row. float32 throughout. */
export function joinSums<T>(values: T): T {
  const tensors = tree.tensors(values);
  const flat = allReduce(tf.concat(tensors.map((tensor) => tf.reshape(tensor, [-1]))));
  let from = 0;
  return tree.map((tensor: tf.Tensor) => {
    const part = tf.slice(flat, [from], [tensor.size]);
    from += tensor.size;
    return tf.reshape(part, tensor.shape);
  }, values) as T;
}

/**
 * How many images a share counts for, `[]`, each as much as its class.
 * @param labels `[n]` int32, of the share's images.
 * @param classWeights `[C]`.
 */
export function countedImages(
  labels: tf.Tensor1D,
  classWeights: readonly number[],
  { weight }: Share,
): tf.Scalar {
  const each = tf.gather(tf.tensor1d([...classWeights]), labels);
  return tf.mul(tf.sum(each), weight === 0 ? 0 : 1);
}

/** The loss and its gradients, divided by the images that the whole batch counts for, where these are weighed. */
export function meanOfSums<
  T extends Pick<ValueAndGrads<unknown>, "value" | "grads"> & { counted?: tf.Scalar },
>(
  sums: T,
): T {
  const { value, grads, counted } = sums;
  if (counted === undefined) return sums;
  return { ...sums, ...tree.map((sum) => tf.div(sum, counted), { value, grads }) };
}
