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

/** How a run goes on. */
export interface Course {
  /** Whether it is to stop. */
  readonly stops: boolean;
  /** How many epochs it has. */
  readonly epochs: number;
}

/** How all workers go on: they stop if one of them is to, and have the epochs of worker 0. */
export function agreeOn(own: Course, { count, index }: Workers): Course {
  if (count === 1) return own;
  const told = [Number(own.stops), index === 0 ? own.epochs : 0];
  const [stops, epochs] = tf.tidy(() => allReduce(tf.tensor1d(told, "int32")).dataSync());
  return { stops: stops > 0, epochs };
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
export function shareState({ step, lossSum, lastLoss, ...tensors }: TrainState, all: Workers): TrainState {
  const numbers = new Float32Array(Float64Array.of(step, lossSum, lastLoss).buffer);
  const shared = new Float64Array(bitsOfWorker0(numbers, all).buffer);
  const state = tensorsOfWorker0(tensors, all);
  tree.dispose(tensors);
  return { ...state, step: shared[0], lossSum: shared[1], lastLoss: shared[2] };
}

/**
 * The tensors of worker 0, for all workers, to the last bit.
 * @param own A tree of this worker's, with the same names and shapes. Not disposed.
 */
export function tensorsOfWorker0<T>(own: T, all: Workers): T {
  // By name: the order in which a tree was put together is its own.
  const entries = tree.entries(own).map(([path, tensor]) => [pathName(path), tensor] as const)
    .sort(([a], [b]) => a < b ? -1 : 1);
  const places = new Map<tf.Tensor, number>();
  let length = 0;
  for (const [, tensor] of entries) {
    places.set(tensor, length);
    length += tensor.size;
  }
  const values = new Float32Array(length);
  if (all.index === 0) places.forEach((from, tensor) => values.set(tensor.dataSync<"float32">(), from));
  const bits = bitsOfWorker0(values, all);
  return tree.map((tensor: tf.Tensor): tf.Tensor => {
    const from = places.get(tensor)!;
    return tf.tensor(bits.slice(from, from + tensor.size), tensor.shape, "float32");
  }, own) as T;
}

/** The numbers of worker 0. As whole numbers: a sum of floats would turn -0 into 0, and one NaN into another. */
function bitsOfWorker0(own: Float32Array, { index }: Workers): Float32Array {
  const bits = index === 0 ? new Int32Array(own.buffer) : new Int32Array(own.length);
  const sum = tf.tidy(() => allReduce(tf.tensor1d(bits, "int32")).dataSync<"int32">().slice());
  return new Float32Array(sum.buffer);
}
