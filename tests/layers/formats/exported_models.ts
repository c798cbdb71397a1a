/** A small network of each family, with values such as training leaves, for what writes them and what reads them. */
import { defineModel, type Model } from "../../../layers/model.ts";
import { fastResnet } from "../../../layers/networks/fast_resnet.ts";
import { resnet } from "../../../layers/networks/resnet.ts";
import {
  add,
  batchNorm,
  celu,
  conv,
  flatten,
  input,
  linear,
  maxPool,
  padShortcut,
} from "../../../layers/nodes/nodes.ts";
import { apply } from "../../../layers/readers/apply.ts";
import type { Arrays, FloatArray } from "../../../layers/readers/arrays.ts";
import { initArrays } from "../../../layers/readers/init.ts";
import { parameterRoles } from "../../../layers/readers/parameters.ts";
import { stream, uniform } from "../../../layers/readers/random.ts";
import { toTensors } from "../../../layers/readers/variables.ts";
import { tf } from "../../../runtime/mod.ts";

/** What the families leave out: no squares, groups, negative maxima beside padding, a map that becomes a row. */
function oddModel(): Model {
  const x = batchNorm(input([11, 9, 2]), { name: "first" });
  const grouped = conv(x, { name: "grouped", filters: 12, kernelSize: 2, stride: 2, padding: 1, groups: 2 });
  const alone = conv(grouped, { name: "a layer!", filters: 24, kernelSize: 3, padding: 1, groups: 12 });
  const shared = conv(alone, { name: "shared", filters: 24, kernelSize: 3, padding: 0, bias: false });
  const sum = add(batchNorm(shared, { name: "norm" }), shared, { name: "sum" });
  const pooled = maxPool(sum, { name: "pool", kernelSize: 3, stride: 2, padding: 1 });
  const half = padShortcut(pooled, { name: "pad", filters: 27, stride: 2 });
  const row = flatten(celu(half, { name: "celu", alpha: 0.5 }), { name: "row" });
  return defineModel(linear(row, { name: "fc", features: 5, bias: false }), { name: "odd" });
}

/** By family. */
export const EXPORTED_MODELS: Readonly<Record<string, Model>> = {
  "the tutorial's": resnet([1, 1], { inputSize: 56, widths: [8, 16] }),
  "torchvision's bottlenecks": resnet([1, 1], {
    inputSize: 32,
    widths: [8, 16],
    block: "bottleneck",
    naming: "torchvision",
  }),
  "CIFAR": resnet([1, 1, 1], { stem: "cifar", widths: [4, 7, 12], dropout: 0.5, stochasticDepth: 0.2 }),
  "pre-activation": resnet([2, 1], { stem: "cifar", widths: [4, 8], block: "preActivation" }),
  "pre-activation bottlenecks": resnet([1, 1], {
    stem: "cifar",
    widths: [4, 8],
    block: "preActivationBottleneck",
    shortcut: "projection",
  }),
  "fast": fastResnet({ widths: [8, 16, 24] }),
  "fast with CELU": fastResnet({ widths: [8, 16, 24], celuAlpha: 0.3 }),
  "ResNeXt": resnet([1, 1], {
    inputSize: 32,
    widths: [16, 32],
    block: "bottleneck",
    groups: 4,
    widthPerGroup: 8,
  }),
  "ResNet-D": resnet([1, 1], {
    inputSize: [48, 32],
    widths: [8, 16],
    stem: "deep",
    shortcut: "average",
    block: "bottleneck",
  }),
  "wide": resnet([1, 1], {
    stem: "cifar",
    channels: 1,
    stemFilters: 4,
    widths: [16, 32],
    block: "preActivation",
    shortcut: "projection",
  }),
  "odd": oddModel(),
};

/** Initial values, with statistics, factors and offsets that are not those of the beginning. */
export function trainedArrays(model: Model): Arrays {
  const roles = parameterRoles(model);
  const moved = (arrays: Arrays["params"]): Record<string, FloatArray> =>
    Object.fromEntries(
      Object.entries(arrays).map(([name, { shape, data }]) => {
        const role = roles[name];
        const isKernel = role === "convKernel" || role === "linearWeight";
        const change = uniform(stream(7, name), data.length, isKernel ? 0.01 : 0.4);
        return [name, { shape, data: data.map((value, i) => value + change[i]) }];
      }),
    );
  const { params, batchStats } = initArrays(model, 3);
  return { params: moved(params), batchStats: moved(batchStats) };
}

/** Numbers from -2 to 2 as images of a model, `[n, h, w, c]`. */
export function someImages(
  model: Model,
  n: number,
): { shape: [number, number, number, number]; data: Float32Array } {
  const [height, width, channels] = model.input.shape;
  const data = uniform(stream(n, model.name), n * height * width * channels, 2);
  return { shape: [n, height, width, channels], data };
}

/** What `apply` makes of images. */
export function logitsOf(model: Model, arrays: Arrays, images: FloatArray): Float32Array {
  return tf.tidy(() => {
    const variables = toTensors(arrays);
    const x = tf.tensor(images.data, [...images.shape]);
    return apply(model, variables, x, { train: false })[0].dataSync<"float32">();
  });
}

/** The largest difference between numbers, as a part of the largest of them. */
export function relativeDifference(found: Float32Array, expected: Float32Array): number {
  if (found.length !== expected.length) return Infinity;
  const largest = Math.max(...expected.map(Math.abs));
  return Math.max(...expected.map((value, i) => Math.abs(found[i] - value))) / largest;
}
