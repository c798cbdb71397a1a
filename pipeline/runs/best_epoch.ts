/** Which epoch of a run is its best, whether it has gone on long enough without a better one, and how many there is time for. */
import type { Stopping } from "../training/recipe.ts";
import type { EpochMetrics } from "./folder.ts";

/** What decides: an epoch, the steps done after it, and its accuracy. */
type Epoch = Pick<EpochMetrics, "epoch" | "step" | "validationAccuracy">;

/** The first of the epochs with the highest accuracy on the validation images; nothing if none was measured. */
export function bestEpoch<T extends Epoch>(metrics: readonly T[]): T | undefined {
  const accuracy = ({ validationAccuracy }: Epoch): number => validationAccuracy ?? -1;
  const measured = metrics.filter((epoch) => epoch.validationAccuracy !== null);
  return measured.reduce<T | undefined>(
    (best, epoch) => best === undefined || accuracy(epoch) > accuracy(best) ? epoch : best,
    undefined,
  );
}

/**
 * How many epochs of a run its minutes have room for.
 * @param epochs What the recipe has, the most there can be.
 * @param done Epochs that are done.
 * @param times Seconds: `each`, that an epoch takes, and `left`.
 * @returns From `done` to `epochs`.
 */
export function epochsThatFit(
  epochs: number,
  done: number,
  { each, left }: { readonly each: number; readonly left: number },
): number {
  return Math.min(epochs, done + Math.max(0, Math.floor(left / each)));
}

/** Whether so many epochs have passed since the best one that a run ends. */
export function isPatienceOver(metrics: readonly Epoch[], { patience = Infinity }: Stopping): boolean {
  const [best, last] = [bestEpoch(metrics), metrics.at(-1)];
  return best !== undefined && last !== undefined && last.epoch - best.epoch >= patience;
}
