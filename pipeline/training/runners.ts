/**
 * What runs the steps of an epoch: one a call with a batch from the host, or many a call on images that lie on the device.
 * Both take the same steps; they round otherwise, since TensorFlow fuses otherwise in a loop.
 */
import {
  gatherRows,
  gpuHolds,
  jit,
  packBytes,
  type Precision,
  putAt,
  repeat,
  tf,
  toGpu,
  tree,
} from "../../runtime/mod.ts";
import { batches, membersAt } from "../data/batches.ts";
import type { Dataset } from "../data/dataset.ts";
import { aheadReader } from "../data/image_reader.ts";
import { type BatchTensors, batchTensors, unpackImages } from "../transforms/batch_tensors.ts";
import type { StepBatch, StepState, TrainStep } from "./step.ts";

/** Steps that follow one another, all of as many images. */
export interface Steps {
  /** The number of the first, in the run. */
  readonly first: number;
  /** The seed of the run. */
  readonly seed: number;
  /** The epoch that they are in, 0-based. */
  readonly epoch: number;
  /** Places in the data set of each step's images. */
  readonly members: readonly Uint32Array[];
  /** Places in the data set of the images that come after them in the epoch, in their order. */
  readonly coming: Uint32Array;
  /** The learning rate of each. */
  readonly rates: readonly number[];
  /** Which images of the store are mirrored, `[N]`, if some are; for an epoch always the same array. */
  readonly mirrored?: Uint8Array;
  /** Whether this worker was asked to stop, where there are several. */
  readonly stop?: boolean;
}

/** What runs steps. */
export interface Runner {
  /** How many steps it takes at once at the most; they may still run when it returns. */
  readonly atOnce: number;
  /**
   * After how many calls the losses are to be read: reading waits for all that was asked for, and a GPU then waits for
   * the next call to be made.
   */
  readonly unreadCalls: number;
  /**
   * Runs steps. Nothing of the state that it is given is disposed.
   * @returns The state after them, and the loss of each, `[atOnce]` or `[1]`: the first count, as many as there are steps;
   *   where there are several workers also how many were asked to stop, `[]`.
   */
  run(
    state: StepState,
    steps: Steps,
  ): StepState & { readonly losses: tf.Tensor1D; readonly stops?: tf.Scalar };
  /** Frees what it holds. */
  dispose(): void;
}

/** Calls on a GPU whose losses are read together. */
const UNREAD_CALLS = 4;

/** Calls with batches from the host whose losses are read together. */
export function hostCallsUnread(): number {
  return gpuHolds(0) ? UNREAD_CALLS : 1;
}

/** Steps of one call on the device, where lookahead does not say it. */
export const AT_ONCE = 16;

/** Runs one step a call, and hands it the batch. On a GPU the next batch is made and sent while it runs. */
export function hostRunner(step: TrainStep, dataset: Dataset, precision: Precision): Runner {
  const fromPixels = jit(
    function hostStep(state: StepState, { pixels, ...rest }: BatchTensors & Omit<StepBatch, "images">) {
      return step(state, { images: unpackImages(pixels, dataset.imageShape), ...rest });
    },
    { precision },
  );
  const reader = aheadReader(dataset);
  return {
    atOnce: 1,
    unreadCalls: hostCallsUnread(),
    run: (state, { first, seed, epoch, members: [order], coming, rates: [rate], mirrored, stop }) =>
      tree.tidy(() => {
        const turn = { seed, epoch };
        if (dataset.pictures) {
          reader.expect(membersAt(dataset, joined(order, coming.subarray(0, AHEAD))), turn);
        }
        const [batch] = batches(dataset, order.length, { order, mirrored, turn, reader });
        const { loss, ...next } = fromPixels(state, {
          ...batchTensors(batch),
          learningRate: tf.scalar(rate),
          seed: tf.tensor1d([seed, first], "int32"),
          ...(stop !== undefined && { stop: tf.scalar(Number(stop)) }),
        });
        return { ...next, losses: tf.reshape(loss, [1]) as tf.Tensor1D };
      }),
    dispose() {
      reader.dispose();
      step.dispose();
      fromPixels.dispose();
    },
  };
}

/** Images after a step's that are read ahead at the most. */
export const AHEAD = 1024;

function joined(first: Uint32Array, second: Uint32Array): Uint32Array {
  const whole = new Uint32Array(first.length + second.length);
  whole.set(first);
  whole.set(second, first.length);
  return whole;
}

/**
 * Runs many steps a call, on images that it keeps on the device, as bytes.
 * @param calls `batchSize` of the steps that are taken many at once, and `atOnce` how many: enough that the device need not
 *   wait for the host, few enough that progress shows. A smaller batch is a call of its own.
 */
export function deviceRunner(
  step: TrainStep,
  dataset: Dataset,
  precision: Precision,
  { batchSize, atOnce }: { batchSize: number; atOnce: number },
): Runner {
  const { labels, indices, imageShape, pictures } = dataset;
  if (pictures !== undefined) throw new TypeError("deviceRunner: it takes images in memory, not pictures");
  const store = tree.tidy(() => {
    const store = {
      pixels: packBytes(dataset.images, labels.length),
      // As float32, which lies on the device where whole numbers may not; exact up to 2^24.
      labels: tf.tensor1d(Float32Array.from(labels)),
      indices: tf.tensor1d(Float32Array.from(indices)),
    };
    toGpu(Object.values(store));
    return store;
  });
  let flips: { of: Uint8Array; tensor: tf.Tensor1D } | undefined;
  const steps = jit(
    function trainSteps(
      state: StepState,
      given: typeof store & {
        order: tf.Tensor2D;
        rates: tf.Tensor1D;
        count: tf.Scalar;
        seed: tf.Tensor1D;
        flips?: tf.Tensor1D;
      },
    ) {
      const [rounds] = given.rates.shape;
      const losses = tf.zeros([rounds]) as tf.Tensor1D;
      return repeat(
        rounds,
        (round, { state, losses }, given) => {
          const place = tf.reshape(round, [1]) as tf.Tensor1D;
          const order = tf.reshape(gatherRows(given.order, place), [-1]) as tf.Tensor1D;
          const members = tf.cast(gatherRows(given.indices, order), "int32");
          const { loss, ...next } = step(state, {
            images: unpackImages(gatherRows(given.pixels, members), imageShape),
            labels: tf.cast(gatherRows(given.labels, members), "int32"),
            learningRate: tf.reshape(gatherRows(given.rates, place), []) as tf.Scalar,
            seed: tf.add(given.seed, tf.mul(round, tf.tensor1d([0, 1], "int32"))) as tf.Tensor1D,
            ...(given.flips && { flips: tf.cast(gatherRows(given.flips, members), "int32") }),
          });
          // Fewer steps than rounds are the same program, whose last rounds leave the state as it is.
          const counts = tf.less(round, given.count);
          return {
            state: tree.map(
              (after: tf.Tensor, before: tf.Tensor) => tf.where(counts, after, before),
              next,
              state,
            ),
            losses: putAt(losses, round, loss),
          };
        },
        { state, losses },
        given,
      );
    },
    { precision },
  );
  return {
    atOnce,
    unreadCalls: UNREAD_CALLS,
    run(state, { first, seed, members, rates, mirrored }) {
      if (mirrored !== undefined && flips?.of !== mirrored) {
        flips?.tensor.dispose();
        flips = { of: mirrored, tensor: tf.tensor1d(Float32Array.from(mirrored)) };
        toGpu([flips.tensor]);
      }
      return tree.tidy(() => {
        const size = members[0].length;
        const rounds = size === batchSize ? atOnce : 1;
        const order = new Int32Array(rounds * size);
        members.forEach((row, i) => order.set(row, i * size));
        const { state: next, losses } = steps(state, {
          ...store,
          order: tf.tensor2d(order, [rounds, size], "int32"),
          rates: tf.tensor1d(Float32Array.from({ length: rounds }, (_, i) => rates[i] ?? 0)),
          count: tf.scalar(members.length, "int32"),
          seed: tf.tensor1d([seed, first], "int32"),
          ...(flips && { flips: flips.tensor }),
        });
        return { ...next, losses };
      });
    },
    dispose() {
      tree.dispose([store, flips?.tensor]);
      step.dispose();
      steps.dispose();
    },
  };
}
