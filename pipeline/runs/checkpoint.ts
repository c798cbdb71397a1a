/** Saves and loads what a run carries from step to step, and a model's weights. */
import {
  decodeSafetensors,
  encodeSafetensors,
  type FloatArray,
  fromPyTorch,
  initArrays,
  type Model,
  type NumericArray,
  parameters,
  type Tensors,
  toArrays,
  toPyTorch,
  toTensors,
  type Variables,
} from "../../layers/mod.ts";
import { UserError } from "../../runtime/mod.ts";
import { explainFileErrors } from "../../runtime/system/file_errors.ts";
import { writeFileAtomic } from "../../runtime/system/files.ts";
import type { TrainState } from "../training/train.ts";

/** In a checkpoint the optimizer's velocities stand under the parameters' names with this in front. */
const VELOCITY = "velocity.";

/** And the slow variables of lookahead with this. */
const SLOW = "slow.";

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
 * Reads weights in PyTorch's names and layouts.
 * @throws {UserError} If the file is missing, damaged, or of another network; the message names the first difference.
 */
export async function loadWeights(path: string, model: Model): Promise<Variables> {
  const { tensors } = decodeSafetensors(await readFile(path), path);
  return toTensors(fromPyTorch(model, tensors, path));
}

/** What a run starts from when it does not draw all of its weights. */
export interface Start {
  /** All of the model's variables. */
  readonly variables: Variables;
  /** Classes that the file's last layer tells apart, where the model has a last layer of its own instead. */
  readonly replacedHead?: number;
}

/**
 * Reads weights to start from. They may be of the same network for other classes: the last layer is then drawn anew.
 *
 * @param seed What the last layer is drawn from, as `init` does.
 * @throws {UserError} If the file is missing, damaged, or of another network but for the number of classes.
 */
export async function loadStart(path: string, model: Model, seed: number): Promise<Start> {
  const { tensors } = decodeSafetensors(await readFile(path), path);
  const last = model.nodes.findLast(({ op }) => op === "linear");
  const head = parameters(model).filter(({ layer }) => layer === last);
  const replaced = head.length > 0 &&
    head.every(({ name, shape }) => name in tensors && tensors[name].shape[0] !== shape.at(-1));
  if (!replaced) return { variables: toTensors(fromPyTorch(model, tensors, path)) };
  const drawn = toPyTorch(model, initArrays(model, seed));
  const entries = { ...tensors, ...Object.fromEntries(head.map(({ name }) => [name, drawn[name]])) };
  return {
    variables: toTensors(fromPyTorch(model, entries, path)),
    replacedHead: tensors[head[0].name].shape[0],
  };
}

/**
 * Writes a checkpoint: weights, statistics, velocities, and how far the run is.
 * @example
 * ```ts
 * import type { Model } from "../../layers/mod.ts";
 * import { loadCheckpoint, saveCheckpoint } from "./checkpoint.ts";
 * import type { TrainState } from "../training/train.ts";
 *
 * const path = "runs/a/checkpoint.safetensors";
 * async function thereAndBack(model: Model, state: TrainState): Promise<TrainState> {
 *   await saveCheckpoint(path, model, state, { seconds: 12.5 });
 *   return (await loadCheckpoint(path, model)).state;
 * }
 * ```
 */
export async function saveCheckpoint(
  path: string,
  model: Model,
  { variables, velocities, slow, step, lossSum, lastLoss }: TrainState,
  { seconds }: CheckpointNotes,
): Promise<void> {
  const weights = toPyTorch(model, toArrays(variables), step);
  const entries = [
    ...prefixed(VELOCITY, velocities),
    ...prefixed(SLOW, { ...slow?.params, ...slow?.batchStats }),
  ];
  const notes = { step, lossSum, lastLoss, seconds };
  const metadata = Object.fromEntries(Object.entries(notes).map(([key, value]) => [key, String(value)]));
  await writeFileAtomic(path, encodeSafetensors({ ...weights, ...Object.fromEntries(entries) }, metadata));
}

function prefixed(prefix: string, tensors: Tensors): [string, NumericArray][] {
  return Object.entries(tensors).map(([name, tensor]) => [
    prefix + name,
    { shape: tensor.shape, data: tensor.dataSync<"float32">() },
  ]);
}

/**
 * Reads a checkpoint.
 * @throws {UserError} If the file is missing, damaged, or of another network.
 */
export async function loadCheckpoint(
  path: string,
  model: Model,
): Promise<{ state: TrainState; notes: CheckpointNotes }> {
  const { tensors, metadata } = decodeSafetensors(await readFile(path), path);
  const entries = Object.entries(tensors);
  const isWeight = ([key]: [string, NumericArray]): boolean =>
    !key.startsWith(VELOCITY) && !key.startsWith(SLOW);
  const arrays = fromPyTorch(model, Object.fromEntries(entries.filter(isWeight)), path);
  /** What stands under a prefix, each of the shape of the variable of its name. */
  const under = (prefix: string, variables: Readonly<Record<string, FloatArray>>) =>
    Object.fromEntries(
      entries.filter(([key]) => key.startsWith(prefix)).map(
        ([key, { shape, data }]): [string, FloatArray] => {
          const name = key.slice(prefix.length);
          const expected = variables[name]?.shape;
          if (`${expected}` !== `${shape}` || !(data instanceof Float32Array)) {
            throw damaged(path, `"${key}" has shape [${shape}], the parameter has [${expected ?? "none"}]`);
          }
          return [name, { shape, data }];
        },
      ),
    );
  const velocities = under(VELOCITY, arrays.params);
  const all = { ...arrays.params, ...arrays.batchStats };
  const slow = under(SLOW, all);
  const missing = Object.keys(all).find((name) => !(name in slow));
  const slowEntries = Object.entries(slow);
  if (slowEntries.length > 0 && missing !== undefined) throw damaged(path, `it has no "${SLOW}${missing}"`);
  const isStatistic = ([name]: [string, FloatArray]): boolean => name in arrays.batchStats;
  const note = (key: string): number => {
    const text = metadata[key];
    const value = Number(text);
    if (text === undefined || (Number.isNaN(value) && text !== "NaN")) {
      throw damaged(path, `its ${key} is ${text ?? "missing"}`);
    }
    return value;
  };
  const [step, lossSum, lastLoss] = [note("step"), note("lossSum"), note("lastLoss")];
  const notes = { seconds: note("seconds") };
  // Tensors last: they would outlive an error.
  const state: TrainState = {
    variables: toTensors(arrays),
    velocities: toTensors({ params: velocities, batchStats: {} }).params,
    ...(slowEntries.length > 0 && {
      slow: toTensors({
        params: Object.fromEntries(slowEntries.filter((entry) => !isStatistic(entry))),
        batchStats: Object.fromEntries(slowEntries.filter(isStatistic)),
      }),
    }),
    step,
    lossSum,
    lastLoss,
  };
  return { state, notes };
}

function damaged(path: string, problem: string): UserError {
  return new UserError(`Cannot resume from ${path}: ${problem}; it is not a checkpoint of this run`);
}

function readFile(path: string): Promise<Uint8Array> {
  return explainFileErrors(
    `Cannot read ${path}`,
    "give the path of a safetensors file",
    () => Deno.readFile(path),
  );
}
