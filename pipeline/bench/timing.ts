/** Times steps one by one. */
import { median } from "../../runtime/system/median.ts";

/** How long the steps took, in milliseconds. */
export interface Timing {
  /** Steps measured: neither those of the first call nor of the second, which warms up. */
  readonly steps: number;
  /** The first call: tracing, optimising and running. */
  readonly firstStepMs: number;
  /** Median of the measured steps. */
  readonly msPerStep: number;
  /** The fastest of them. */
  readonly minMs: number;
  /** The slowest of them. */
  readonly maxMs: number;
  /** Their standard deviation (divided by n - 1), 0 for one step. */
  readonly deviationMs: number;
}

/** How long to measure: until so many seconds have gone by, but three steps at least; or exactly so many steps in all. */
export type Duration = { readonly seconds: number } | { readonly steps: number };

/** The fewest steps in all of which one can be measured. */
export const FEWEST_STEPS = 3;

/** The fewest measured steps that a median is taken of, however few the seconds. */
const FEWEST_MEASURED = 3;

/**
 * Runs a step over and over and takes the time of each. The first two calls are not measured.
 *
 * @param step Runs one step to its end, or `stepsPerCall` of them, each of which is taken to be as long.
 * @param options `onStep` is told, outside the measured time, how many steps are done: 0 before the first, 1, 2, ...
 *   `now` is a clock in milliseconds.
 * @throws {RangeError} If fewer than three steps are asked for.
 */
export function timeSteps(
  step: () => void,
  duration: Duration,
  { onStep = () => {}, stepsPerCall = 1, now = () => performance.now() }: {
    onStep?: (done: number) => void;
    stepsPerCall?: number;
    now?: () => number;
  } = {},
): Timing {
  if ("steps" in duration && !(duration.steps >= FEWEST_STEPS)) {
    throw new RangeError(`timeSteps: steps must be at least ${FEWEST_STEPS}, found ${duration.steps}`);
  }
  const times: number[] = [];
  const timed = (): void => {
    const start = now();
    step();
    times.push(now() - start);
    onStep(times.length * stepsPerCall);
  };
  onStep(0);
  timed();
  timed();
  const start = now();
  const isDone = (): boolean =>
    "steps" in duration
      ? times.length * stepsPerCall >= duration.steps
      : times.length >= 2 + FEWEST_MEASURED && now() - start >= duration.seconds * 1000;
  while (!isDone()) timed();
  const [firstStepMs, , ...measured] = times;
  const each = spread(measured.map((ms) => ms / stepsPerCall));
  return { firstStepMs, ...each, steps: each.steps * stepsPerCall };
}

function spread(times: readonly number[]): Omit<Timing, "firstStepMs"> {
  const steps = times.length;
  const mean = times.reduce((sum, time) => sum + time, 0) / steps;
  const squares = times.reduce((sum, time) => sum + (time - mean) ** 2, 0);
  return {
    steps,
    msPerStep: median(times),
    minMs: times.reduce((a, b) => Math.min(a, b)),
    maxMs: times.reduce((a, b) => Math.max(a, b)),
    deviationMs: steps > 1 ? Math.sqrt(squares / (steps - 1)) : 0,
  };
}
