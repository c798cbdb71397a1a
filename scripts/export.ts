/** `deno task export`: a trained run as a file for other programs. */
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
} from "../layers/mod.ts";
import { batches, type Dataset } from "../pipeline/data/mod.ts";
import { evaluate } from "../pipeline/inference/mod.ts";
import { latestRun, loadWeights, readRunInfo, RUN_FILES } from "../pipeline/runs/mod.ts";
import { modelFor, prepare } from "../pipeline/training/mod.ts";
import { applyTransforms } from "../pipeline/transforms/mod.ts";
import { configure, tf, UsageError } from "../runtime/mod.ts";
import { formatBytes } from "../runtime/system/bytes.ts";
import { explainFileErrors } from "../runtime/system/file_errors.ts";
import { writeFileAtomic } from "../runtime/system/files.ts";
import { cifarOf } from "./cli/data.ts";
import { checkAnswers, compareAnswers, comparisonText } from "./cli/export_check.ts";
import { INSTALL_ONNX_RUNTIME, runOnnx } from "./cli/onnx_runtime.ts";
import { dataFlag, runFlag, runTask, type Values } from "./cli/task.ts";
import { terminalProgress } from "./cli/terminal.ts";

const task = {
  name: "export",
  summary: "Writes a trained network for other programs: ONNX, TensorFlow.js, TensorFlow's SavedModel.",
  flags: {
    run: runFlag,
    to: {
      type: "string",
      choices: ["onnx", "tfjs", "savedmodel"],
      default: "onnx",
      help: "the format; tfjs is a LayersModel, for Node and web pages",
    },
    out: {
      type: "string",
      placeholder: "PATH",
      help: "the file, for tfjs and savedmodel the folder (default: in the run's folder)",
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
    data: dataFlag,
  },
  examples: ["", "--run runs/fast-20261125-093000 --to tfjs --raw-pixels --softmax --float16"],
} as const;

type Flags = Values<typeof task.flags>;

/** The test images that a file is checked on. */
const CHECKED = 200;

/** Of those, how many at a time. */
const BATCH = 20;

/** How far off a number may be, as a part of the largest: what rounding in another order does, and rounding to 11 bits. */
const TOLERANCE = { float32: 1e-3, float16: 2e-2 };

async function exportRun(flags: Flags): Promise<void> {
  const { run, to, out, int8, float16 } = flags;
  if (int8 && to !== "onnx") throw new UsageError(`Cannot use --int8 with --to ${to}: it is for onnx`);
  if (float16 && to !== "tfjs") throw new UsageError(`Cannot use --float16 with --to ${to}: it is for tfjs`);
  const progress = terminalProgress();
  const dir = run ?? await latestRun("runs", progress);
  const { recipe } = await readRunInfo(dir);
  const loaded = await cifarOf(flags.data, progress);
  configure({ progress });
  await tf.ready();
  const test = prepare(loaded, recipe).test!;
  const model = modelFor(recipe.network, test);
  const arrays = toArrays(await loadWeights(join(dir, RUN_FILES.weights), model, progress));

  const options = optionsOf(flags, model, test, recipe.name);
  const files = encode(flags, model, arrays, options);
  const path = out ??
    join(dir, recipe.name + { onnx: ".onnx", tfjs: "-tfjs", savedmodel: "-savedmodel" }[to]);
  await explainFileErrors(`Cannot write ${path}`, "choose another place with --out", async () => {
    for (const [name, bytes] of Object.entries(files)) {
      await writeFileAtomic(name === "" ? path : join(path, name), bytes);
    }
  });

  const written = flags["no-fold"] ? { model, arrays } : foldArrays(model, arrays);
  const rounded = int8 ? roundedToInt8(written.model, written.arrays) : written.arrays;
  const { images, shape, expected } = answers({ ...written, arrays: rounded }, test, flags);
  const found = await answersOf(path, flags, images, shape);
  const size = formatBytes(Object.values(files).reduce((sum, { length }) => sum + length, 0));
  const classes = model.output.shape[0];
  const checked = found && compareAnswers(found, expected, classes);
  console.log(
    `${to}: ${path} ${size}, ${
      checked
        ? comparisonText(checked)
        : `not checked, as onnxruntime-web is not installed: ${INSTALL_ONNX_RUNTIME}`
    }`,
  );
  if (checked) checkAnswers(path, checked, expected, TOLERANCE[float16 ? "float16" : "float32"]);
  if (int8) console.log(lossText(written, rounded, test));
}

/** What the exporters are told. */
function optionsOf(
  flags: Flags,
  model: Model,
  { classes, transforms }: Dataset,
  recipe: string,
): ExportOptions {
  const normalize = transforms.find((step) => step.kind === "normalize");
  const [height, width, channels] = model.input.shape;
  const isRaw = flags["raw-pixels"] || normalize === undefined;
  const order = flags.to === "onnx" ? [channels, height, width] : [height, width, channels];
  const input = [
    `float32 [n, ${order.join(", ")}]`,
    channels === 3 ? "RGB" : channels === 1 ? "grey" : `${channels} channels`,
    isRaw
      ? "pixels from 0 to 255"
      : `(pixel / 255 - mean) / std with mean [${normalize.mean.join(", ")}] and std [${
        normalize.std.join(", ")
      }]`,
  ];
  return {
    ...(flags["raw-pixels"] && normalize && { normalize }),
    softmax: flags.softmax,
    foldBatchNorm: !flags["no-fold"],
    about: { network: model.name, recipe, classes: JSON.stringify(classes), input: input.join(", ") },
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

/** What goes in, and what should come out: `images` of the shape `[n, h, w, c]`. */
interface Answers {
  readonly images: Float32Array;
  readonly shape: [number, number, number, number];
  readonly expected: Float32Array;
}

/** The first test images as the file's network takes them, and what the run's says of them. */
function answers(
  { model, arrays }: { model: Model; arrays: Arrays },
  test: Dataset,
  flags: Pick<Flags, "raw-pixels" | "softmax">,
): Answers {
  const some = { ...test, indices: test.indices.subarray(0, CHECKED) };
  const before = flags["raw-pixels"]
    ? test.transforms.filter(({ kind }) => kind !== "normalize")
    : test.transforms;
  const [images, expected]: Float32Array[][] = [[], []];
  const variables = toTensors(arrays);
  for (const { images: pixels, size } of batches(some, BATCH)) {
    tf.tidy(() => {
      const x = tf.tensor4d(Float32Array.from(pixels), [size, ...test.imageShape]);
      images.push(applyTransforms(before, x, { train: false }).dataSync<"float32">());
      const seen = applyTransforms(test.transforms, x, { train: false });
      const [logits] = apply(model, variables, seen, { train: false });
      expected.push((flags.softmax ? tf.softmax(logits) : logits).dataSync<"float32">());
    });
  }
  tf.dispose([variables.params, variables.batchStats]);
  return {
    images: joined(images),
    shape: [some.indices.length, ...model.input.shape],
    expected: joined(expected),
  };
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
  { to }: Flags,
  images: Float32Array,
  shape: Answers["shape"],
): Promise<Float32Array | undefined> {
  if (to === "onnx") {
    const [n, height, width, channels] = shape;
    const channelsFirst = tf.tidy(() =>
      tf.transpose(tf.tensor4d(images, shape), [0, 3, 1, 2]).dataSync<"float32">()
    );
    const model = await Deno.readFile(path);
    const jobs = [{ model, images: channelsFirst, shape: [n, channels, height, width], batchSize: BATCH }];
    return (await runOnnx(jobs))?.[0];
  }
  const model = to === "tfjs"
    ? await tf.loadLayersModel(`file://${join(path, "model.json")}`)
    : await tf.node.loadSavedModel(path);
  const found = tf.tidy(() =>
    joined(
      Array.from({ length: Math.ceil(shape[0] / BATCH) }, (_, i) => {
        const length = images.length / shape[0] * BATCH;
        const part = images.subarray(i * length, (i + 1) * length);
        const x = tf.tensor4d(part, [part.length / length * BATCH, shape[1], shape[2], shape[3]]);
        return (model.predict(x) as tf.Tensor).dataSync<"float32">();
      }),
    )
  );
  model.dispose();
  return found;
}

/** What the rounding costs. */
function lossText(
  { model, arrays }: { model: Model; arrays: Arrays },
  rounded: Arrays,
  test: Dataset,
): string {
  const [before, after] = [arrays, rounded].map((arrays) => {
    const variables = toTensors(arrays);
    try {
      return evaluate(model, variables, test);
    } finally {
      tf.dispose([variables.params, variables.batchStats]);
    }
  });
  const percent = (accuracy: number): string => `${(100 * accuracy).toFixed(2)} %`;
  return `Accuracy of the network on the ${after.images} test images: ${
    percent(after.accuracy)
  } with weights ` +
    `of 8 bits, ${percent(before.accuracy)} without`;
}

/** Runs the task. */
export function main(args: readonly string[]): Promise<void> {
  return runTask(task, exportRun, args);
}

if (import.meta.main) await main(Deno.args);
