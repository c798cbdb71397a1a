/** Saves and loads what a run carries from step to step, and a model's weights. */
import {
  type FloatArray,
  fromPyTorch,
  type Model,
  type NumericArray,
  toArrays,
  toPyTorch,
  toTensors,
  type Variables,
} from "../layers/mod.ts";
import { writeFileAtomic } from "../runtime/files.ts";
import { UserError } from "../runtime/mod.ts";
import { explainFileErrors } from "./file_errors.ts";
import { decodeSafetensors, encodeSafetensors } from "./safetensors.ts";
import type { TrainState } from "./train.ts";

/** In a checkpoint the optimizer's velocities stand under the parameters' names with this in front. */
const VELOCITY = "velocity.";

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

/**
 * Writes a checkpoint: weights, statistics, velocities, and how far the run is.
 * @example
 * ```ts ignore
 * await saveCheckpoint("runs/a/checkpoint.safetensors", model, state, { seconds: 12.5 });
 * const { state } = await loadCheckpoint("runs/a/checkpoint.safetensors", model);
 * ```
 */
export async function saveCheckpoint(
  path: string,
  model: Model,
  { variables, velocities, step, lossSum, lastLoss }: TrainState,
  { seconds }: CheckpointNotes,
): Promise<void> {
  const weights = toPyTorch(model, toArrays(variables), step);
  const entries = Object.entries(velocities).map(([name, tensor]): [string, NumericArray] => [
    VELOCITY + name,
    { shape: tensor.shape, data: tensor.dataSync<"float32">() },
  ]);
  const notes = { step, lossSum, lastLoss, seconds };
  const metadata = Object.fromEntries(Object.entries(notes).map(([key, value]) => [key, String(value)]));
  await writeFileAtomic(path, encodeSafetensors({ ...weights, ...Object.fromEntries(entries) }, metadata));
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
  const isVelocity = ([name]: [string, NumericArray]): boolean => name.startsWith(VELOCITY);
  const entries = Object.entries(tensors);
  const arrays = fromPyTorch(model, Object.fromEntries(entries.filter((entry) => !isVelocity(entry))), path);
  const velocities = entries.filter(isVelocity).map(([key, { shape, data }]): [string, FloatArray] => {
    const name = key.slice(VELOCITY.length);
    const expected = arrays.params[name]?.shape;
    if (`${expected}` !== `${shape}` || !(data instanceof Float32Array)) {
      throw damaged(path, `"${key}" has shape [${shape}], the parameter has [${expected ?? "none"}]`);
    }
    return [name, { shape, data }];
  });
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
  const variables = toTensors(arrays);
  const { params } = toTensors({ params: Object.fromEntries(velocities), batchStats: {} });
  return { state: { variables, velocities: params, step, lossSum, lastLoss }, notes };
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
