/** Saves a run as it goes on, and outlives a folder that cannot be written: what could not be saved is saved later. */
import { join } from "@std/path";
import type { Model } from "../../layers/mod.ts";
import { UserError } from "../../runtime/system/errors.ts";
import { systemError } from "../../runtime/system/file_errors.ts";
import { taskCommand } from "../../runtime/system/package.ts";
import type { Dataset } from "../data/dataset.ts";
import type { TrainState } from "../training/state.ts";
import { type CheckpointNotes, saveCheckpoint } from "./checkpoint.ts";
import { type EpochMetrics, RUN_FILES, writeMetrics } from "./folder.ts";
import { saveModel } from "./model_file.ts";

/** What saves a run, and knows what of it is saved. */
export interface Saver {
  /**
   * Writes metrics, checkpoint and weights.
   * @param options `weights`: whether the weights are written, too; unless false.
   * @returns Why that did not go, and what stands in the folder, as a phrase; nothing if it did.
   * @throws What is not the system's refusal.
   */
  save(
    state: TrainState,
    metrics: readonly EpochMetrics[],
    notes: CheckpointNotes,
    options?: { readonly weights?: boolean },
  ): Promise<string | undefined>;
  /** What of the run is saved whole, as a phrase; nothing if nothing is. */
  standing(): string | undefined;
}

/**
 * @param images What is trained on.
 * @param stepsPerEpoch Of the run.
 * @param saved The step of the checkpoint that is there, if there is one.
 */
export function runSaver(
  dir: string,
  model: Model,
  images: Dataset,
  stepsPerEpoch: number,
  saved?: number,
): Saver {
  const place = (step: number): string =>
    step > 0 && step % stepsPerEpoch === 0 ? `epoch ${step / stepsPerEpoch}` : `step ${step}`;
  /** The step of the checkpoint, which comes before the weights. */
  let resumable = saved;
  return {
    async save(state, metrics, notes, { weights = true } = {}) {
      const said = await refusal(async () => {
        // Metrics first: a resumed run drops the lines after its checkpoint, but cannot write one before it again.
        await writeMetrics(dir, metrics);
        // The checkpoint before the weights: weights without one are then never the work of a process that was killed.
        await saveCheckpoint(join(dir, RUN_FILES.checkpoint), state, notes);
        resumable = state.step;
        if (!weights) return;
        await saveModel(join(dir, RUN_FILES.weights), model, state.variables, images, {
          batchesTracked: state.step,
        });
      });
      if (said === undefined) saved = state.step;
      else {
        const command = `"${taskCommand("train", { resume: dir })}"`;
        return `Cannot save ${place(state.step)} in ${dir}: ${said}; ` +
          (resumable === undefined
            ? `nothing to go on from stands there yet, ${command} begins again`
            : resumable === state.step
            ? `its checkpoint stands there, and ${command} goes on from it`
            : `${place(resumable)} stands there whole, and ${command} goes on from it`);
      }
    },
    standing() {
      if (saved === undefined || saved === 0) return undefined;
      return `the weights of ${place(saved)} are in ${dir}`;
    },
  };
}

/** Does what writes files. Returns what the system said against it; nothing if it is done. */
export async function refusal(work: () => Promise<void>): Promise<string | undefined> {
  try {
    await work();
  } catch (error) {
    const found = systemError(error instanceof UserError ? error.cause : error);
    if (found === undefined) throw error;
    return found.said;
  }
}
