/** The part of a worker in a run that worker 0 keeps: it trains along, and has no folder. */
import { choosePrecision } from "../../runtime/mod.ts";
import { UsageError } from "../../runtime/system/errors.ts";
import { silent } from "../../runtime/system/progress.ts";
import { check } from "../../runtime/system/schema.ts";
import type { Data } from "../data/dataset.ts";
import { findRecipe } from "../training/recipes.ts";
import { disposeState } from "../training/state.ts";
import { testResults } from "../training/test_results.ts";
import { stepsPerEpoch, train } from "../training/train.ts";
import { agree } from "./agree.ts";
import { type RunSettings, settingsSchema } from "./folder.ts";
import type { SessionEnd, SessionOptions } from "./session.ts";
import { setUp } from "./set_up.ts";

/**
 * Trains with worker 0, which calls `runSession`, to the end of the run or until one of the workers is stopped.
 *
 * @param data Gives the images as loaded, and starts the runtime as one of several workers.
 * @param settings As given to worker 0; of a run that goes on they are its own.
 * @param options `onStart` is called before the first step: from there on stopping saves.
 * @throws {UsageError} If the settings cannot be meant, or do not fit the images.
 * @throws {UserError} If worker 0 was given others, memory runs out, or a step computes what is not finite.
 * @example
 * ```ts
 * import { clusterOf, configure, followSession, loadCifar, runSession, tf } from "@resnet/deno";
 *
 * async function trainTogether() {
 *   const cluster = clusterOf(Deno.env.get("TF_CONFIG"));
 *   const data = async () => {
 *     configure({ cluster });
 *     await tf.ready();
 *     return await loadCifar("data");
 *   };
 *   const session = cluster !== undefined && cluster.index > 0 ? followSession : runSession;
 *   await session(data, { seed: 1 });
 * }
 * ```
 */
export async function followSession(
  data: (settings: RunSettings) => Data | Promise<Data>,
  settings: Partial<RunSettings>,
  { resume = false, signal, onStart }: Pick<SessionOptions, "resume" | "signal"> & { onStart?: () => void } =
    {},
): Promise<Omit<SessionEnd, "dir">> {
  const checked = check(settingsSchema, settings, (problem) => new UsageError(`Cannot run: ${problem}`));
  const { recipe = findRecipe("fast"), seed = 0, limit, syncBatchNorm } = checked;
  const loaded = await data({ ...checked, recipe, seed });
  const run = await agree({
    settings: resume ? { resume } : {
      resume,
      recipe,
      seed,
      limit,
      syncBatchNorm,
      precision: choosePrecision(checked.precision ?? recipe.training.precision),
    },
    data: loaded,
  });
  choosePrecision(run.precision); // which this machine may not have
  const { model, training, prepared, test } = setUp(run, loaded);
  onStart?.();
  const { testing } = run.recipe;
  const state = await train(model, prepared, training, {
    seed: run.seed,
    testing,
    signal,
    syncBatchNorm: run.syncBatchNorm,
  });
  try {
    const totalSteps = training.epochs * stepsPerEpoch(prepared.train.indices.length, training.batchSize);
    if (state.step === totalSteps && test !== undefined) {
      testResults(model, state.variables, test, testing, {
        precision: run.precision,
        progress: silent,
        byClass: loaded.digest !== undefined,
      });
    }
    return { step: state.step, totalSteps };
  } finally {
    disposeState(state);
  }
}
