/** When a run ends: its epochs are done, its minutes are over, or it has become no better for long enough. */
import type { Stopping } from "../training/recipe.ts";
import { epochsThatFit, isPatienceOver } from "./best_epoch.ts";
import type { EpochMetrics } from "./folder.ts";

/** What decides when a run ends. */
export interface Ending extends Disposable {
  /** Aborts when it is to end before its epochs are done. */
  readonly signal: AbortSignal;
  /** How many epochs its minutes have room for, where they are limited and that is known. */
  fitting(): number | undefined;
  /** Looks at the epochs that are done. */
  look(metrics: readonly EpochMetrics[]): void;
  /**
   * Shortens a run whose minutes are limited to the epochs that there is time for, once it is known what one takes.
   * @param done Epochs that are done.
   * @param each Seconds that one takes.
   * @returns A line about it; nothing where minutes are not limited, or that was done before.
   */
  fit(done: number, each: number): string | undefined;
}

/** Of a run. */
export interface EndingOptions {
  /** What its recipe says of it. */
  readonly stopping?: Stopping;
  /** Epochs of the recipe. */
  readonly most: number;
  /** How many there is time for, if that is known. */
  readonly fitting?: number;
  /** How long it has gone on. */
  readonly seconds: () => number;
}

/** The longest that a timer may wait, in milliseconds. */
const LONGEST = 2 ** 31 - 1;

/** Decides when a run ends; its minutes count from here on, too, until it is disposed. */
export function runEnding({ stopping = {}, most, fitting, seconds }: EndingOptions): Ending {
  const { minutes } = stopping;
  const over = new AbortController();
  const secondsLeft = (): number => minutes === undefined ? Infinity : 60 * minutes - seconds();
  const timer = minutes === undefined
    ? undefined
    : setTimeout(() => over.abort(), Math.min(Math.max(0, 1000 * secondsLeft()), LONGEST));
  return {
    signal: over.signal,
    fitting: () => fitting,
    look(metrics) {
      if (secondsLeft() <= 0 || isPatienceOver(metrics, stopping)) over.abort();
    },
    fit(done, each) {
      if (minutes === undefined || fitting !== undefined) return undefined;
      fitting = epochsThatFit(most, done, { each, left: secondsLeft() });
      return `An epoch takes ${each.toFixed(1)} s: ${fitting} of ${most} fit into ${minutes} minutes`;
    },
    [Symbol.dispose]: () => clearTimeout(timer),
  };
}
