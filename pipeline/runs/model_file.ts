/**
 * One file that is all it takes to predict: the weights as PyTorch loads them, and among the texts about the file
 * (`__metadata__`) what the network and its images are.
 */
import { join } from "@std/path";
import * as v from "valibot";
import type { Model, Safetensors, Variables } from "../../layers/mod.ts";
import { UsageError, UserError } from "../../runtime/system/errors.ts";
import { isFolder, writeFileAtomic } from "../../runtime/system/files.ts";
import { type Progress, silent } from "../../runtime/system/progress.ts";
import {
  check,
  checkJson,
  fields,
  list,
  mismatch,
  number,
  type Schema,
  someFields,
  text,
} from "../../runtime/system/schema.ts";
import { cut, cutPath } from "../../runtime/system/texts.ts";
import { createDataset, type Data, type Dataset, type ImageSpec, type Transform } from "../data/dataset.ts";
import { imagesProblem } from "../data/fit.ts";
import type { TrainedModel } from "../inference/predict.ts";
import { modelFor, type Network, networkSchema } from "../training/recipe.ts";
import { transform, transformSchema } from "../transforms/transforms.ts";
import { RUN_FILES } from "./folder.ts";
import { encodeWeights, readSafetensors, variablesIn } from "./weights.ts";

/** What the text is called that says it, in JSON. */
const KEY = "resnet-deno";

/** Of what stands there. A later one may have other fields. */
const VERSION = 1;

/** The longest side of an image, in pixels: a file must not ask for more memory than any network here has use for. */
const MAX_SIDE = 2 ** 14;

/** How much of a message may be about what is in the file, in characters. */
const MAX_PROBLEM = 300;

/** What a file says of its weights. */
interface ModelNote extends ImageSpec {
  readonly version: number;
  /** Absent where the network is not data. */
  readonly network?: Network;
}

const side = number({ whole: true, min: 1, max: MAX_SIDE });

const noteSchema: Schema<ModelNote> = fields({
  version: v.literal(VERSION),
  network: v.optional(networkSchema),
  imageShape: v.strictTuple(
    [side, side, side],
    ({ input }) => mismatch(input, "a list of height, width and channels"),
  ),
  transforms: list(transformSchema),
  classes: list(text, { min: 1 }),
  view: v.optional(fields({ shorter: side, size: side })),
});

/**
 * Writes a trained network as one file, from which `loadModel` has all that it takes to predict: the weights, the network,
 * the transforms of its images, their shape, and the names of the classes. PyTorch loads it as any safetensors file, by
 * its own names and layouts (`load_state_dict(load_file(path))`).
 *
 * A network that a function of one's own made, or that has a block or layer of one's own, is not data: the file then has
 * all but the network, and `loadModel` has to be given that.
 *
 * @param path Of the file, which is replaced as a whole.
 * @param model The network.
 * @param variables Not disposed.
 * @param images What the network was trained on: a data set, or what `loadModel` gave. Random changes are left out.
 * @param options `batchesTracked`: training steps so far, for PyTorch's counters; 0 unless given.
 * @throws {UsageError} If the network does not fit such images, or a number in the transforms is not finite.
 * @throws {Deno.errors} If the file cannot be written.
 * @example
 * ```ts
 * import { type Data, recipes, resnet, saveModel, train } from "@resnet/deno";
 *
 * async function trainAndSave(data: Data) {
 *   const model = resnet([3, 3, 3], { stem: "cifar" });
 *   const { variables } = await train(model, data, recipes.resnet20.training);
 *   await saveModel("resnet20.safetensors", model, variables, data.train);
 * }
 * ```
 */
export async function saveModel(
  path: string,
  model: Model,
  variables: Variables,
  { imageShape, transforms, classes, view, pictures }: ImageSpec & Pick<Dataset, "pictures">,
  { batchesTracked = 0 }: { readonly batchesTracked?: number } = {},
): Promise<void> {
  const images = {
    imageShape,
    transforms: transforms.filter(({ kind }) => kind !== "augment"),
    classes,
    view: pictures?.view ?? view,
  };
  const fail = (problem: string): UsageError => new UsageError(`Cannot save ${model.name}: ${problem}`);
  const problem = unfit(model, images);
  if (problem !== undefined) throw fail(problem);
  // A name for each number that comes out, so that the network can be built of the names' number.
  const names = Array.from(
    { length: model.output.shape[0] },
    (_, label) => classes[label] ?? `class ${label}`,
  );
  const { network } = model;
  const json = JSON.stringify({ version: VERSION, network, ...images, classes: names });
  checkJson(noteSchema, json, fail); // what could not be read again
  await writeFileAtomic(path, encodeWeights(model, variables, batchesTracked, { [KEY]: json }));
}

/** How to read a file of `saveModel`. */
export interface LoadModelOptions {
  /** The network, instead of the file's: one of one's own that is not data. */
  readonly model?: Model;
  /** Hears what was not as it is here, a line each. */
  readonly progress?: Progress;
}

/**
 * Reads a trained network and what it takes to predict with it.
 *
 * @param path A file of `saveModel`, or the folder of a run, whose `model.safetensors` is one.
 * @param options What the file may lack, and who is told what was not as it is here.
 * @returns The variables are the caller's to dispose.
 * @throws {UserError} If the file is missing, damaged, not finite, or of another network than it says or is given; or if it
 *   does not say what its network or its images are, as a file of PyTorch's: `loadWeights` reads its weights.
 * @example
 * ```ts
 * import { loadModel, predict, tf } from "@resnet/deno";
 *
 * async function name(image: Uint8Array) {
 *   await tf.ready();
 *   const [[best]] = predict(await loadModel("runs/a"), image);
 *   return `${best.className} (${(100 * best.probability).toFixed(1)} %)`;
 * }
 * ```
 */
export async function loadModel(
  path: string,
  { model: given, progress = silent }: LoadModelOptions = {},
): Promise<TrainedModel> {
  const file = await isFolder(path) ? join(path, RUN_FILES.weights) : path;
  const fail = (problem: string): UserError =>
    new UserError(`Cannot load ${cutPath(file)}: ${cut(problem, MAX_PROBLEM)}`);
  const content = await readSafetensors(file);
  if (!Object.hasOwn(content.metadata, KEY)) {
    throw fail(
      "it has weights, and says nothing of their network and its images; " +
        "saveModel and training write files that do, loadWeights reads the weights alone",
    );
  }
  const { network, imageShape, transforms, classes, view } = readNote(content.metadata[KEY], fail);
  const images = { imageShape, transforms, classes, ...(view && { view }) };
  const model = given ?? madeOf(network, images, content, fail);
  const problem = unfit(model, images);
  if (problem !== undefined) throw fail(`${model.name} is not of its images: ${problem}`);
  return { model, variables: variablesIn(content, file, model, progress), ...images };
}

/** Why a network and the images that are said to be its own do not go together. */
function unfit(model: Model, images: ImageSpec): string | undefined {
  return imagesProblem(model, { ...images, count: 1 }, { part: "images", batchSize: 1 });
}

/** Makes an error of what is wrong with a file, a phrase. */
type Fail = (problem: string) => Error;

/** What a file says, checked: not only that it can be, but that one goes with the other. */
function readNote(json: string, fail: Fail): ModelNote {
  const damaged: Fail = (problem) =>
    fail(`its metadata "${KEY}" is damaged: ${problem}; write it again with saveModel`);
  const value = checkJson(v.unknown(), json, damaged);
  const { version } = check(someFields({ version: number({ whole: true, min: 1 }) }), value, damaged);
  if (version > VERSION) {
    throw fail(
      `its metadata "${KEY}" has version ${version}, ${VERSION} is read here; use a later version of this package`,
    );
  }
  const note = check(noteSchema, value, damaged);
  checkTransforms(note, damaged);
  const { view, imageShape: [height, width] } = note;
  if (view !== undefined && (view.size !== height || view.size !== width || view.shorter < view.size)) {
    throw damaged(
      `view shows ${view.size} x ${view.size} pixels of ${view.shorter}, the images have ${height} x ${width}`,
    );
  }
  return note;
}

/** @throws What `fail` makes, if the transforms are not of these images, or make them larger than they may be. */
function checkTransforms({ imageShape, transforms, classes }: ImageSpec, fail: Fail): void {
  const none = createDataset({ images: new Uint8Array(), labels: [], imageShape, classes });
  const isLarge = (step: Transform): boolean => step.kind === "resize" && step.size > MAX_SIDE;
  const large = transforms.findIndex(isLarge);
  if (large >= 0) {
    throw fail(`transforms.${large} makes images of more than ${MAX_SIDE} x ${MAX_SIDE} pixels`);
  }
  try {
    transforms.reduce((data: Data, step) => transform(step)(data), { train: none });
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof RangeError)) throw error;
    throw fail(error.message);
  }
}

/** The network that a file says it is of. */
function madeOf(
  network: Network | undefined,
  images: ImageSpec,
  { tensors }: Safetensors,
  fail: Fail,
): Model {
  if (network === undefined) {
    throw fail("its network is one of your own, and not in the file; give it, as loadModel(path, { model })");
  }
  // Nothing is made of more blocks than the file has tensors for.
  const blocks = network.kind === "resnet" ? network.depths.reduce((sum, depth) => sum + depth) : 0;
  const found = Object.keys(tensors).length;
  if (blocks > found) throw fail(`it says that its network has ${blocks} blocks, and holds ${found} tensors`);
  try {
    return modelFor(network, images);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw fail(error.message);
  }
}
