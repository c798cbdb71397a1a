/** Learning rate schedules as data. */
import * as v from "valibot";
import { fields, kinds, list, mismatch, number, type Schema } from "../../runtime/system/schema.ts";

/** How the learning rate goes over a run. */
export type Schedule =
  | {
    /** One rate, divided at certain steps. */
    readonly kind: "steps";
    readonly rate: number;
    /** From each of these steps on (0-based), the rate is multiplied by `factor` once more. */
    readonly boundaries: readonly number[];
    readonly factor: number;
    /** The first so many steps have the rate times another factor. */
    readonly warmUp?: { readonly factor: number; readonly steps: number };
  }
  | {
    /** Straight lines between knots. */
    readonly kind: "linear";
    /** The rate that the knots are multiples of. */
    readonly rate: number;
    /** `[share of the run in [0, 1], multiple of rate]`, in rising order, the first at 0 and the last at 1. */
    readonly knots: readonly (readonly [at: number, multiple: number])[];
  };

const positive = number({ min: 0 });

/** What a schedule looks like in a file. */
export const scheduleSchema: Schema<Schedule> = kinds([
  fields({
    kind: v.literal("steps"),
    rate: positive,
    boundaries: list(number({ whole: true, min: 0 })),
    factor: positive,
    warmUp: v.optional(fields({ factor: positive, steps: number({ whole: true, min: 0 }) })),
  }),
  fields({
    kind: v.literal("linear"),
    rate: positive,
    knots: v.pipe(
      list(
        v.strictTuple([number({ min: 0, max: 1 }), positive], ({ expected, input }) => {
          const pair = "[share of the run, multiple of the rate]";
          return expected === "never" ? `is one too many: expected ${pair}` : mismatch(input, pair);
        }),
        { min: 2 },
      ),
      v.check(
        (knots) =>
          knots.at(0)?.[0] === 0 && knots.at(-1)?.[0] === 1 &&
          knots.every(([at], i) => i === 0 || at > knots[i - 1][0]),
        ({ input }) =>
          `are at ${input.map(([at]) => at).join(", ")}: expected rising shares of the run, from 0 to 1`,
      ),
    ),
  }),
]);

/** How a schedule is run with batches of another size than it is for. */
export interface ScheduleScale {
  /** How many times as many images a step has. */
  readonly times: number;
  /** Steps in which the rate rises to as many times what the schedule says. */
  readonly warmUp: number;
}

/** A schedule as it is. */
const AS_IT_IS: ScheduleScale = { times: 1, warmUp: 0 };

/** Epochs of the warm-up to a larger rate (Goyal et al. 2017, section 2.2). */
const WARM_UP_EPOCHS = 5;

/**
 * The scale of settings whose schedule is for batches of another size.
 * @param stepsPerEpoch Steps of an epoch with `batchSize`.
 * @example
 * ```ts
 * import { learningRate, recipes, scheduleScale } from "@resnet/deno";
 *
 * const { schedule } = recipes.resnet20.training; // 0.1 for 128 images a step
 * const scale = scheduleScale({ batchSize: 1024, scheduleBatch: 128 }, 44); // { times: 8, warmUp: 220 }
 * learningRate(schedule, 0, 8008, scale); // 0.1
 * learningRate(schedule, 220, 8008, scale); // 0.8
 * ```
 */
export function scheduleScale(
  { batchSize, scheduleBatch = batchSize }: { readonly batchSize: number; readonly scheduleBatch?: number },
  stepsPerEpoch: number,
): ScheduleScale {
  const times = batchSize / scheduleBatch;
  return { times, warmUp: times > 1 ? WARM_UP_EPOCHS * stepsPerEpoch : 0 };
}

/**
 * The learning rate of one step.
 *
 * With k times as many images a step than the schedule is for, it is k times as large, and the schedule's steps come k times
 * as soon, in the same epoch; before that it rises evenly, from what the schedule says to k times as much (linear scaling and
 * gradual warm-up, Goyal et al. 2017, sections 2.1 and 2.2).
 * @param step In `[0, totalSteps)`.
 * @param scale How many times as many; 1 unless given.
 * @throws {RangeError} If the step is outside the run.
 * @example
 * ```ts
 * import { learningRate } from "@resnet/deno";
 * const triangle = { kind: "linear", rate: 0.4, knots: [[0, 0], [0.25, 1], [1, 0]] } as const;
 * if (learningRate(triangle, 50, 200) !== 0.4) throw new Error("the peak is at a quarter");
 * ```
 */
export function learningRate(
  schedule: Schedule,
  step: number,
  totalSteps: number,
  { times, warmUp }: ScheduleScale = AS_IT_IS,
): number {
  if (!(step >= 0 && step < totalSteps)) {
    throw new RangeError(`learningRate: step ${step} is not in [0, ${totalSteps})`);
  }
  const factor = step < warmUp ? 1 + (times - 1) * step / warmUp : times;
  return factor * rateAt(schedule, times * step, times * totalSteps);
}

/** What a schedule says of one of its own steps. */
function rateAt(schedule: Schedule, step: number, totalSteps: number): number {
  switch (schedule.kind) {
    case "steps": {
      const { rate, boundaries, factor, warmUp } = schedule;
      if (warmUp !== undefined && step < warmUp.steps) return rate * warmUp.factor;
      return rate * factor ** boundaries.filter((boundary) => step >= boundary).length;
    }
    case "linear": {
      const { rate, knots } = schedule;
      const at = step / totalSteps;
      const right = Math.max(1, knots.findIndex(([x]) => x > at));
      const [[x0, y0], [x1, y1]] = [knots[right - 1], knots[right]];
      return rate * (y0 + (y1 - y0) * (at - x0) / (x1 - x0));
    }
  }
}

/** A rate that a schedule comes to, and when. */
export interface RateChange {
  /** First step that has it, 0-based. */
  readonly step: number;
  /** The rate. */
  readonly rate: number;
}

/**
 * The rates of a schedule that a run is too short for: boundaries are steps, which fewer epochs, larger batches and fewer
 * images do not move. Those of a schedule that is scaled come sooner.
 *
 * @param totalSteps Steps of the run.
 * @param scale As in `learningRate`.
 * @returns In order; none of a schedule in shares of the run.
 */
export function unreachedRates(
  schedule: Schedule,
  totalSteps: number,
  scale: ScheduleScale = AS_IT_IS,
): RateChange[] {
  if (schedule.kind !== "steps") return [];
  const begin = schedule.warmUp?.steps ?? 0;
  const changes = [begin, ...schedule.boundaries.filter((boundary) => boundary > begin)];
  return [...new Set(changes.map((step) => Math.ceil(step / scale.times)))]
    .filter((step) => step >= totalSteps)
    .sort((a, b) => a - b)
    .map((step) => ({ step, rate: learningRate(schedule, step, Infinity, scale) }));
}
