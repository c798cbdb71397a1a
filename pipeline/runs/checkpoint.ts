/** Saves and loads what a run carries from step to step. */
import { encodeSafetensors, type Model, type NumericArray } from "../../layers/mod.ts";
import { tf, tree, UserError } from "../../runtime/mod.ts";
import { writeFileAtomic } from "../../runtime/system/files.ts";
import { cut, cutPath, oneLine, quote } from "../../runtime/system/texts.ts";
import {
  mapShapes,
  pathName,
  stateProblem,
  type StateSettings,
  stateShapes,
  type TrainState,
} from "../training/state.ts";
import { currentTensors } from "./earlier.ts";
import { readSafetensors } from "./weights.ts";

/** What a run notes beside the tensors; every number comes back bit for bit. */
export interface CheckpointNotes {
  /** Seconds that the run has trained, over all its sessions. */
  readonly seconds: number;
}

/**
 * Writes a checkpoint: every tensor of a state, by its place in it and in the layout of memory, and how far the run is.
 * @param path Of the file, which is replaced as a whole.
 * @param state Not disposed.
 * @param notes What is kept beside the tensors.
 * @example
 * ```ts
 * import { loadCheckpoint, type Model, recipes, saveCheckpoint, type TrainState } from "@resnet/deno";
 *
 * const path = "runs/a/checkpoint.safetensors";
 * async function thereAndBack(model: Model, state: TrainState): Promise<TrainState> {
 *   await saveCheckpoint(path, state, { seconds: 12.5 });
 *   return (await loadCheckpoint(path, model, recipes.fast.training)).state;
 * }
 * ```
 */
export async function saveCheckpoint(
  path: string,
  { variables, optState, slow, step, lossSum, lastLoss }: TrainState,
  { seconds }: CheckpointNotes,
): Promise<void> {
  const arrays = tree.entries({ variables, optState, slow }).map(([path, tensor]): [string, NumericArray] => [
    pathName(path),
    { shape: tensor.shape, data: tensor.dataSync<"float32">() },
  ]);
  const notes = { step, lossSum, lastLoss, seconds };
  const metadata = Object.fromEntries(Object.entries(notes).map(([key, value]) => [key, String(value)]));
  await writeFileAtomic(path, encodeSafetensors(Object.fromEntries(arrays), metadata));
}

/**
 * Reads a checkpoint.
 * @param settings Of the run: they say which tensors its state has.
 * @throws {UserError} If the file is missing, damaged, of another network or of other settings.
 * @example
 * ```ts
 * import { init, loadCheckpoint, recipes, resnet, saveCheckpoint, startState, tf } from "@resnet/deno";
 *
 * await tf.ready();
 * const { training } = recipes.resnet20;
 * const model = resnet([1, 1, 1], { stem: "cifar" });
 * const path = await Deno.makeTempFile({ suffix: ".safetensors" });
 * await saveCheckpoint(path, startState(model, init(model, 42), training), { seconds: 0 });
 * const { state } = await loadCheckpoint(path, model, training);
 * state.step; // 0
 * await Deno.remove(path);
 * ```
 */
export async function loadCheckpoint(
  path: string,
  model: Model,
  settings: StateSettings,
): Promise<{ state: TrainState; notes: CheckpointNotes }> {
  const { tensors, metadata } = await readSafetensors(path);
  const fail = (problem: string): UserError =>
    new UserError(
      `Cannot resume from ${cutPath(path)}: ${cut(problem, 300)}; it is not a checkpoint of this run`,
    );
  const note = (key: string): number => {
    const text = metadata[key];
    const value = Number(text);
    if (text === undefined || text.trim() === "" || (Number.isNaN(value) && text !== "NaN")) {
      throw fail(`its ${key} is ${text === undefined ? "missing" : oneLine(cut(text))}`);
    }
    return value;
  };
  const [step, lossSum, lastLoss] = [note("step"), note("lossSum"), note("lastLoss")];
  if (!Number.isSafeInteger(step) || step < 0) throw fail(`its step is ${step}`);
  const notes = { seconds: note("seconds") };
  const isCurrent = Object.keys(tensors).some((name) => name.startsWith("variables/"));
  const arrays = isCurrent ? tensors : currentTensors(tensors, model, path);
  const shapes = new Map(Object.entries(arrays).map(([name, { shape }]) => [name, shape]));
  const problem = stateProblem(model, settings, shapes);
  if (problem !== undefined) throw fail(problem);
  const other = Object.keys(arrays).find((name) => !(arrays[name].data instanceof Float32Array));
  if (other !== undefined) throw fail(`${quote(other, 60)} is not float32`);
  // Tensors last: they would outlive an error.
  const state = mapShapes(
    stateShapes(model, settings),
    (shape, place) => tf.tensor(arrays[pathName(place)].data as Float32Array, [...shape], "float32"),
  );
  return { state: { ...state, step, lossSum, lastLoss }, notes };
}
