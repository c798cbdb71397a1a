/** Slow weights that the trained ones are pulled back to. */
import type { Tensors, Variables } from "../../layers/mod.ts";
import { jit, type Jitted, tf } from "../../runtime/mod.ts";
import { fields, number, type Schema } from "../../runtime/system/schema.ts";

/**
 * Lookahead (M. Zhang et al. 2019, arXiv:1907.08610) in the form of airbench (K. Jordan 2024, arXiv:2404.00498): every
 * few steps the slow weights and statistics move towards the trained ones, `slow = keep * slow + (1 - keep) * trained`,
 * and the trained ones start again from there. Plain data.
 */
export interface Lookahead {
  /** Steps from one pull to the next, from 1. */
  readonly every: number;
  /** `keep` at the end of the run, in [0, 1); before that it is this times the cube of the share that is done. */
  readonly keep: number;
}

/** What it looks like in a file. */
export const lookaheadSchema: Schema<Lookahead> = fields({
  every: number({ whole: true, min: 1 }),
  keep: number({ min: 0, below: 1 }),
});

/**
 * How much of the slow weights the pull after a step keeps; nothing if there is no pull after that step. The last step
 * always has one: a run ends with its slow weights.
 *
 * @param done Steps done, from 1 to `totalSteps`.
 */
export function pullAfter({ every, keep }: Lookahead, done: number, totalSteps: number): number | undefined {
  if (done % every !== 0 && done !== totalSteps) return undefined;
  return keep * (done / totalSteps) ** 3;
}

/**
 * Compiles the pull: slow and trained variables in, the next slow ones out. Nothing is disposed.
 * @param still Names of those that stay as they are, to the bit: arithmetic would not leave -0 and the smallest numbers.
 */
export function pullStep(
  still: ReadonlySet<string> = new Set(),
): Jitted<[slow: Variables, trained: Variables, keep: tf.Scalar], Variables> {
  return jit(function pull(slow: Variables, trained: Variables, keep: tf.Scalar) {
    const pulled = (of: keyof Variables): Tensors =>
      Object.fromEntries(
        Object.entries(trained[of]).map(([name, trained]) => [
          name,
          still.has(name) ? trained : tf.add(trained, tf.mul(tf.sub(slow[of][name], trained), keep)),
        ]),
      );
    return { params: pulled("params"), batchStats: pulled("batchStats") };
  });
}
