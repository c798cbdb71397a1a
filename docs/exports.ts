/** The half of exports.py that runs here: networks of every family in each format, images, and their logits. */
import { join } from "@std/path";
import {
  apply,
  type Arrays,
  encodeLayersModel,
  encodeOnnx,
  encodeSafetensors,
  type ExportOptions,
  fastResnet,
  foldArrays,
  initArrays,
  type Model,
  resnet,
  roundedToInt8,
  savedModelFiles,
  tf,
  toTensors,
} from "../mod.ts";

const [folder] = Deno.args;

const MODELS: Readonly<Record<string, Model>> = {
  fast: fastResnet(),
  "fast-celu": fastResnet({ celuAlpha: 0.3 }),
  resnet20: resnet([3, 3, 3], { stem: "cifar" }),
  preactivation20: resnet([3, 3, 3], { stem: "cifar", block: "preActivation" }),
  "wide16-4": resnet([2, 2, 2], {
    stem: "cifar",
    block: "preActivation",
    shortcut: "projection",
    stemFilters: 16,
    widths: [64, 128, 256],
  }),
  "tutorial-resnet34": resnet([3, 4, 6, 3]),
  resnet50: resnet([3, 4, 6, 3], { block: "bottleneck", naming: "torchvision", numClasses: 1000 }),
  resnet50d: resnet([3, 4, 6, 3], { block: "bottleneck", stem: "deep", shortcut: "average" }),
  resnext50: resnet([3, 4, 6, 3], { block: "bottleneck", groups: 32, widthPerGroup: 4 }),
};

/** Initial values, with statistics that are not those of the beginning. */
function arraysOf(model: Model): Arrays {
  const { params, batchStats } = initArrays(model, 42);
  const moved = Object.entries(batchStats).map(([name, { shape, data }]) => {
    const change = (i: number): number => 0.3 * Math.sin(i + name.length);
    return [name, { shape, data: data.map((value, i) => value + change(i)) }];
  });
  return { params, batchStats: Object.fromEntries(moved) };
}

/** Pixels from 0 to 255 as `normalize` makes them, or as they are. */
const STATS = { mean: [0.5, 0.4, 0.3], std: [0.25, 0.2, 0.3] };

await tf.ready();
for (const [name, model] of Object.entries(MODELS)) {
  const arrays = arraysOf(model);
  const [height, width, channels] = model.input.shape;
  const shape = [3, height, width, channels];
  const pixels = tf.randomUniform([3, height, width, channels], 0, 255, "float32", 7);
  const logitsOf = (model: Model, arrays: Arrays, x: tf.Tensor) => {
    const [logits] = apply(model, toTensors(arrays), x, { train: false });
    return { shape: logits.shape, data: logits.dataSync<"float32">() };
  };
  const x = tf.div(tf.sub(tf.div(pixels, 255), STATS.mean), STATS.std);
  const folded = foldArrays(model, arrays);
  const found = {
    pixels: { shape, data: pixels.dataSync<"float32">() },
    images: { shape, data: x.dataSync<"float32">() },
    logits: logitsOf(model, arrays, x),
    "logits.int8": logitsOf(folded.model, roundedToInt8(folded.model, folded.arrays), x),
  };
  const about = { network: model.name };
  const raw: ExportOptions = { normalize: STATS, softmax: true, about };
  const files: Record<string, Uint8Array> = {
    "expected.safetensors": encodeSafetensors(found),
    "logits.onnx": encodeOnnx(model, arrays, { about }),
    "unfolded.onnx": encodeOnnx(model, arrays, { about, foldBatchNorm: false }),
    "int8.onnx": encodeOnnx(model, arrays, { about, int8: true }),
    "probabilities.onnx": encodeOnnx(model, arrays, raw),
  };
  const inFolder = (folder: string, parts: Readonly<Record<string, Uint8Array>>): void => {
    for (const [path, bytes] of Object.entries(parts)) files[join(folder, path)] = bytes;
  };
  inFolder("logits", savedModelFiles(model, arrays, { about }));
  inFolder("probabilities", savedModelFiles(model, arrays, raw));
  inFolder("tfjs", encodeLayersModel(model, arrays, { about }));
  for (const [path, bytes] of Object.entries(files)) {
    const at = join(folder, name, path);
    await Deno.mkdir(join(at, ".."), { recursive: true });
    await Deno.writeFile(at, bytes);
  }
  const loaded = await tf.loadLayersModel(`file://${join(folder, name, "tfjs", "model.json")}`);
  const theirs = (loaded.predict(x) as tf.Tensor).dataSync<"float32">();
  const largest = Math.max(...found.logits.data.map(Math.abs));
  const difference = Math.max(...found.logits.data.map((value, i) => Math.abs(value - theirs[i])));
  console.log(
    `${name}: ${model.name} written, as a LayersModel off by ${(difference / largest).toExponential(1)}`,
  );
}
