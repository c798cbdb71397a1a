/** The trained network that a task predicts with. */
import { inputProblem } from "../../pipeline/data/mod.ts";
import type { TrainedModel } from "../../pipeline/inference/mod.ts";
import { latestRun, loadModel } from "../../pipeline/runs/mod.ts";
import { tf } from "../../runtime/mod.ts";
import { UsageError } from "../../runtime/system/errors.ts";
import { silent } from "../../runtime/system/progress.ts";
import { type Flag, runFlag } from "./task.ts";
import { printNote } from "./terminal.ts";

/** `--run DIR` of tasks that predict. */
export const trainedFlag = {
  ...runFlag,
  help: "folder of the run, or a model's file (default: the run begun last in runs/)",
} as const satisfies Flag;

/**
 * A run's network, or that of a file.
 * @param run The one begun last in `runs/` unless given.
 * @throws {UsageError} If it takes no pictures.
 * @throws {UserError} As `loadModel` does.
 */
export async function loadTrained(run: string | undefined): Promise<TrainedModel> {
  const progress = { ...silent, message: printNote };
  const path = run ?? await latestRun("runs", progress);
  await tf.ready();
  const trained = await loadModel(path, { progress });
  const problem = inputProblem(trained);
  if (problem !== undefined) throw new UsageError(`Cannot predict with ${trained.model.name}: ${problem}`);
  return trained;
}
