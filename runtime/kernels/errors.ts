/** Errors of TensorFlow's in the words of tfjs, which took most of its words from TensorFlow. */
import { TensorFlowError } from "../system/errors.ts";

const DIFFERENCES: readonly [theirs: RegExp, tfjs: string][] = [
  [/^(Ragged splits must be sorted)$/, "$1 in ascending order"],
  [/^(indices\(\d+, 0\) is invalid: -\d+) >= \d+$/, "$1 < 0"],
  [/'segment_ids' input/, "segmentIds input"],
];

/**
 * Runs an op whose refusals tfjs documents word by word.
 * @throws {Error} TensorFlow's error with nothing but its text, as tfjs has it; the cause is the error itself.
 */
export function inTfjsWords<R>(run: () => R): R {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof TensorFlowError)) throw error;
    const words = DIFFERENCES.reduce((text, [theirs, tfjs]) => text.replace(theirs, tfjs), error.detail);
    throw new Error(words, { cause: error });
  }
}
