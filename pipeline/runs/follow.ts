/** The part of a worker in a run that worker 0 keeps: it trains along, and has no folder. */
import { init } from "../../layers/mod.ts";
import { choosePrecision } from "../../runtime/mod.ts";
import { UsageError } from "../../runtime/system/errors.ts";
import { silent } from "../../runtime/system/progress.ts";
import { check } from "../../runtime/system/schema.ts";
import type { Data } from "../data/dataset.ts";
import { findRecipe } from "../training/recipes.ts";
import { disposeState } from "../training/state.ts";
import { testResults } from "../training/test_results.ts";
import { train } from "../training/train.ts";
import { agree, fromWorker0 } from "./agree.ts";
import type { SessionEnd, SessionOptions } from "./events.ts";
import { type RunSettings, settingsSchema } from "./folder.ts";
import { setUp } from "./set_up.ts";

/**
 * Trains with worker 0, which calls `runSession`, to the end of the run, of which worker 0 decides, or until one of the
 * workers is stopped; at the end it tests with it.
 *
 * @param data Gives the images as loaded, and starts the runtime as one of several workers.
 * @param settings As given to worker 0; of a run that goes on they are its own.
 * @param options `onStart` is called before the first step: from there on stopping saves.
 * @throws {UsageError} If the settings cannot be meant, or do not fit the images.
 * @throws {UserError} If worker 0 was given others, another worker is gone, memory runs out, or a step computes what is
 *   not finite.
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
  const { recipe = findRecipe("fast"), seed = 0 } = checked;
  const loaded = await data({ ...checked, recipe, seed });
  const precision = choosePrecision(checked.precision ?? recipe.training.precision);
  const asked = resume ? {} : { ...checked, recipe, seed, precision };
  const run = await agree({ resume, settings: asked, data: loaded });
  const { model, training, prepared, test } = setUp(run, loaded);
  onStart?.();
  const { recipe: { testing }, syncBatchNorm } = run;
  const variables = init(model, run.seed); // those of worker 0 take their place
  const state = await train(model, prepared, training, {
    ...{ seed: run.seed, variables, testing, signal, syncBatchNorm },
  });
  try {
    const end = fromWorker0({ step: state.step, totalSteps: state.step });
    if (end.step === end.totalSteps && test !== undefined) {
      testResults(model, state.variables, test, testing, {
        ...{ precision: run.precision, progress: silent },
        byClass: run.digest !== undefined,
      });
    }
    return end;
  } finally {
    disposeState(state);
  }
}
