/** Saves and loads what a run carries from step to step, and a model's weights. */
import {
  decodeSafetensors,
  encodeSafetensors,
  type FileNames,
  fileNames,
  firstNotFinite,
  fromPyTorch,
  initArrays,
  type Model,
  type NumericArray,
  parameters,
  toArrays,
  toPyTorch,
  toTensors,
  type Variables,
} from "../../layers/mod.ts";
import { tf, tree, UserError } from "../../runtime/mod.ts";
import { explainFileErrors } from "../../runtime/system/file_errors.ts";
import { writeFileAtomic } from "../../runtime/system/files.ts";
import { type Progress, silent } from "../../runtime/system/progress.ts";
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

/** What a run notes beside the tensors; every number comes back bit for bit. */
export interface CheckpointNotes {
  /** Seconds that the run has trained, over all its sessions. */
  readonly seconds: number;
}

/**
 * Writes a model's weights as safetensors, in PyTorch's names and layouts, counters included, so that a strict
 * `load_state_dict` takes them.
 *
 * @param batchesTracked Training steps so far.
 */
export async function saveWeights(
  path: string,
  model: Model,
  variables: Variables,
  batchesTracked = 0,
): Promise<void> {
  await writeFileAtomic(path, encodeWeights(model, variables, batchesTracked));
}

function encodeWeights(model: Model, variables: Variables, batchesTracked: number): Uint8Array {
  return encodeSafetensors(toPyTorch(model, toArrays(variables), batchesTracked), { format: "pt" });
}

/**
 * Reads weights in PyTorch's names and layouts. The names may be those of torchvision, timm, or kuangliu's and akamaster's
 * CIFAR ResNets, and begin with a prefix; floats of any size become float32.
 * @param progress Hears what was not as it is here, a line each.
 * @throws {UserError} If the file is missing, damaged, of another network, or not finite; the message names the first
 *   differences.
 */
export async function loadWeights(
  path: string,
  model: Model,
  progress: Progress = silent,
): Promise<Variables> {
  return variablesOf(model, await readWeights(path, model, progress), path);
}

/** @throws {UserError} If the arrays are not those of the network, or one is not finite throughout. */
function variablesOf(model: Model, { tensors, nameOf }: FileWeights, path: string): Variables {
  const arrays = fromPyTorch(model, tensors, path, nameOf);
  for (const [name, { data }] of Object.entries({ ...arrays.params, ...arrays.batchStats })) {
    const value = firstNotFinite(data);
    if (value === undefined) continue;
    throw new UserError(
      `Cannot load ${
        cutPath(path)
      } into ${model.name}: "${name}" holds ${value}; use weights that are finite`,
    );
  }
  return toTensors(arrays);
}

/** What a run starts from when it does not draw all of its weights. */
export interface Start {
  /** All of the model's variables. */
  readonly variables: Variables;
  /**
   * Classes that the file's last layer tells apart, 0 if it has none, where the model has a last layer of its own
   * instead.
   */
  readonly replacedHead?: number;
}

/**
 * Reads weights to start from. They may be of the same network for other classes, or without its last layer: that is then
 * drawn anew. Names and types are those that `loadWeights` takes.
 *
 * @param seed What the last layer is drawn from, as `init` does.
 * @param progress Hears what was not as it is here, a line each.
 * @throws {UserError} If the file is missing, damaged, not finite, or of another network but for the last layer.
 */
export async function loadStart(
  path: string,
  model: Model,
  seed: number,
  progress: Progress = silent,
): Promise<Start> {
  const { tensors, nameOf } = await readWeights(path, model, progress);
  const last = model.nodes.findLast(({ op }) => op === "linear");
  const head = parameters(model).filter(({ layer }) => layer === last);
  const given = head.flatMap(({ name, shape }) =>
    Object.hasOwn(tensors, nameOf(name))
      ? [{ classes: tensors[nameOf(name)].shape[0], needed: shape.at(-1) }]
      : []
  );
  const replaced = head.length > 0 && given.every(({ classes, needed }) => classes !== needed);
  if (!replaced) return { variables: variablesOf(model, { tensors, nameOf }, path) };
  const drawn = toPyTorch(model, initArrays(model, seed));
  const entries = { ...tensors, ...Object.fromEntries(head.map(({ name }) => [nameOf(name), drawn[name]])) };
  return {
    variables: variablesOf(model, { tensors: entries, nameOf }, path),
    replacedHead: given[0]?.classes ?? 0,
  };
}

/** The tensors of a file with weights, and what it calls them. */
interface FileWeights {
  readonly tensors: Readonly<Record<string, NumericArray>>;
  readonly nameOf: FileNames["of"];
}

async function readWeights(path: string, model: Model, progress: Progress): Promise<FileWeights> {
  const { tensors, converted } = decodeSafetensors(await readFile(path), path);
  const { of: nameOf, notes } = fileNames(model, tensors);
  const all = [
    ...notes,
    ...(converted === undefined ? [] : [`${converted.join(" and ")} becomes float32`]),
  ];
  for (const note of all) progress.message(`${cutPath(path)}: ${note}`);
  return { tensors, nameOf };
}

/**
 * Writes a checkpoint: every tensor of a state, by its place in it and in the layout of memory, and how far the run is.
 * @example
 * ```ts
 * import type { Model } from "../../layers/mod.ts";
 * import { loadCheckpoint, saveCheckpoint } from "./checkpoint.ts";
 * import { recipes } from "../training/recipes.ts";
 * import type { TrainState } from "../training/state.ts";
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
 */
export async function loadCheckpoint(
  path: string,
  model: Model,
  settings: StateSettings,
): Promise<{ state: TrainState; notes: CheckpointNotes }> {
  const { tensors, metadata } = decodeSafetensors(await readFile(path), path);
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

function readFile(path: string): Promise<Uint8Array> {
  return explainFileErrors(
    `Cannot read ${cutPath(path)}`,
    "give the path of a safetensors file",
    () => Deno.readFile(path),
  );
}
