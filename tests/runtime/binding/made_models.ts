/** SavedModels for tests, written from TensorFlow's own protocol buffers without TensorFlow. */
import { join } from "@std/path";
import protobuf from "protobufjs";
import { DType } from "../../../runtime/binding/dtypes.ts";

/**
 * The fields that are used here, numbered as in tensorflow/core/protobuf/{saved_model,meta_graph,saver}.proto and
 * tensorflow/core/framework/{graph,node_def,attr_value,tensor,tensor_shape,versions}.proto.
 */
const { root } = protobuf.parse(`
syntax = "proto3";
message SavedModel { int64 saved_model_schema_version = 1; repeated MetaGraph meta_graphs = 2; }
message MetaGraph {
  MetaInfo meta_info_def = 1;
  Graph graph_def = 2;
  Saver saver_def = 3;
  map<string, Signature> signature_def = 5;
}
message MetaInfo { repeated string tags = 4; }
message Saver {
  string filename_tensor_name = 1;
  string save_tensor_name = 2;
  string restore_op_name = 3;
  int32 version = 7;
}
message Signature { map<string, TensorInfo> inputs = 1; map<string, TensorInfo> outputs = 2; string method_name = 3; }
message TensorInfo { string name = 1; int32 dtype = 2; Shape tensor_shape = 3; }
message Shape { repeated Dim dim = 2; bool unknown_rank = 3; }
message Dim { int64 size = 1; }
message Graph { repeated Node node = 1; Versions versions = 4; }
message Versions { int32 producer = 1; }
message Node { string name = 1; string op = 2; repeated string input = 3; map<string, Attr> attr = 5; }
message Attr {
  oneof value { List list = 1; bytes s = 2; int64 i = 3; bool b = 5; int32 type = 6; Shape shape = 7; Tensor tensor = 8; }
}
message List { repeated int32 type = 6; }
message Tensor { int32 dtype = 1; Shape tensor_shape = 2; bytes tensor_content = 4; repeated bytes string_val = 8; }
`);

/** A type by its name, as in `DType`. */
export type TypeName = keyof typeof DType;

/** A node of a graph. */
export interface GraphNode {
  readonly name: string;
  readonly op: string;
  /** Names of tensors, or of nodes with a ^ before. */
  readonly input?: readonly string[];
  readonly attr?: Readonly<Record<string, object>>;
}

/** A tensor that a signature names: where it is in the graph, and its type. */
export type Place = readonly [name: string, dtype: TypeName];

/** What can be run of a graph, by the names that a caller uses. */
export interface MadeSignature {
  readonly inputs: Readonly<Record<string, Place>>;
  readonly outputs: Readonly<Record<string, Place>>;
}

/** A graph with its tags and signatures. */
export interface MadeGraph {
  readonly tags?: readonly string[];
  readonly nodes: readonly GraphNode[];
  readonly signatures: Readonly<Record<string, MadeSignature>>;
  /** Whether the nodes of `variable` are among them, whose value is restored. */
  readonly isRestored?: boolean;
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** An attribute that is a type. */
export function typeAttr(dtype: TypeName): object {
  return { type: DType[dtype] };
}

/** A node with a type T, such as most ops have. */
export function op(name: string, op: string, input: readonly string[], dtype: TypeName): GraphNode {
  return { name, op, input, attr: { T: typeAttr(dtype) } };
}

/** What is fed: of any shape. */
export function placeholder(name: string, dtype: TypeName): GraphNode {
  return {
    name,
    op: "Placeholder",
    attr: { dtype: typeAttr(dtype), shape: { shape: { unknownRank: true } } },
  };
}

/** A scalar, of little-endian bytes. */
export function constant(name: string, dtype: TypeName, content: ArrayBufferView): GraphNode {
  const tensorContent = new Uint8Array(content.buffer, content.byteOffset, content.byteLength);
  const tensor = { dtype: DType[dtype], tensorShape: {}, tensorContent };
  return { name, op: "Const", attr: { dtype: typeAttr(dtype), value: { tensor } } };
}

/** A vector of one text. */
function text(name: string, value: string): GraphNode {
  const tensor = { dtype: DType.string, tensorShape: { dim: [{ size: 1 }] }, stringVal: [bytes(value)] };
  return { name, op: "Const", attr: { dtype: typeAttr("string"), value: { tensor } } };
}

/** The name of the variable in checkpoints. */
export const VARIABLE = "v";

/** A variable, a float32 scalar whose value is `v/read`, and what restores it from a checkpoint. */
export const variable: readonly GraphNode[] = [
  {
    name: VARIABLE,
    op: "VarHandleOp",
    attr: { dtype: typeAttr("float32"), shape: { shape: {} }, shared_name: { s: bytes(VARIABLE) } },
  },
  { name: "v/read", op: "ReadVariableOp", input: [VARIABLE], attr: { dtype: typeAttr("float32") } },
  { name: "restore/file", op: "Placeholder", attr: { dtype: typeAttr("string"), shape: { shape: {} } } },
  text("restore/names", VARIABLE),
  text("restore/slices", ""),
  {
    name: "restore/values",
    op: "RestoreV2",
    input: ["restore/file", "restore/names", "restore/slices"],
    attr: { dtypes: { list: { type: [DType.float32] } } },
  },
  {
    name: "restore/assign",
    op: "AssignVariableOp",
    input: [VARIABLE, "restore/values"],
    attr: { dtype: typeAttr("float32") },
  },
  { name: "restore", op: "NoOp", input: ["^restore/assign"] },
];

/** Where a SavedModel keeps its variables: what ops call the checkpoint's prefix. */
export function checkpointPrefix(dir: string): string {
  return join(dir, "variables", "variables");
}

function places(named: Readonly<Record<string, Place>>): object {
  return Object.fromEntries(
    Object.entries(named).map(([key, [name, dtype]]) => [
      key,
      { name, dtype: DType[dtype], tensorShape: { unknownRank: true } },
    ]),
  );
}

/** Writes `saved_model.pb` of one graph or several into a folder. */
export async function writeSavedModel(dir: string, ...graphs: readonly MadeGraph[]): Promise<void> {
  const savedModel = root.lookupType("SavedModel");
  const metaGraphs = graphs.map(({ tags = ["serve"], nodes, signatures, isRestored = false }) => ({
    metaInfoDef: { tags },
    graphDef: { node: nodes, versions: { producer: 1882 } },
    ...(isRestored && {
      saverDef: {
        filenameTensorName: "restore/file:0",
        saveTensorName: "restore/file:0",
        restoreOpName: "restore",
        version: 2, // SaverDef.V2
      },
    }),
    signatureDef: Object.fromEntries(
      Object.entries(signatures).map(([key, { inputs, outputs }]) => [
        key,
        { inputs: places(inputs), outputs: places(outputs), methodName: "tensorflow/serving/predict" },
      ]),
    ),
  }));
  const message = savedModel.fromObject({ savedModelSchemaVersion: 1, metaGraphs });
  await Deno.writeFile(join(dir, "saved_model.pb"), savedModel.encode(message).finish());
}

/** A signature with the input `x` and the output `y`, which are nodes of these names unless others are given. */
export function xToY(dtype: TypeName, [x, y] = ["x", "y"]): MadeSignature {
  return { inputs: { x: [`${x}:0`, dtype] }, outputs: { y: [`${y}:0`, dtype] } };
}

/** Writes a SavedModel that multiplies `x` by a scalar, of little-endian bytes. */
export async function writeTimes(dir: string, dtype: TypeName, factor: ArrayBufferView): Promise<void> {
  await writeSavedModel(dir, {
    nodes: [
      placeholder("x", dtype),
      constant("factor", dtype, factor),
      op("y", "Mul", ["x", "factor"], dtype),
    ],
    signatures: { serving_default: xToY(dtype) },
  });
}
