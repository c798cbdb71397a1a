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
import {
  batches,
  CIFAR10_CLASSES,
  CIFAR10_IMAGE_SHAPE,
  createDataset,
  type Dataset,
  type ImageSpec,
  loadCifar,
} from "../pipeline/data/mod.ts";
import { evaluate } from "../pipeline/inference/mod.ts";
import { latestRun, loadModel, readRunInfo, RUN_FILES } from "../pipeline/runs/mod.ts";
import { applyTransforms } from "../pipeline/transforms/mod.ts";
import { configure, type Progress, tf, UsageError, UserError } from "../runtime/mod.ts";
import { formatBytes } from "../runtime/system/bytes.ts";
import { explainFileErrors } from "../runtime/system/file_errors.ts";
import { exists, isFolder, writeFileAtomic } from "../runtime/system/files.ts";
import { taskSummary } from "../runtime/system/package.ts";
import { checkAnswers, compareAnswers, comparisonText } from "./cli/export_check.ts";
import { INSTALL_ONNX_RUNTIME, runOnnx } from "./cli/onnx_runtime.ts";
import { printUse } from "./cli/next.ts";
import { loadRun, type RunData } from "./cli/run_data.ts";
import { dataFlag, runFlag, runTask, type Values } from "./cli/task.ts";
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
      choices: ["onnx", "tfjs", "savedmodel"],
      default: "onnx",
      help: "the format; tfjs is a LayersModel, for Node and web pages",
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
    float16: { type: "boolean", help: "tfjs: weights of 16 bits, half of the size" },
    data: {
      type: "string",
      placeholder: "DIR",
      help: "folder of the images to check with, if they are there (default: the run's pictures, or data)",
    },
  },
  examples: ["", "--run runs/fast-20261125-093000 --to tfjs --raw-pixels --softmax --float16"],
} as const;

type Flags = Values<typeof task.flags>;

/** The images that a file is checked on. */
const CHECKED = 200;

/** Of those, how many at a time. */
const BATCH = 20;

/** How far off a number may be, as a part of the largest: what rounding in another order does, and rounding to 11 bits. */
const TOLERANCE = { float32: 1e-3, float16: 2e-2 };

/** How what is written is read. Paths in quotes are such in Python and JavaScript. */
const USES: Readonly<Record<keyof typeof ENDS, (path: string) => string>> = {
  onnx: (path) => `onnxruntime.InferenceSession(${JSON.stringify(path)}) in Python`,
  tfjs: (path) => `tf.loadLayersModel(${JSON.stringify(`file://${join(path, "model.json")}`)})`,
  savedmodel: (path) => `tf.saved_model.load(${JSON.stringify(path)}) in Python`,
};

/** How the names of what is written end, behind that of the weights. */
const ENDS = { onnx: ".onnx", tfjs: "-tfjs", savedmodel: "-savedmodel" } as const;

async function exportModel(flags: Flags): Promise<void> {
  const { run, to, int8, float16 } = flags;
  if (int8 && to !== "onnx") throw new UsageError(`Cannot use --int8 with --to ${to}: it is for onnx`);
  if (float16 && to !== "tfjs") throw new UsageError(`Cannot use --float16 with --to ${to}: it is for tfjs`);
  const progress = terminalProgress();
  const source = run ?? await latestRun("runs", progress);
  configure({ progress });
  await tf.ready();
  const { model, variables, ...images } = await loadModel(source, { progress });
  const arrays = toArrays(variables);
  const files = encode(flags, model, arrays, optionsOf(flags, model, images));
  const path = flags.out ?? await pathBeside(source, ENDS[to]);
  await explainFileErrors(`Cannot write ${path}`, "choose another place with --out", async () => {
    for (const [name, bytes] of Object.entries(files)) {
      await writeFileAtomic(name === "" ? path : join(path, name), bytes);
    }
  });

  const written = flags["no-fold"] ? { model, arrays } : foldArrays(model, arrays);
  const rounded = int8 ? roundedToInt8(written.model, written.arrays) : written.arrays;
  const test = await testImages(source, images, flags.data, progress);
  const some = test?.images ?? noiseImages(images);
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

/** Images that the network was not trained on. */
interface TestImages {
  readonly images: Dataset;
  readonly part: RunData["part"];
}

/** Of a run on pictures its own, of another network CIFAR-10's if it was trained on them; nothing if they are not there. */
async function testImages(
  source: string,
  trained: ImageSpec,
  data: string | undefined,
  progress: Progress,
): Promise<TestImages | undefined> {
  const isRun = await isFolder(source) && await exists(join(source, RUN_FILES.info));
  if (isRun && (await readRunInfo(source)).digest !== undefined) {
    try {
      return await loadRun({ run: source, data }, "Cannot check", { progress, start: tf.ready });
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      progress.message(error.message);
      return undefined;
    }
  }
  const dir = data ?? dataFlag.default;
  const isCifar = `${trained.classes}` === `${CIFAR10_CLASSES}` &&
    `${trained.imageShape}` === `${CIFAR10_IMAGE_SHAPE}`;
  if (!isCifar || !await exists(join(dir, "test_batch.bin"))) return undefined;
  const { test } = await loadCifar(dir);
  return { images: { ...test!, transforms: trained.transforms }, part: "test" };
}

/** As many as are checked, where there are none. */
function noiseImages({ imageShape, classes, transforms }: ImageSpec): Dataset {
  const noise = tf.tidy(() => tf.randomUniform([CHECKED, ...imageShape], 0, 256, "int32", 1).dataSync());
  const labels = new Uint8Array(CHECKED);
  return createDataset({ images: Uint8Array.from(noise), labels, imageShape, classes, transforms });
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
  { to, int8, float16 }: Flags,
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
 * The first images of a data set as the file's network takes them, and what it should say of them.
 * @param variables Disposed.
 */
function answers(
  model: Model,
  variables: Variables,
  dataset: Dataset,
  flags: Pick<Flags, "raw-pixels" | "softmax">,
): Answers {
  const some = { ...dataset, indices: dataset.indices.subarray(0, CHECKED) };
  const before = dataset.transforms.filter(({ kind }) => !flags["raw-pixels"] || kind !== "normalize");
  const [given, expected]: Float32Array[][] = [[], []];
  for (const { images, size } of batches(some, BATCH)) {
    tf.tidy(() => {
      const pixels = tf.tensor4d(Float32Array.from(images), [size, ...dataset.imageShape]);
      given.push(applyTransforms(before, pixels, { train: false }).dataSync<"float32">());
      const x = applyTransforms(dataset.transforms, pixels, { train: false });
      const [logits] = apply(model, variables, x, { train: false });
      expected.push((flags.softmax ? tf.softmax(logits) : logits).dataSync<"float32">());
    });
  }
  tf.dispose([variables.params, variables.batchStats]);
  const shape: Answers["shape"] = [some.indices.length, ...model.input.shape];
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
  to: Flags["to"],
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
  return runTask(task, exportModel, args);
}

if (import.meta.main) await main(Deno.args);
