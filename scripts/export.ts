/** `deno task export`: a trained network as a file for other programs. */
import { join } from "@std/path";
import {
  apply,
  type Arrays,
  encodeLayersModel,
  encodeOnnx,
  type ExportOptions,
  foldArrays,
  type Model,
  roundedToInt8,
  savedModelFiles,
  toArrays,
  toTensors,
  type Variables,
} from "../layers/mod.ts";
import { batches, type Dataset, type ImageSpec } from "../pipeline/data/mod.ts";
import { evaluate } from "../pipeline/inference/mod.ts";
import { latestRun, loadModel, RUN_FILES } from "../pipeline/runs/mod.ts";
import { applyTransforms } from "../pipeline/transforms/mod.ts";
import { configure, type Progress, tf, UsageError } from "../runtime/mod.ts";
import { formatBytes } from "../runtime/system/bytes.ts";
import { explainFileErrors } from "../runtime/system/file_errors.ts";
import { isFolder, writeFileAtomic } from "../runtime/system/files.ts";
import { taskSummary } from "../runtime/system/package.ts";
import { checkAnswers, compareAnswers, comparisonText, TOLERANCE } from "./cli/export_check.ts";
import { CHECKED, noiseImages, spread, type TestImages, testImages } from "./cli/export_images.ts";
import { writePage } from "./cli/export_page.ts";
import { printUse } from "./cli/next.ts";
import { INSTALL_ONNX_RUNTIME, runOnnx } from "./cli/onnx_runtime.ts";
import { runFlag, runTask, type Values } from "./cli/task.ts";
import { terminalProgress } from "./cli/terminal.ts";

const task = {
  name: "export",
  summary: taskSummary("export"),
  flags: {
    run: {
      ...runFlag,
      help: "folder of the run, or a file of a model (default: the run begun last in runs/)",
    },
    to: {
      type: "string",
      choices: ["onnx", "tfjs", "savedmodel", "page"],
      default: "onnx",
      help:
        "the format; tfjs is a LayersModel, for Node and web pages; page is one HTML file that classifies",
    },
    out: {
      type: "string",
      placeholder: "PATH",
      help: "the file, for tfjs and savedmodel the folder (default: beside the weights)",
    },
    "raw-pixels": {
      type: "boolean",
      help: "the file's network normalises: it takes pixels from 0 to 255",
    },
    softmax: { type: "boolean", help: "the file's network gives probabilities instead of logits" },
    "no-fold": { type: "boolean", help: "keep batch norms apart from the convolutions before them" },
    int8: {
      type: "boolean",
      help: "onnx: weights of 8 bits, a quarter of the size; says what accuracy it costs",
    },
    float16: { type: "boolean", help: "tfjs, page: weights of 16 bits, half of the size" },
    data: {
      type: "string",
      placeholder: "DIR",
      help: "folder of the images to check with, if they are there (default: the run's, or data)",
    },
  },
  examples: ["", "--run runs/fast-20261125-093000 --to tfjs --raw-pixels --softmax --float16", "--to page"],
} as const;

type Flags = Values<typeof task.flags>;

/** Of the images that a file is checked on, how many at a time. */
const BATCH = 20;

/** How the names of what is written end, behind that of the weights. */
const ENDS = { onnx: ".onnx", tfjs: "-tfjs", savedmodel: "-savedmodel", page: ".html" } as const;

/** The formats that are files for programs. */
type Format = Exclude<Flags["to"], "page">;

/** How what is written is read. Paths in quotes are such in Python and JavaScript. */
const USES: Readonly<Record<Format, (path: string) => string>> = {
  onnx: (path) => `onnxruntime.InferenceSession(${JSON.stringify(path)}) in Python`,
  tfjs: (path) => `tf.loadLayersModel(${JSON.stringify(`file://${join(path, "model.json")}`)})`,
  savedmodel: (path) => `tf.saved_model.load(${JSON.stringify(path)}) in Python`,
};

async function exportNetwork(flags: Flags): Promise<void> {
  const { run, to, float16 } = flags;
  checkFlags(flags);
  const progress = terminalProgress();
  const source = run ?? await latestRun("runs", progress);
  const path = flags.out ?? await pathBeside(source, ENDS[to]);
  if (to === "page") await writePage({ source, path, data: flags.data, float16 }, progress);
  else await exportModel({ ...flags, to }, source, path, progress);
}

/** @throws {UsageError} If a flag is given that the format has no use for. */
function checkFlags({ to, int8, float16, ...flags }: Flags): void {
  const refuse = (flag: string, why: string) => {
    throw new UsageError(`Cannot use --${flag} with --to ${to}: ${why}`);
  };
  if (int8 && to !== "onnx") refuse("int8", "it is for onnx");
  if (float16 && to !== "tfjs" && to !== "page") refuse("float16", "it is for tfjs and page");
  for (const flag of ["raw-pixels", "softmax", "no-fold"] as const) {
    if (to === "page" && flags[flag]) refuse(flag, "a page takes pictures and gives probabilities");
  }
}

async function exportModel(
  flags: Flags & { readonly to: Format },
  source: string,
  path: string,
  progress: Progress,
): Promise<void> {
  const { to, int8, float16 } = flags;
  configure({ progress });
  await tf.ready();
  const { model, variables, ...images } = await loadModel(source, { progress });
  const arrays = toArrays(variables);
  const files = encode(flags, model, arrays, optionsOf(flags, model, images));
  await explainFileErrors(`Cannot write ${path}`, "choose another place with --out", async () => {
    for (const [name, bytes] of Object.entries(files)) {
      await writeFileAtomic(name === "" ? path : join(path, name), bytes);
    }
  });

  const written = flags["no-fold"] ? { model, arrays } : foldArrays(model, arrays);
  const rounded = int8 ? roundedToInt8(written.model, written.arrays) : written.arrays;
  const test = await testImages(source, images, flags.data, progress);
  const some = test === undefined ? noiseImages(images) : spread(test.images, CHECKED);
  const { given, shape, expected } = answers(written.model, toTensors(rounded), some, flags);
  const found = await answersOf(path, to, given, shape);
  const size = formatBytes(Object.values(files).reduce((sum, { length }) => sum + length, 0));
  const checked = found && compareAnswers(found, expected, model.output.shape[0]);
  const result = checked
    ? comparisonText(checked, test ? "images" : "images of noise")
    : `not checked, as onnxruntime-web is not installed: ${INSTALL_ONNX_RUNTIME}`;
  console.log(`${to}: ${path} ${size}, ${result}`);
  if (checked) checkAnswers(path, checked, expected, TOLERANCE[float16 ? "float16" : "float32"]);
  if (int8 && test) console.log(lossText(written.model, written.arrays, rounded, test));
  printUse("Use", USES[to](path));
}

/** A name beside the weights. */
async function pathBeside(source: string, end: string): Promise<string> {
  const weights = await isFolder(source) ? join(source, RUN_FILES.weights) : source;
  return weights.replace(/\.safetensors$/, "") + end;
}

/** What the exporters are told. */
function optionsOf(flags: Flags, model: Model, { classes, transforms }: ImageSpec): ExportOptions {
  const normalize = transforms.find((step) => step.kind === "normalize");
  const [height, width, channels] = model.input.shape;
  const order = flags.to === "onnx" ? [channels, height, width] : [height, width, channels];
  const input = [
    `float32 [n, ${order.join(", ")}]`,
    channels === 3 ? "RGB" : channels === 1 ? "grey" : `${channels} channels`,
    flags["raw-pixels"] || normalize === undefined
      ? "pixels from 0 to 255"
      : `(pixel / 255 - mean) / std with mean [${normalize.mean.join(", ")}] and std [${
        normalize.std.join(", ")
      }]`,
  ];
  return {
    ...(flags["raw-pixels"] && normalize && { normalize }),
    softmax: flags.softmax,
    foldBatchNorm: !flags["no-fold"],
    about: { network: model.name, classes: JSON.stringify(classes), input: input.join(", ") },
  };
}

/** The files by name; one that stands alone has none. */
function encode(
  { to, int8, float16 }: Flags & { readonly to: Format },
  model: Model,
  arrays: Arrays,
  options: ExportOptions,
): Record<string, Uint8Array> {
  switch (to) {
    case "onnx":
      return { "": encodeOnnx(model, arrays, { ...options, int8 }) };
    case "tfjs":
      return encodeLayersModel(model, arrays, { ...options, float16 });
    case "savedmodel":
      return savedModelFiles(model, arrays, options);
  }
}

/** What goes in, `[n, h, w, c]` as `shape` says, and what should come out. */
interface Answers {
  readonly given: Float32Array;
  readonly shape: [number, number, number, number];
  readonly expected: Float32Array;
}

/**
 * The images of a data set as the file's network takes them, and what it should say of them.
 * @param variables Disposed.
 */
function answers(
  model: Model,
  variables: Variables,
  dataset: Dataset,
  flags: Pick<Flags, "raw-pixels" | "softmax">,
): Answers {
  const before = dataset.transforms.filter(({ kind }) => !flags["raw-pixels"] || kind !== "normalize");
  const [given, expected]: Float32Array[][] = [[], []];
  for (const { images, size } of batches(dataset, BATCH)) {
    tf.tidy(() => {
      const pixels = tf.tensor4d(Float32Array.from(images), [size, ...dataset.imageShape]);
      given.push(applyTransforms(before, pixels, { train: false }).dataSync<"float32">());
      const x = applyTransforms(dataset.transforms, pixels, { train: false });
      const [logits] = apply(model, variables, x, { train: false });
      expected.push((flags.softmax ? tf.softmax(logits) : logits).dataSync<"float32">());
    });
  }
  tf.dispose([variables.params, variables.batchStats]);
  const shape: Answers["shape"] = [dataset.indices.length, ...model.input.shape];
  return { given: joined(given), shape, expected: joined(expected) };
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const part of parts) {
    all.set(part, offset);
    offset += part.length;
  }
  return all;
}

/** What the written file says of the images; nothing where there is no reader for it. */
async function answersOf(
  path: string,
  to: Format,
  given: Float32Array,
  shape: Answers["shape"],
): Promise<Float32Array | undefined> {
  const x = tf.tensor4d(given, shape);
  try {
    if (to === "onnx") {
      const [n, height, width, channels] = shape;
      const images = tf.tidy(() => tf.transpose(x, [0, 3, 1, 2]).dataSync<"float32">());
      const model = await Deno.readFile(path);
      const job = { model, images, shape: [n, channels, height, width], batchSize: BATCH };
      return (await runOnnx([job]))?.[0];
    }
    const model = to === "tfjs"
      ? await tf.loadLayersModel(`file://${join(path, "model.json")}`)
      : await tf.node.loadSavedModel(path);
    const starts = Array.from({ length: Math.ceil(shape[0] / BATCH) }, (_, i) => i * BATCH);
    const found = starts.map((start) =>
      tf.tidy(() => {
        const part = tf.slice(x, start, Math.min(BATCH, shape[0] - start));
        return (model.predict(part) as tf.Tensor).dataSync<"float32">();
      })
    );
    model.dispose();
    return joined(found);
  } finally {
    x.dispose();
  }
}

/** What the rounding costs. */
function lossText(model: Model, arrays: Arrays, rounded: Arrays, { images, part }: TestImages): string {
  const accuracyOf = (arrays: Arrays): string => {
    const variables = toTensors(arrays);
    const { accuracy } = evaluate(model, variables, images);
    tf.dispose([variables.params, variables.batchStats]);
    return `${(100 * accuracy).toFixed(2)} %`;
  };
  return `Accuracy of the network on the ${images.indices.length} ${part} images: ${
    accuracyOf(rounded)
  } with weights ` +
    `of 8 bits, ${accuracyOf(arrays)} with those of 32`;
}

/** Runs the task. */
export function main(args: readonly string[]): Promise<void> {
  return runTask(task, exportNetwork, args);
}

if (import.meta.main) await main(Deno.args);
