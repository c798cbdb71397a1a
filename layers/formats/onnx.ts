/**
 * A network in ONNX, the format of ONNX Runtime and of most converters: https://onnx.ai, onnx/onnx on GitHub.
 *
 * Operators are those of opset 17, whose file version is 8 (onnx's docs/Versioning.md); images are `[n, c, h, w]`, as
 * its readers expect them.
 */
import protobuf from "protobufjs";
import { VERSION } from "../../runtime/system/package.ts";
import type { Model } from "../model.ts";
import type { Node } from "../nodes/node.ts";
import type { Arrays, FloatArray } from "../readers/arrays.ts";
import { type ExportOptions, forExport, INPUT, refuseCustom } from "../readers/export.ts";
import { toInt8 } from "./int8.ts";
import { toPyTorch } from "./pytorch.ts";

/** The fields that are used here, numbered as in onnx/onnx.proto, whose syntax tells an absent number from 0. */
const { root } = protobuf.parse(
  `
syntax = "proto2";
message AttributeProto { optional string name = 1; optional float f = 2; optional int64 i = 3; repeated int64 ints = 8; optional int32 type = 20; }
message NodeProto {
  repeated string input = 1;
  repeated string output = 2;
  optional string name = 3;
  optional string op_type = 4;
  repeated AttributeProto attribute = 5;
}
message TensorProto { repeated int64 dims = 1; optional int32 data_type = 2; optional string name = 8; optional bytes raw_data = 9; }
message Dimension { oneof value { int64 dim_value = 1; string dim_param = 2; } }
message TensorShapeProto { repeated Dimension dim = 1; }
message TensorTypeProto { optional int32 elem_type = 1; optional TensorShapeProto shape = 2; }
message TypeProto { optional TensorTypeProto tensor_type = 1; }
message ValueInfoProto { optional string name = 1; optional TypeProto type = 2; }
message GraphProto {
  repeated NodeProto node = 1;
  optional string name = 2;
  repeated TensorProto initializer = 5;
  repeated ValueInfoProto input = 11;
  repeated ValueInfoProto output = 12;
}
message OperatorSetIdProto { optional string domain = 1; optional int64 version = 2; }
message StringStringEntryProto { optional string key = 1; optional string value = 2; }
message ModelProto {
  optional int64 ir_version = 1;
  optional string producer_name = 2;
  optional string producer_version = 3;
  optional GraphProto graph = 7;
  repeated OperatorSetIdProto opset_import = 8;
  repeated StringStringEntryProto metadata_props = 14;
}
`,
  { keepCase: true },
);
const modelProto = root.lookupType("ModelProto");

const OPSET = 17;
const IR_VERSION = 8;

/** `AttributeProto.AttributeType`. */
const ATTRIBUTE = { float: 1, int: 2, ints: 7 } as const;

/** `TensorProto.DataType`. */
const FLOAT = 1;
const INT8 = 3;
const INT64 = 7;

/** How a network is written in ONNX. */
export interface OnnxOptions extends ExportOptions {
  /**
   * Whether the weights of convolutions and linear layers are whole numbers of 8 bits, with one scale an output channel:
   * a quarter of the size. They are made float32 again before they are used. False unless given.
   */
  readonly int8?: boolean;
}

type Attribute =
  | { name: string; type: typeof ATTRIBUTE.int; i: number }
  | { name: string; type: typeof ATTRIBUTE.float; f: number }
  | { name: string; type: typeof ATTRIBUTE.ints; ints: readonly number[] };

/** What an operator is told, by name; whole numbers are ints, `{ float }` is one that need not be. */
type Attributes = Readonly<Record<string, number | readonly number[] | { readonly float: number }>>;

interface OnnxNode {
  readonly name: string;
  readonly op_type: string;
  readonly input: readonly string[];
  readonly output: readonly string[];
  readonly attribute: readonly Attribute[];
}

interface Initializer {
  readonly name: string;
  readonly dims: readonly number[];
  readonly data_type: number;
  readonly raw_data: Uint8Array;
}

/** A graph that grows. Names of values are a layer's name, a slash and what the value is: no parameter has such a name. */
class Graph {
  readonly nodes: OnnxNode[] = [];
  readonly initializers: Initializer[] = [];
  readonly #weights: Readonly<Record<string, FloatArray>>;
  readonly #int8: boolean;
  readonly normalize: ExportOptions["normalize"];

  constructor(weights: Readonly<Record<string, FloatArray>>, { int8 = false, normalize }: OnnxOptions) {
    this.#weights = weights;
    this.#int8 = int8;
    this.normalize = normalize;
  }

  /** An operator of a layer; gives the name of its output. */
  add(layer: string, op: string, input: readonly string[], attributes: Attributes = {}): string {
    const name = `${layer}/${op}`;
    const attribute = Object.entries(attributes).map(([name, value]): Attribute => {
      if (typeof value === "number") return { name, type: ATTRIBUTE.int, i: value };
      return "float" in value
        ? { name, type: ATTRIBUTE.float, f: value.float }
        : { name, type: ATTRIBUTE.ints, ints: value };
    });
    this.nodes.push({ name, op_type: op, input, output: [name], attribute });
    return name;
  }

  constant(name: string, dims: readonly number[], data: Float32Array | Int8Array | BigInt64Array): string {
    const data_type = data instanceof Float32Array ? FLOAT : data instanceof Int8Array ? INT8 : INT64;
    const raw_data = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    this.initializers.push({ name, dims, data_type, raw_data });
    return name;
  }

  /** A vector of a layer. */
  vector(name: string): string {
    const { shape, data } = this.#weights[name];
    return this.constant(name, shape, data);
  }

  /** A layer's `weight`, output channels first. */
  weight(layer: string): string {
    const name = `${layer}.weight`;
    if (!this.#int8) return this.vector(name);
    const weights = this.#weights[name];
    const { values, scales } = toInt8(weights, 0);
    const inputs = [
      this.constant(`${name}/int8`, weights.shape, values),
      this.constant(`${name}/scale`, [scales.length], scales),
    ];
    return this.add(name, "DequantizeLinear", inputs, { axis: 0 });
  }

  /** The weight of a layer, and its bias if it has one. */
  weights({ name, cfg }: { readonly name: string; readonly cfg: { readonly bias: boolean } }): string[] {
    return [this.weight(name), ...(cfg.bias ? [this.vector(`${name}.bias`)] : [])];
  }
}

/** Writes a layer; gives the name of its value. */
type Writer<N extends Node> = (node: N, inputs: readonly string[], graph: Graph) => string;

const square = (size: number): readonly number[] => [size, size];
const pads = (padding: number): readonly number[] => [padding, padding, padding, padding];

const WRITERS: { readonly [Op in Node["op"]]: Writer<Extract<Node, { op: Op }>> } = {
  input: (_, __, graph) => {
    if (graph.normalize === undefined) return INPUT;
    const byChannel = (what: "mean" | "std"): string => {
      const values = Float32Array.from(graph.normalize![what], (value) => value * 255);
      return graph.constant(`${INPUT}/${what}`, [1, values.length, 1, 1], values);
    };
    return graph.add(INPUT, "Div", [graph.add(INPUT, "Sub", [INPUT, byChannel("mean")]), byChannel("std")]);
  },
  conv: (node, [x], graph) => {
    const { kernelSize, stride, padding, groups } = node.cfg;
    return graph.add(node.name, "Conv", [x, ...graph.weights(node)], {
      kernel_shape: square(kernelSize),
      strides: square(stride),
      pads: pads(padding),
      group: groups,
    });
  },
  batchNorm: ({ name, cfg }, [x], graph) => {
    const vectors = ["weight", "bias", "running_mean", "running_var"].map((suffix) =>
      graph.vector(`${name}.${suffix}`)
    );
    return graph.add(name, "BatchNormalization", [x, ...vectors], { epsilon: { float: cfg.epsilon } });
  },
  relu: ({ name }, inputs, graph) => graph.add(name, "Relu", inputs),
  celu: ({ name, cfg }, inputs, graph) => graph.add(name, "Celu", inputs, { alpha: { float: cfg.alpha } }),
  maxPool: ({ name, cfg: { kernelSize, stride, padding } }, inputs, graph) =>
    graph.add(name, "MaxPool", inputs, {
      kernel_shape: square(kernelSize),
      strides: square(stride),
      pads: pads(padding),
    }),
  avgPool: ({ name, cfg: { kernelSize, stride } }, inputs, graph) =>
    graph.add(name, "AveragePool", inputs, { kernel_shape: square(kernelSize), strides: square(stride) }),
  globalAvgPool: ({ name }, inputs, graph) => graph.add(name, "GlobalAveragePool", inputs),
  flatten: ({ name }, inputs, graph) => graph.add(name, "Flatten", inputs, { axis: 1 }),
  linear: (node, [x], graph) => graph.add(node.name, "Gemm", [x, ...graph.weights(node)], { transB: 1 }),
  add: ({ name }, inputs, graph) => graph.add(name, "Add", inputs),
  dropout: (_, [x]) => x,
  stochasticDepth: (_, [x]) => x,
  padShortcut: (
    { name, cfg: { stride, channelsBefore, channelsAfter }, inputs: [{ shape }] },
    [x],
    graph,
  ) => {
    const int64s = (what: string, values: readonly number[]): string =>
      graph.constant(`${name}/${what}`, [values.length], BigInt64Array.from(values, BigInt));
    const taken = stride === 1 ? x : graph.add(name, "Slice", [
      x,
      int64s("starts", [0, 0]),
      int64s("ends", shape.slice(0, 2)),
      int64s("axes", [2, 3]),
      int64s("steps", [stride, stride]),
    ]);
    const zeros = int64s("pads", [0, channelsBefore, 0, 0, 0, channelsAfter, 0, 0]);
    return graph.add(name, "Pad", [taken, zeros]);
  },
  scale: ({ name, cfg }, [x], graph) =>
    graph.add(name, "Mul", [x, graph.constant(`${name}/factor`, [], Float32Array.of(cfg.factor))]),
  custom: (node) => refuseCustom(node, "ONNX"),
};

/**
 * The bytes of an ONNX file. It computes what `apply` does in evaluation, for any number of images: `images`, float32
 * `[n, c, h, w]`, goes in, `logits` or `probabilities`, float32 `[n, classes]`, come out. Dropout and stochastic depth
 * do nothing then, and are left out.
 *
 * @param arrays All parameters and statistics of the model, in the layout of memory.
 * @param options `about` becomes the file's metadata.
 * @throws {UserError} If the model has a layer of one's own; the message names it.
 * @throws {TypeError | RangeError} If the arrays are not the model's, or the options do not fit it; see `forExport`.
 * @example
 * ```ts
 * import { encodeOnnx, initArrays, resnet } from "@resnet/deno";
 *
 * const model = resnet([1, 1, 1], { stem: "cifar" });
 * const about = { classes: JSON.stringify(["cat", "dog"]) };
 * const bytes = encodeOnnx(model, initArrays(model, 42), { about, softmax: true });
 * ```
 */
export function encodeOnnx(model: Model, arrays: Arrays, options: OnnxOptions = {}): Uint8Array<ArrayBuffer> {
  const { about = {} } = options;
  const { output, ...exported } = forExport(model, arrays, options);
  const state = toPyTorch(exported.model, exported.arrays) as Readonly<Record<string, FloatArray>>;
  const graph = new Graph(state, options);
  const values = new Map<Node, string>();
  for (const node of exported.model.nodes) {
    const inputs = node.inputs.map((input: Node) => values.get(input)!);
    values.set(node, (WRITERS[node.op] as Writer<Node>)(node, inputs, graph));
  }
  const last = values.get(exported.model.output)!;
  const end = output === "probabilities"
    ? graph.add(output, "Softmax", [last], { axis: 1 })
    : last === INPUT
    ? graph.add(output, "Identity", [last])
    : last;
  const named = (names: readonly string[]): string[] => names.map((name) => name === end ? output : name);
  const [height, width, channels] = model.input.shape;
  const message = modelProto.create({
    ir_version: IR_VERSION,
    producer_name: "resnet-deno",
    producer_version: VERSION,
    graph: {
      name: model.name,
      node: graph.nodes.map((node) => ({ ...node, input: named(node.input), output: named(node.output) })),
      initializer: graph.initializers,
      input: [valueInfo(INPUT, [channels, height, width])],
      output: [valueInfo(output, mapFirst(model.output.shape))],
    },
    opset_import: [{ domain: "", version: OPSET }],
    metadata_props: Object.entries(about).map(([key, value]) => ({ key, value })),
  });
  return new Uint8Array(modelProto.encode(message).finish());
}

/** A shape with its channels first. */
function mapFirst(shape: readonly number[]): readonly number[] {
  return [...shape.slice(-1), ...shape.slice(0, -1)];
}

function valueInfo(name: string, shape: readonly number[]): object {
  const dim = [{ dim_param: "n" }, ...shape.map((dim_value) => ({ dim_value }))];
  return { name, type: { tensor_type: { elem_type: FLOAT, shape: { dim } } } };
}
