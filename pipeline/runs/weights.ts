/** Saves and loads a model's weights. */
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
  type Safetensors,
  toArrays,
  toPyTorch,
  toTensors,
  trunk,
  type Variables,
} from "../../layers/mod.ts";
import { UserError } from "../../runtime/mod.ts";
import { explainFileErrors } from "../../runtime/system/file_errors.ts";
import { writeFileAtomic } from "../../runtime/system/files.ts";
import { type Progress, silent } from "../../runtime/system/progress.ts";
import { cutPath } from "../../runtime/system/texts.ts";

/**
 * Writes a model's weights as safetensors, in PyTorch's names and layouts, counters included, so that a strict
 * `load_state_dict` takes them. `saveModel` writes beside them what it takes to use them.
 *
 * @param batchesTracked Training steps so far.
 * @example
 * ```ts
 * import { init, resnet, saveWeights, tf } from "@resnet/deno";
 *
 * await tf.ready();
 * const model = resnet([1, 1, 1], { stem: "cifar" });
 * const path = await Deno.makeTempFile({ suffix: ".safetensors" });
 * await saveWeights(path, model, init(model, 42)); // in PyTorch: model.load_state_dict(load_file(path))
 * await Deno.remove(path);
 * ```
 */
export async function saveWeights(
  path: string,
  model: Model,
  variables: Variables,
  batchesTracked = 0,
): Promise<void> {
  await writeFileAtomic(path, encodeWeights(model, variables, batchesTracked));
}

/** The bytes of such a file, with texts about the whole of it. */
export function encodeWeights(
  model: Model,
  variables: Variables,
  batchesTracked: number,
  about: Readonly<Record<string, string>> = {},
): Uint8Array {
  return encodeSafetensors(toPyTorch(model, toArrays(variables), batchesTracked), { format: "pt", ...about });
}

/**
 * Reads weights in PyTorch's names and layouts. The names may be those of torchvision, timm, or kuangliu's and akamaster's
 * CIFAR ResNets, and begin with a prefix; floats of any size become float32.
 * @param progress Hears what was not as it is here, a line each.
 * @throws {UserError} If the file is missing, damaged, of another network, or not finite; the message names the first
 *   differences.
 * @example
 * ```ts
 * import { init, loadWeights, resnet, saveWeights, tf } from "@resnet/deno";
 *
 * await tf.ready();
 * const model = resnet([1, 1, 1], { stem: "cifar" });
 * const path = await Deno.makeTempFile({ suffix: ".safetensors" });
 * await saveWeights(path, model, init(model, 42));
 * const { params } = await loadWeights(path, model);
 * params["conv1.0.weight"].shape; // [3, 3, 3, 16]
 * await Deno.remove(path);
 * ```
 */
export async function loadWeights(
  path: string,
  model: Model,
  progress: Progress = silent,
): Promise<Variables> {
  return variablesIn(await readSafetensors(path), path, model, progress);
}

/**
 * The weights in a file that is read.
 * @throws {UserError} As `loadWeights` does.
 */
export function variablesIn(file: Safetensors, path: string, model: Model, progress: Progress): Variables {
  return variablesOf(model, namedWeights(file, path, model, progress), path);
}

/** @throws {UserError} If the arrays are not those of the network, or one is not finite throughout. */
function variablesOf(model: Model, { tensors, nameOf }: NamedWeights, path: string): Variables {
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
 * @example
 * ```ts
 * import { type Data, loadStart, recipes, resnet, train, trunk } from "@resnet/deno";
 *
 * async function fineTune(data: Data) {
 *   const model = resnet([2, 2, 2, 2], { naming: "torchvision", numClasses: data.train.classes.length });
 *   const { variables } = await loadStart("resnet18.safetensors", model, 42);
 *   return await train(model, data, { ...recipes.resnet18.training, frozen: trunk(model) }, { variables });
 * }
 * ```
 */
export async function loadStart(
  path: string,
  model: Model,
  seed: number,
  progress: Progress = silent,
): Promise<Start> {
  const { tensors, nameOf } = namedWeights(await readSafetensors(path), path, model, progress);
  const kept = new Set(trunk(model));
  const last = parameters(model).filter(({ name, collection }) => collection === "params" && !kept.has(name));
  const given = last.flatMap(({ name, shape }) =>
    Object.hasOwn(tensors, nameOf(name))
      ? [{ classes: tensors[nameOf(name)].shape[0], needed: shape.at(-1) }]
      : []
  );
  const replaced = last.length > 0 && given.every(({ classes, needed }) => classes !== needed);
  if (!replaced) return { variables: variablesOf(model, { tensors, nameOf }, path) };
  const drawn = toPyTorch(model, initArrays(model, seed));
  const entries = { ...tensors, ...Object.fromEntries(last.map(({ name }) => [nameOf(name), drawn[name]])) };
  return {
    variables: variablesOf(model, { tensors: entries, nameOf }, path),
    replacedHead: given[0]?.classes ?? 0,
  };
}

/** The tensors of a file with weights, and what it calls them. */
interface NamedWeights {
  readonly tensors: Readonly<Record<string, NumericArray>>;
  readonly nameOf: FileNames["of"];
}

function namedWeights(
  { tensors, converted }: Safetensors,
  path: string,
  model: Model,
  progress: Progress,
): NamedWeights {
  const { of: nameOf, notes } = fileNames(model, tensors);
  const all = [
    ...notes,
    ...(converted === undefined ? [] : [`${converted.join(" and ")} becomes float32`]),
  ];
  for (const note of all) progress.message(`${cutPath(path)}: ${note}`);
  return { tensors, nameOf };
}

/** @throws {UserError} If the file is missing, damaged, or no safetensors. */
export async function readSafetensors(path: string): Promise<Safetensors> {
  const bytes = await explainFileErrors(
    `Cannot read ${cutPath(path)}`,
    "give the path of a safetensors file",
    () => Deno.readFile(path),
  );
  return decodeSafetensors(bytes, path);
}
