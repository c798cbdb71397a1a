/**
 * A network as a LayersModel of TensorFlow.js: `model.json` and its weights in shards, which `tf.loadLayersModel` reads in
 * Node and in browsers. All layers are tfjs' own; what it has no layer for is put together from several.
 */
import { VERSION } from "../../runtime/system/package.ts";
import type { Model } from "../model.ts";
import type { ConvNode, MaxPoolNode, Node } from "../nodes/node.ts";
import type { Arrays, FloatArray } from "../readers/arrays.ts";
import { type ExportOptions, forExport, INPUT, refuseCustom } from "../readers/export.ts";

/** How a network is written as a LayersModel. */
export interface LayersModelOptions extends ExportOptions {
  /**
   * Whether kernels are kept in 16 bits, which halves the file; they are made float32 when it is loaded. Vectors, and
   * kernels with numbers beyond a half float's 65504, stay float32. False unless given.
   */
  readonly float16?: boolean;
}

/** Bytes of a shard: what tfjs' own converter takes, so that browsers keep them in their cache. */
const SHARD_BYTES = 4 * 2 ** 20;

/** The largest number of a half float. */
const FLOAT16_MAX = 65504;

type Config = Readonly<Record<string, unknown>>;

/** An entry of the model's topology. */
interface LayerEntry {
  readonly class_name: string;
  readonly name: string;
  readonly config: Config;
  readonly inbound_nodes: readonly unknown[];
}

/** An entry of the list of weights. */
interface WeightEntry {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: "float32";
  readonly quantization?: { readonly dtype: "float16"; readonly original_dtype: "float32" };
}

/** Layers that are added one by one. */
class Topology {
  readonly layers: LayerEntry[] = [];
  readonly weights: WeightEntry[] = [];
  readonly data: Uint8Array[] = [];
  readonly arrays: Arrays;
  readonly options: LayersModelOptions;
  readonly #names = new Set<string>();

  constructor(arrays: Arrays, options: LayersModelOptions) {
    this.arrays = arrays;
    this.options = options;
  }

  /** A layer, its own weights by their names in tfjs; gives the name that it has. */
  add(
    className: string,
    name: string,
    inputs: readonly string[],
    config: Config = {},
    weights: Readonly<Record<string, FloatArray>> = {},
  ): string {
    const own = this.#unique(name);
    this.layers.push({
      class_name: className,
      name: own,
      config: { name: own, dtype: "float32", trainable: true, ...config },
      inbound_nodes: inputs.length === 0 ? [] : [inputs.map((input) => [input, 0, 0, {}])],
    });
    for (const [suffix, array] of Object.entries(weights)) this.#keep(`${own}/${suffix}`, array);
    return own;
  }

  /** A parameter of a layer. */
  param(name: string, suffix: string): FloatArray {
    return this.arrays.params[`${name}.${suffix}`];
  }

  /** A statistic of a layer. */
  statistic(name: string, suffix: string): FloatArray {
    return this.arrays.batchStats[`${name}.${suffix}`];
  }

  #keep(name: string, { shape, data }: FloatArray): void {
    const isHalf = this.options.float16 === true && shape.length > 1 &&
      data.every((value) => Math.abs(value) <= FLOAT16_MAX);
    const numbers = isHalf ? Float16Array.from(data) : data;
    this.weights.push({
      name,
      shape,
      dtype: "float32",
      ...(isHalf && { quantization: { dtype: "float16", original_dtype: "float32" } }),
    });
    this.data.push(new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength));
  }

  /** A name of characters that tfjs takes in names of variables, that no other layer has. */
  #unique(name: string): string {
    const valid = name.replace(/^[^A-Za-z0-9]/, "layer$&").replaceAll(/[^A-Za-z0-9_.-]/g, "_");
    let unique = valid;
    for (let i = 1; this.#names.has(unique); i++) unique = `${valid}_${i}`;
    this.#names.add(unique);
    return unique;
  }
}

/** Writes a layer; gives the name of the tfjs layer that has its value. */
type Writer<N extends Node> = (node: N, inputs: readonly string[], topology: Topology) => string;

/** What weights begin with before they are read: tfjs' own default is slow to draw. */
const NO_INITIALIZERS = {
  kernel_initializer: { class_name: "Zeros", config: {} },
  depthwise_initializer: { class_name: "Zeros", config: {} },
  bias_initializer: { class_name: "Zeros", config: {} },
};

const square = (size: number): readonly number[] => [size, size];
const vector = (values: Iterable<number>): FloatArray => {
  const data = Float32Array.from(values);
  return { shape: [data.length], data };
};

const WRITERS: { readonly [Op in Node["op"]]: Writer<Extract<Node, { op: Op }>> } = {
  input: ({ shape }, _, topology) => {
    const images = topology.add("InputLayer", INPUT, [], {
      batch_input_shape: [null, ...shape],
      sparse: false,
    });
    const { normalize } = topology.options;
    if (normalize === undefined) return images;
    // tfjs has no layer of a factor a channel but this one: (x - mean) / sqrt(variance + epsilon) * gamma.
    const epsilon = 1e-3;
    return topology.add("BatchNormalization", "normalize", [images], {
      axis: -1,
      epsilon,
      center: false,
      scale: true,
    }, {
      gamma: vector(normalize.std.map((value) => 1 / (255 * value))),
      moving_mean: vector(normalize.mean.map((value) => 255 * value)),
      moving_variance: vector(normalize.std.map(() => 1 - epsilon)),
    });
  },
  conv: (node, [x], topology) => writeConv(node, x, topology),
  batchNorm: ({ name, cfg: { epsilon } }, inputs, topology) =>
    topology.add("BatchNormalization", name, inputs, { axis: -1, epsilon, center: true, scale: true }, {
      gamma: topology.param(name, "weight"),
      beta: topology.param(name, "bias"),
      moving_mean: topology.statistic(name, "running_mean"),
      moving_variance: topology.statistic(name, "running_var"),
    }),
  relu: ({ name }, inputs, topology) => topology.add("ReLU", name, inputs),
  celu: ({ name, cfg: { alpha } }, inputs, topology) => {
    // alpha elu(x / alpha), which is x above 0 too.
    const divided = topology.add("Rescaling", `${name}.in`, inputs, { scale: 1 / alpha, offset: 0 });
    const elu = topology.add("ELU", name, [divided], { alpha: 1 });
    return topology.add("Rescaling", `${name}.out`, [elu], { scale: alpha, offset: 0 });
  },
  maxPool: (node, [x], topology) => {
    const { name, cfg: { kernelSize, stride } } = node;
    return topology.add("MaxPooling2D", name, [padForMaximum(node, x, topology)], {
      pool_size: square(kernelSize),
      strides: square(stride),
      padding: "valid",
      data_format: "channels_last",
    });
  },
  avgPool: ({ name, cfg: { kernelSize, stride } }, inputs, topology) =>
    topology.add("AveragePooling2D", name, inputs, {
      pool_size: square(kernelSize),
      strides: square(stride),
      padding: "valid",
      data_format: "channels_last",
    }),
  globalAvgPool: ({ name, shape }, inputs, topology) => {
    const means = topology.add("GlobalAveragePooling2D", name, inputs, { data_format: "channels_last" });
    return topology.add("Reshape", `${name}.map`, [means], { target_shape: shape });
  },
  flatten: ({ name, inputs: [{ shape: [height, width] }] }, [x], topology) => {
    const isRow = height * width! === 1;
    const channelsFirst = isRow ? x : topology.add("Permute", `${name}.chw`, [x], { dims: [3, 1, 2] });
    return topology.add("Flatten", name, [channelsFirst], { data_format: "channels_last" });
  },
  linear: ({ name, cfg: { features, bias } }, inputs, topology) =>
    topology.add("Dense", name, inputs, {
      units: features,
      activation: "linear",
      use_bias: bias,
      ...NO_INITIALIZERS,
    }, { kernel: topology.param(name, "weight"), ...(bias && { bias: topology.param(name, "bias") }) }),
  add: ({ name }, inputs, topology) => topology.add("Add", name, inputs),
  dropout: (_, [x]) => x,
  stochasticDepth: (_, [x]) => x,
  padShortcut: ({ name, cfg: { stride, channelsBefore, channelsAfter } }, [x], topology) => {
    const taken = stride === 1 ? x : topology.add("AveragePooling2D", `${name}.taken`, [x], {
      pool_size: [1, 1],
      strides: square(stride),
      padding: "valid",
      data_format: "channels_last",
    });
    // Channels in the place of columns, where zeros can be put around.
    const turned = topology.add("Permute", `${name}.turned`, [taken], { dims: [1, 3, 2] });
    const padded = topology.add("ZeroPadding2D", name, [turned], {
      padding: [[0, 0], [channelsBefore, channelsAfter]],
      data_format: "channels_last",
    });
    return topology.add("Permute", `${name}.back`, [padded], { dims: [1, 3, 2] });
  },
  scale: ({ name, cfg: { factor } }, inputs, topology) =>
    topology.add("Rescaling", name, inputs, { scale: factor, offset: 0 }),
  custom: (node) => refuseCustom(node, "a LayersModel"),
};

function zeroPadding(name: string, x: string, padding: number, topology: Topology): string {
  return topology.add("ZeroPadding2D", name, [x], {
    padding: [square(padding), square(padding)],
    data_format: "channels_last",
  });
}

function writeConv(node: ConvNode, x: string, topology: Topology): string {
  const { name, cfg: { filters, kernelSize, stride, padding, groups, bias } } = node;
  const isSame = stride === 1 && kernelSize === 2 * padding + 1;
  const from = isSame || padding === 0 ? x : zeroPadding(`${name}.pad`, x, padding, topology);
  const window = {
    kernel_size: square(kernelSize),
    strides: square(stride),
    padding: isSame ? "same" : "valid",
    data_format: "channels_last",
    dilation_rate: [1, 1],
    activation: "linear",
    use_bias: bias,
    ...NO_INITIALIZERS,
  };
  const kernel = topology.param(name, "weight");
  const offset = bias ? topology.param(name, "bias") : undefined;
  if (groups === 1) {
    return topology.add("Conv2D", name, [from], { filters, ...window }, {
      kernel,
      ...(offset && { bias: offset }),
    });
  }
  // tfjs has no groups: each channel by itself with all filters of its group, then the mean over the group's channels.
  const [channels, filtersOfGroup] = [kernel.shape[2], filters / groups];
  const depthwise = { depth_multiplier: filtersOfGroup, ...window };
  const each = topology.add("DepthwiseConv2D", name, [from], depthwise, {
    depthwise_kernel: depthwiseKernel(kernel, groups),
    ...(offset && { bias: depthwiseBias(offset, channels, groups) }),
  });
  if (channels === 1) return each;
  const [height, width] = node.shape;
  const rows = topology.add("Reshape", `${name}.groups`, [each], {
    target_shape: [height * width * groups, channels, filtersOfGroup],
  });
  const means = topology.add("AveragePooling2D", `${name}.means`, [rows], {
    pool_size: [1, channels],
    strides: [1, channels],
    padding: "valid",
    data_format: "channels_last",
  });
  return topology.add("Reshape", `${name}.map`, [means], { target_shape: node.shape });
}

/**
 * The kernel `[kh, kw, c / groups, filters]` as one of each channel by itself, `[kh, kw, c, filters / groups]`, times the
 * channels of a group, over which the mean will be taken.
 */
function depthwiseKernel({ shape, data }: FloatArray, groups: number): FloatArray {
  const [height, width, channels, filters] = shape;
  const filtersOfGroup = filters / groups;
  const result = new Float32Array(data.length);
  let written = 0;
  for (let pixel = 0; pixel < height * width; pixel++) {
    for (let group = 0; group < groups; group++) {
      for (let channel = 0; channel < channels; channel++) {
        const start = (pixel * channels + channel) * filters + group * filtersOfGroup;
        for (let i = 0; i < filtersOfGroup; i++) result[written++] = channels * data[start + i];
      }
    }
  }
  return { shape: [height, width, channels * groups, filtersOfGroup], data: result };
}

/** The bias `[filters]` for each channel by itself, `[c * filters / groups]`: the mean over equal ones is one of them. */
function depthwiseBias({ data }: FloatArray, channels: number, groups: number): FloatArray {
  const filtersOfGroup = data.length / groups;
  const ofGroup = (group: number): Float32Array =>
    data.subarray(group * filtersOfGroup, (group + 1) * filtersOfGroup);
  return vector(
    Array.from({ length: channels * groups }, (_, channel) => [...ofGroup(Math.floor(channel / channels))])
      .flat(),
  );
}

/**
 * What padding holds instead of minus infinity, which tfjs cannot pad with: a number that half floats have too, in which
 * some phones compute.
 */
const LOWEST = -60000;

/** A map with padding that no maximum is taken from. Behind a relu zeros are such. */
function padForMaximum(node: MaxPoolNode, x: string, topology: Topology): string {
  const { name, cfg: { padding }, inputs: [source] } = node;
  if (padding === 0) return x;
  const padded = zeroPadding(`${name}.pad`, x, padding, topology);
  if (source.op === "relu") return padded;
  // Ones with zeros around, times -LOWEST plus LOWEST: nothing inside, LOWEST around.
  const ones = topology.add("Rescaling", `${name}.ones`, [x], { scale: 0, offset: 1 });
  const inside = zeroPadding(`${name}.inside`, ones, padding, topology);
  const around = topology.add("Rescaling", `${name}.around`, [inside], { scale: -LOWEST, offset: LOWEST });
  return topology.add("Add", `${name}.padded`, [padded, around]);
}

/**
 * The files of a LayersModel, by name: `model.json` and shards of at most 4 MiB. It computes what `apply` does in
 * evaluation, for any number of images: `images`, float32 `[n, h, w, c]`, goes in, logits or probabilities, float32
 * `[n, classes]`, come out. Dropout and stochastic depth do nothing then, and are left out.
 *
 * A convolution in groups becomes a depthwise one and means, CELU a scaled ELU, the padding of a maximum whose input may be
 * negative a sum with -60000 (so that numbers below do not win either), the parameter-free shortcut a padding of its
 * channels.
 *
 * @param arrays All parameters and statistics of the model, in the layout of memory.
 * @param options `about` becomes the model's `userDefinedMetadata`.
 * @throws {UserError} If the model has a layer of one's own; the message names it.
 * @throws {TypeError | RangeError} If the arrays are not the model's, or the options do not fit it; see `forExport`.
 * @example
 * ```ts
 * import { encodeLayersModel, initArrays, resnet } from "@resnet/deno";
 *
 * const model = resnet([1, 1, 1], { stem: "cifar" });
 * const files = encodeLayersModel(model, initArrays(model, 42), { float16: true });
 * Object.keys(files); // ["model.json", "group1-shard1of1.bin"]
 * ```
 */
export function encodeLayersModel(
  model: Model,
  arrays: Arrays,
  options: LayersModelOptions = {},
): Record<string, Uint8Array<ArrayBuffer>> {
  const { output, ...exported } = forExport(model, arrays, options);
  const topology = new Topology(exported.arrays, options);
  const names = new Map<Node, string>();
  for (const node of exported.model.nodes) {
    const inputs = node.inputs.map((input: Node) => names.get(input)!);
    names.set(node, (WRITERS[node.op] as Writer<Node>)(node, inputs, topology));
  }
  const last = names.get(exported.model.output)!;
  const end = output === "probabilities" ? topology.add("Softmax", output, [last], { axis: -1 }) : last;
  const shards = inShards(topology.data);
  const paths = shards.map((_, i) => `group1-shard${i + 1}of${shards.length}.bin`);
  const json = {
    format: "layers-model",
    generatedBy: `resnet-deno ${VERSION}`,
    convertedBy: null,
    ...(options.about && { userDefinedMetadata: options.about }),
    modelTopology: {
      class_name: "Model",
      config: {
        name: model.name,
        layers: topology.layers,
        input_layers: [[INPUT, 0, 0]],
        output_layers: [[end, 0, 0]],
      },
      keras_version: "tfjs-layers 4.22.0",
      backend: "tensor_flow.js",
    },
    weightsManifest: [{ paths, weights: topology.weights }],
  };
  return {
    "model.json": new TextEncoder().encode(JSON.stringify(json)),
    ...Object.fromEntries(paths.map((path, i) => [path, shards[i]])),
  };
}

/** All bytes in a row, cut into shards. */
function inShards(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer>[] {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  const count = Math.ceil(bytes.length / SHARD_BYTES);
  return Array.from({ length: count }, (_, i) => bytes.slice(i * SHARD_BYTES, (i + 1) * SHARD_BYTES));
}
