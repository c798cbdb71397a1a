/** Training by several workers: each runs its share of every step and of every evaluation. */
import type { Model } from "../../layers/mod.ts";
import { allGather, allReduce, type Precision, tf, tree, type Workers } from "../../runtime/mod.ts";
import type { Dataset } from "../data/dataset.ts";
import {
  type Evaluation,
  type Evaluator,
  evaluator,
  type EvaluatorOptions,
  summedUp,
} from "../inference/evaluate.ts";
import { AHEAD, hostCallsUnread, hostRunner, type Runner } from "./runners.ts";
import { type Share, shareOf } from "./share.ts";
import { pathName, type TrainState } from "./state.ts";
import type { TrainStep } from "./step.ts";

/**
 * Runs a worker's share of each step: one a call, with a batch from the host. The order is that of the whole batch.
 * @param stepOf Compiles the step for a share.
 */
export function sharedRunner(
  stepOf: (share: Share) => TrainStep,
  dataset: Dataset,
  precision: Precision,
  workers: Workers & { readonly syncBatchNorm: boolean },
): Runner {
  /** By the images of the whole batch: an epoch has one smaller batch at the most. */
  const runners = new Map<number, { share: Share; runner: Runner }>();
  const runnerOf = (images: number) => {
    let found = runners.get(images);
    if (found === undefined) {
      const share = shareOf(images, workers, workers);
      runners.set(images, found = { share, runner: hostRunner(stepOf(share), dataset, precision) });
    }
    return found;
  };
  return {
    atOnce: 1,
    unreadCalls: hostCallsUnread(),
    run(state, { members: [order], coming, ...steps }) {
      const { share, runner } = runnerOf(order.length);
      return runner.run(state, {
        ...steps,
        members: [ownPart(order, share)],
        coming: dataset.pictures ? ownParts(coming, order.length, workers) : coming,
      });
    },
    dispose() {
      for (const { runner } of runners.values()) runner.dispose();
    },
  };
}

/** What a share has of a batch. */
function ownPart(order: Uint32Array, { rows, size }: Share): Uint32Array {
  return order.subarray(rows.from, rows.from + size);
}

/** What a worker has of the batches that come, so that it can read ahead. */
function ownParts(coming: Uint32Array, batchSize: number, workers: Workers): Uint32Array {
  const parts: number[] = [];
  for (let from = 0; from < coming.length && parts.length < AHEAD; from += batchSize) {
    const batch = coming.subarray(from, from + batchSize);
    parts.push(...ownPart(batch, shareOf(batch.length, workers)));
  }
  return Uint32Array.from(parts);
}

/**
 * Compiles the evaluation of a data set that the workers share: each looks at some batches, the same that one worker would
 * look at, and all know what came of all images.
 */
export function sharedEvaluator(
  model: Model,
  dataset: Dataset,
  options: EvaluatorOptions & { readonly batchSize: number },
  { count, index }: Workers,
): Evaluator {
  if (count === 1) return evaluator(model, dataset, options);
  const { batchSize, byClass = false } = options;
  const images = dataset.indices.length;
  const counts = byClass ? dataset.classes.length : 1;
  const indices = dataset.indices.filter((_, i) => Math.floor(i / batchSize) % count === index);
  const part = indices.length > 0 ? evaluator(model, { ...dataset, indices }, options) : undefined;
  return {
    evaluate(variables, { onBatch = () => {} } = {}): Evaluation {
      const found = part?.evaluate(variables, {
        onBatch: (done) => onBatch(Math.round(done * images / indices.length)),
      });
      const ofClass = found?.byClass?.map(({ correct }) => correct);
      const own = found === undefined
        ? new Array<number>(1 + counts).fill(0)
        : [found.loss * found.images, ...ofClass ?? [found.correct]];
      const told = tf.tidy(() => (allGather(tf.tensor1d(own)) as tf.Tensor2D).arraySync());
      const [loss, ...correct] = told.reduce((sums, row) => sums.map((sum, i) => sum + row[i]));
      return summedUp(dataset, { correct, loss }, byClass);
    },
    dispose: () => part?.dispose(),
  };
}

/**
 * The state of worker 0, for all workers, to the last bit.
 * @param state That of this worker, of the same settings. Its tensors are disposed.
 */
export function shareState(state: TrainState, { index }: Workers): TrainState {
  const { variables, optState, slow, ...numbers } = state;
  const tensors = { variables, optState, slow };
  // By name: the order in which a state was put together is its own.
  const entries = tree.entries(tensors).map(([path, tensor]) => [pathName(path), tensor] as const);
  const places = new Map<tf.Tensor, number>();
  let length = NUMBERS;
  for (const [, tensor] of entries.toSorted(([a], [b]) => a < b ? -1 : 1)) {
    places.set(tensor, length);
    length += tensor.size;
  }
  const values = new Float32Array(length); // zeros: what the others add to that of worker 0
  if (index === 0) {
    new Float64Array(values.buffer, 0, NUMBERS / 2).set([numbers.step, numbers.lossSum, numbers.lastLoss]);
    for (const [tensor, from] of places) values.set(tensor.dataSync<"float32">(), from);
  }
  // As whole numbers: a sum of floats would turn -0 into 0, and one NaN into another.
  const bits = tf.tidy(() =>
    allReduce(tf.tensor1d(new Int32Array(values.buffer), "int32")).dataSync<"int32">().slice()
  );
  const [step, lossSum, lastLoss] = new Float64Array(bits.buffer, 0, NUMBERS / 2);
  const shared = tree.map((tensor: tf.Tensor): tf.Tensor => {
    const from = places.get(tensor)!;
    return tf.tensor(new Float32Array(bits.buffer, 4 * from, tensor.size).slice(), tensor.shape, "float32");
  }, tensors);
  tree.dispose(tensors);
  return { ...shared, step, lossSum, lastLoss };
}

/** Places of float32 that the three numbers of a state take, each as float64. */
const NUMBERS = 6;
