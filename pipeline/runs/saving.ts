/** Saves a run as it goes on, and outlives a folder that cannot be written: what could not be saved is saved later. */
import { join } from "@std/path";
import type { Model } from "../../layers/mod.ts";
import { UserError } from "../../runtime/system/errors.ts";
import { systemError } from "../../runtime/system/file_errors.ts";
import { taskCommand } from "../../runtime/system/package.ts";
import type { Dataset } from "../data/dataset.ts";
import type { TrainState } from "../training/state.ts";
import { bestEpoch } from "./best_epoch.ts";
import { saveCheckpoint } from "./checkpoint.ts";
import { type EpochMetrics, RUN_FILES, writeMetrics } from "./folder.ts";
import { saveModel } from "./model_file.ts";

/** What saves a run, and knows what of it is saved. */
export interface Saver {
  /** The epochs that are done. */
  readonly metrics: readonly EpochMetrics[];
  /** The epoch whose weights are kept, where those of the best are. */
  best(): EpochMetrics | undefined;
  /** Writes metrics, checkpoint and weights; these unless an earlier epoch was better. @throws What is not the system's refusal. */
  save(state: TrainState): Promise<void>;
  /** The same after an epoch. */
  saveEpoch(state: TrainState, epoch: EpochMetrics): Promise<void>;
  /** Why the last save did not go, and what stands in the folder, as a phrase; nothing if it did. */
  unsaved(): string | undefined;
  /** What of the run is saved whole, as a phrase; nothing if nothing is. */
  standing(): string | undefined;
}

/** What is saved. */
export interface SaverOptions {
  readonly model: Model;
  /** What is trained on. */
  readonly images: Dataset;
  /** Steps of an epoch. */
  readonly stepsPerEpoch: number;
  /** How long the run has gone on. */
  readonly seconds: () => number;
  /** Whether the weights of the best epoch are kept; else those of the last. */
  readonly keepsBest: boolean;
  /** The epochs that are done. */
  readonly metrics: readonly EpochMetrics[];
  /** The step of the checkpoint that is there, if there is one. */
  readonly saved?: number;
}

/** Saves a run in its folder. */
export function runSaver(
  dir: string,
  { model, images, stepsPerEpoch, seconds, keepsBest, ...there }: SaverOptions,
): Saver {
  const place = (step: number): string =>
    step > 0 && step % stepsPerEpoch === 0 ? `epoch ${step / stepsPerEpoch}` : `step ${step}`;
  const metrics = [...there.metrics];
  let { saved } = there;
  /** The step of the checkpoint, which comes before the weights. */
  let resumable = saved;
  let unsaved: string | undefined;
  /** Steps whose weights could not be written. */
  const lost = new Set<number>();
  const best = () => keepsBest ? bestEpoch(metrics.filter(({ step }) => !lost.has(step))) : undefined;
  const write = async (state: TrainState): Promise<void> => {
    // Metrics first: a resumed run drops the lines after its checkpoint, but cannot write one before it again.
    await writeMetrics(dir, metrics);
    // The checkpoint before the weights: weights without one are then never the work of a process that was killed.
    await saveCheckpoint(join(dir, RUN_FILES.checkpoint), state, { seconds: seconds() });
    resumable = state.step;
    if ((best()?.step ?? state.step) !== state.step) return;
    await saveModel(join(dir, RUN_FILES.weights), model, state.variables, images, {
      batchesTracked: state.step,
    });
  };
  const save = async (state: TrainState): Promise<void> => {
    lost.delete(state.step);
    const said = await refusal(() => write(state));
    if (said === undefined) {
      saved = state.step;
      unsaved = undefined;
      return;
    }
    lost.add(state.step);
    const command = `"${taskCommand("train", { resume: dir })}"`;
    unsaved = `Cannot save ${place(state.step)} in ${dir}: ${said}; ` +
      (resumable === undefined
        ? `nothing to go on from stands there yet, ${command} begins again`
        : resumable === state.step
        ? `its checkpoint stands there, and ${command} goes on from it`
        : `${place(resumable)} stands there whole, and ${command} goes on from it`);
  };
  return {
    metrics,
    best,
    save,
    async saveEpoch(state, epoch) {
      metrics.push(epoch);
      await save(state);
    },
    unsaved: () => unsaved,
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
