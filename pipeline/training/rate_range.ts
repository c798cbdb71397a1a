/** How the loss goes while the learning rate rises: a test that tells which rate to train with. */
import type { Model } from "../../layers/mod.ts";
import { UsageError } from "../../runtime/system/errors.ts";
import { shuffledOrder } from "../data/batches.ts";
import type { Data, Dataset } from "../data/dataset.ts";
import { classWeightsOf } from "./class_weights.ts";
import type { Training } from "./recipe.ts";
import { disposeState } from "./state.ts";
import { NotFiniteError, train, type TrainOptions } from "./train.ts";

/** One step of the test. */
export interface RatePoint {
  /** The learning rate. */
  readonly rate: number;
  /** Mean loss of the step's images, in nats, before that rate has moved anything. */
  readonly loss: number;
  /** The mean of this loss and those before, each counting `SMOOTHING` times as much as the next. */
  readonly smoothed: number;
}

/** How the test goes. */
export interface RateRangeOptions extends Pick<TrainOptions, "seed" | "variables" | "signal"> {
  /** The first rate; a thousandth of that of the settings unless given. */
  readonly from?: number;
  /** The last rate, if the loss does not diverge before; a hundred times that of the settings unless given. */
  readonly to?: number;
  /** Steps from the first to the last; 150 unless given. */
  readonly steps?: number;
  /** Called after each step. */
  readonly onStep?: (point: RatePoint) => void;
}

/** Steps of a test, unless told otherwise. */
export const RATE_STEPS = 150;

const SMOOTHING = 0.9;

/** The loss has diverged where it is so many times the least. */
const DIVERGED = 4;

/**
 * The learning-rate range test (L. N. Smith, "Cyclical Learning Rates for Training Neural Networks", arXiv:1506.01186,
 * section 3.3) with a rate that grows by the same factor at each step, as fastai has it, until the smoothed loss is four
 * times the least or not finite.
 *
 * Lookahead is left out: it would pull the weights back to those of lower rates.
 *
 * @param data Only the training images are looked at.
 * @param settings The optimizer, the batch size and all else that `train` follows; the schedule's rate says which are tested.
 * @returns In the order of the rates.
 * @throws {UsageError} As `train` does, if the rates do not rise from above 0, and of a schedule for another batch.
 * @example
 * ```ts
 * import { type Data, proposedRate, rateRange, recipes, resnet } from "@resnet/deno";
 *
 * async function findRate(data: Data): Promise<number | undefined> {
 *   const model = resnet([3, 3, 3], { stem: "cifar" });
 *   return proposedRate(await rateRange(model, data, recipes.resnet20.training));
 * }
 * ```
 */
export async function rateRange(
  model: Model,
  data: Pick<Data, "train">,
  settings: Training,
  options: RateRangeOptions = {},
): Promise<RatePoint[]> {
  const { train: dataset } = data;
  const { rate } = settings.schedule;
  const { seed = 0, variables, from = rate / 1000, to = 100 * rate, steps = RATE_STEPS, onStep } = options;
  if (!(from > 0 && to > from && Number.isFinite(to) && steps >= 2)) {
    throw new UsageError(
      `Cannot look for a rate from ${from} to ${to} in ${steps} steps: give rising rates above 0`,
    );
  }
  if (settings.scheduleBatch !== undefined) {
    throw new UsageError(
      "Cannot look for a rate that is scaled from another batch: leave out --scale-lr (scheduleBatch)",
    );
  }
  const wholeBatches = Math.max(1, Math.floor(dataset.indices.length / settings.batchSize));
  const epochs = Math.ceil(steps / wholeBatches);
  const perEpoch = Math.ceil(steps / epochs);
  const some = sample(dataset, perEpoch * settings.batchSize, seed);
  // A knot at every step: from one to the next by the same factor.
  const knots = Array.from(
    { length: epochs * perEpoch + 1 },
    (_, step) => [step / (epochs * perEpoch), (to / from) ** (step / (steps - 1))] as const,
  );
  const points: RatePoint[] = [];
  const stop = new AbortController();
  let [mean, least] = [0, Infinity];
  try {
    const state = await train(model, { train: some }, {
      ...settings,
      ...{ epochs, schedule: { kind: "linear", rate: from, knots }, lookahead: undefined },
      classWeights: classWeightsOf(settings, dataset), // a sample has other counts
    }, {
      ...{ seed, variables, onDevice: false },
      signal: AbortSignal.any([stop.signal, ...(options.signal ? [options.signal] : [])]),
      onStep({ loss, step, learningRate: rate }) {
        if (stop.signal.aborted) return;
        mean = SMOOTHING * mean + (1 - SMOOTHING) * loss;
        const smoothed = mean / (1 - SMOOTHING ** step); // as if there had been losses before the first
        const point = { rate, loss, smoothed };
        points.push(point);
        onStep?.(point);
        least = Math.min(least, smoothed);
        if (step === steps || smoothed > DIVERGED * least) stop.abort();
      },
    });
    disposeState(state);
  } catch (error) {
    if (!(error instanceof NotFiniteError)) throw error;
  }
  return points;
}

/** How deep a valley is at least, as a share of how far the loss falls in all. */
const VALLEY = 0.2;

/** How far the loss falls at least, as a share of itself: less is noise. */
const FALL = 0.05;

/**
 * The learning rate to train with: where the smoothed loss is least in its first valley, which is the upper bound of Smith's
 * (the rate at which it stops to get better), for a schedule that has it as its peak. A valley is a fall by a fifth of the
 * whole fall at least, and a rise by as much; behind one a network may learn to say nothing, and its loss fall once more.
 *
 * @param points What `rateRange` returns.
 * @returns With two digits; nothing if the loss falls by less than a twentieth.
 * @example
 * ```ts
 * import { proposedRate } from "@resnet/deno";
 *
 * const losses = [2.3, 2.2, 1.9, 1.7, 2.1, 5];
 * proposedRate(losses.map((loss, i) => ({ rate: 10 ** (i - 4), loss, smoothed: loss }))); // 0.1
 * ```
 */
export function proposedRate(points: readonly RatePoint[]): number | undefined {
  const losses = points.map(({ smoothed }) => smoothed);
  const highestUntil = (i: number): number => Math.max(...losses.slice(0, i + 1));
  const least = losses.indexOf(Math.min(...losses));
  const fall = highestUntil(least) - losses[least];
  if (!(fall >= FALL * highestUntil(least))) return undefined;
  const isValley = (loss: number, i: number): boolean => {
    const next = losses.slice(i).find((other) => other < loss || other >= loss + VALLEY * fall);
    return highestUntil(i) - loss >= VALLEY * fall && next !== undefined && next > loss;
  };
  const valley = losses.findIndex(isValley);
  return Number(points[valley < 0 ? least : valley].rate.toPrecision(2));
}

/** So many of the images, drawn from the seed; all of them if there are no more. */
function sample(dataset: Dataset, count: number, seed: number): Dataset {
  const order = shuffledOrder(dataset.indices.length, seed, 0).subarray(0, count);
  return { ...dataset, indices: Uint32Array.from(order, (place) => dataset.indices[place]) };
}
