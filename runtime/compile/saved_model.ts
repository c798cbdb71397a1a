/** A pure function of tensors as a SavedModel, for TensorFlow in Python, TensorFlow Serving, its converters, and `tf.node`. */
import * as tfjs from "@tensorflow/tfjs";
import protobuf from "protobufjs";
import { runtime } from "../binding/backend.ts";
import { Trace } from "../binding/trace.ts";
import { UserError } from "../system/errors.ts";
import { forElsewhere } from "./elsewhere.ts";
import { compile } from "./jit.ts";
import { GRAPH_VERSION } from "./step_stats.ts";
import { flatten } from "./structure.ts";

/**
 * The fields that are used here, numbered as in tensorflow/core/protobuf/{saved_model,meta_graph}.proto and
 * tensorflow/core/framework/{function,graph,node_def,op_def,attr_value,tensor,tensor_shape,versions}.proto. Attributes
 * of nodes are handed on as bytes.
 */
const { root } = protobuf.parse(`
syntax = "proto3";
message ArgDef { string name = 1; }
message OpDef { repeated ArgDef input_arg = 2; repeated ArgDef output_arg = 3; }
message NodeDef { string name = 1; string op = 2; repeated string input = 3; map<string, bytes> attr = 5; }
message FunctionDef { OpDef signature = 1; repeated NodeDef node_def = 3; map<string, string> ret = 4; }
message Dim { int64 size = 1; }
message Shape { repeated Dim dim = 2; }
message Tensor { int32 dtype = 1; Shape tensor_shape = 2; bytes tensor_content = 4; repeated int32 int_val = 7; }
message ListValue { repeated int32 type = 6; }
message AttrValue {
  oneof value { ListValue list = 1; int64 i = 3; int32 type = 6; Shape shape = 7; Tensor tensor = 8; }
}
message VersionDef { int32 producer = 1; }
message GraphDef { repeated NodeDef node = 1; VersionDef versions = 4; }
message TensorInfo { string name = 1; int32 dtype = 2; Shape tensor_shape = 3; }
message SignatureDef { map<string, TensorInfo> inputs = 1; map<string, TensorInfo> outputs = 2; string method_name = 3; }
message MetaInfoDef { repeated string tags = 4; string tensorflow_version = 5; }
message MetaGraphDef { MetaInfoDef meta_info_def = 1; GraphDef graph_def = 2; map<string, SignatureDef> signature_def = 5; }
message SavedModel { int64 saved_model_schema_version = 1; repeated MetaGraphDef meta_graphs = 2; }
`);
const [functionDef, attrValue, savedModel] = ["FunctionDef", "AttrValue", "SavedModel"].map((name) =>
  root.lookupType(name)
);

interface NodeDef {
  readonly name: string;
  readonly op: string;
  readonly input: readonly string[];
  readonly attr: Readonly<Record<string, Uint8Array>>;
}

interface FunctionDef {
  readonly signature: {
    readonly inputArg: readonly { name: string }[];
    readonly outputArg: readonly { name: string }[];
  };
  readonly nodeDef: readonly NodeDef[];
  readonly ret: Readonly<Record<string, string>>;
}

/** An attribute, as far as it is read here. */
interface AttrValue {
  readonly i?: number;
  readonly list?: { readonly type?: readonly number[] };
  readonly tensor?: {
    readonly dtype: number;
    readonly tensorShape?: { readonly dim?: readonly { size: number }[] };
    readonly tensorContent?: Uint8Array;
    readonly intVal?: readonly number[];
  };
}

/** What goes into a SavedModel's function. */
export interface SavedModelInput {
  /** One length may be "n": any number, the same for all inputs, which every image or row is independent of. */
  readonly shape: readonly (number | "n")[];
  /** float32 unless given. */
  readonly dtype?: "float32" | "int32" | "bool";
}

/** Two numbers of rows: what differs between their graphs depends on it. */
const ROWS = [2, 3] as const;

/** `DT_INT32`, of the constants that are shapes. */
const INT32 = 3;

/**
 * The bytes of `saved_model.pb`, which alone makes a folder a SavedModel: `fn` as a graph with the tag `serve` and the
 * signature `serving_default`. What `fn` closes over is in it, as constants. It is traced as `jit` does; the graph has
 * TensorFlow's plain ops, none that were chosen for this machine.
 *
 * @param fn From tensors by the names of `inputs` to tensors by name. Pure.
 * @param inputs By the names that the signature has.
 * @throws {JitError} As `jit` does.
 * @throws {UserError} If an op needs the number of rows as a number, or `fn` has a loop.
 * @example
 * ```ts
 * import { tf } from "../mod.ts";
 * import { encodeSavedModel } from "./saved_model.ts";
 *
 * await tf.ready();
 * const weights = tf.ones<tf.Rank.R2>([3, 2]);
 * const inputs = { x: { shape: ["n", 3] as const } };
 * const bytes = encodeSavedModel(({ x }) => ({ y: tf.matMul(x as tf.Tensor2D, weights) }), inputs);
 * ```
 */
export function encodeSavedModel(
  fn: (inputs: Readonly<Record<string, tfjs.Tensor>>) => Record<string, tfjs.Tensor>,
  inputs: Readonly<Record<string, SavedModelInput>>,
): Uint8Array<ArrayBuffer> {
  const [few, more] = ROWS.map((rows) => traced(fn, inputs, rows));
  const names = Object.keys(inputs);
  const args = new Map(few.definition.signature.inputArg.map(({ name }, i) => [name, names[i]]));
  using opDefs = new Trace(runtime().binding.library);
  const reference = referencesIn(few.definition, args, opDefs);
  const nodes = withAnyRows(few.definition, more.definition).map((node) => ({
    ...node,
    input: node.input.map(reference),
  }));
  const dims = (shape: SavedModelInput["shape"]) => ({
    dim: shape.map((length) => ({ size: length === "n" ? -1 : length })),
  });
  const { backend } = runtime();
  const placeholders = Object.entries(inputs).map(([name, { shape, dtype = "float32" }]) => ({
    name,
    op: "Placeholder",
    input: [],
    attr: {
      dtype: attr({ type: backend.getDTypeInteger(dtype) }),
      shape: attr({ shape: dims(shape) }),
    },
  }));
  const identities = few.outputs.map(({ name, dtype }, i) => ({
    name,
    op: "Identity",
    input: [reference(few.definition.ret[few.definition.signature.outputArg[i].name])],
    attr: { T: attr({ type: dtype }) },
  }));
  const info = (name: string, dtype: number, shape: SavedModelInput["shape"]) => ({
    name: `${name}:0`,
    dtype,
    tensorShape: dims(shape),
  });
  const signature = {
    inputs: Object.fromEntries(
      Object.entries(inputs).map(([name, { shape, dtype = "float32" }]) => [
        name,
        info(name, backend.getDTypeInteger(dtype), shape),
      ]),
    ),
    outputs: Object.fromEntries(
      few.outputs.map(({ name, dtype, shape }, i) => {
        const other = more.outputs[i].shape;
        const any = shape.map((length, axis) => length === other[axis] ? length : "n" as const);
        return [name, info(name, dtype, any)];
      }),
    ),
    methodName: "tensorflow/serving/predict",
  };
  const message = savedModel.create({
    savedModelSchemaVersion: 1,
    metaGraphs: [{
      metaInfoDef: { tags: ["serve"], tensorflowVersion: runtime().binding.TF_Version },
      graphDef: { node: [...placeholders, ...nodes, ...identities], versions: { producer: GRAPH_VERSION } },
      signatureDef: { serving_default: signature },
    }],
  });
  return new Uint8Array(savedModel.encode(message).finish());
}

function attr(value: object): Uint8Array {
  return attrValue.encode(value).finish();
}

function decodeAttr(bytes: Uint8Array): AttrValue {
  return attrValue.toObject(attrValue.decode(bytes), { longs: Number }) as AttrValue;
}

/** A function traced for a number of rows. */
interface Traced {
  readonly definition: FunctionDef;
  readonly outputs: readonly { name: string; dtype: number; shape: readonly number[] }[];
}

function traced(
  fn: (inputs: Readonly<Record<string, tfjs.Tensor>>) => Record<string, tfjs.Tensor>,
  inputs: Readonly<Record<string, SavedModelInput>>,
  rows: number,
): Traced {
  const { binding } = runtime();
  const args = Object.fromEntries(
    Object.entries(inputs).map(([name, { shape, dtype = "float32" }]) => [
      name,
      tfjs.zeros(shape.map((length) => length === "n" ? rows : length), dtype),
    ]),
  );
  const { tensors, structure } = flatten([args], "argument");
  try {
    const compiled = forElsewhere(() => compile(fn, structure, tensors, {}));
    try {
      if (compiled.fn.callees.length > 0) {
        throw new UserError("Cannot write a SavedModel of a loop: write the rounds one after the other");
      }
      const bytes = binding.functionDef(compiled.fn);
      const options = { defaults: true, arrays: true, objects: true };
      return {
        definition: functionDef.toObject(functionDef.decode(bytes), options) as FunctionDef,
        outputs: namesOf(compiled.structure).map((name, i) => ({ name, ...compiled.fn.outputs[i] })),
      };
    } finally {
      binding.removeFunction(compiled.fn);
    }
  } finally {
    tfjs.dispose(tensors);
  }
}

function namesOf(structure: ReturnType<typeof compile>["structure"]): string[] {
  if (structure.kind === "record" && Object.values(structure.items).every(({ kind }) => kind === "tensor")) {
    return Object.keys(structure.items);
  }
  throw new TypeError("encodeSavedModel: the function must return tensors by name");
}

/**
 * How a graph calls what a function's body calls otherwise: there `node:output:1` is the second tensor of the list
 * `output`, here `node:3` the fourth of all outputs.
 */
function referencesIn(
  { nodeDef }: FunctionDef,
  args: ReadonlyMap<string, string>,
  opDefs: Pick<Trace, "opDef">,
): (input: string) => string {
  const nodes = new Map(nodeDef.map((node) => [node.name, node]));
  return (input) => {
    const [name, output, index = "0"] = input.split(":");
    const arg = args.get(name);
    if (arg !== undefined) return arg;
    const node = nodes.get(name);
    if (node === undefined || output === undefined) return input; // a control dependency
    const before = lengthBefore(node, output, opDefs) + Number(index);
    return before === 0 ? name : `${name}:${before}`;
  };
}

/** How many tensors an op puts out before those of one output. */
function lengthBefore(node: NodeDef, output: string, opDefs: Pick<Trace, "opDef">): number {
  let length = 0;
  for (const { name, numberAttr, typeListAttr } of opDefs.opDef(node.op).outputArg) {
    if (name === output) break;
    length += numberAttr !== ""
      ? decodeAttr(node.attr[numberAttr]).i ?? 0
      : typeListAttr !== ""
      ? decodeAttr(node.attr[typeListAttr]).list?.type?.length ?? 0
      : 1;
  }
  return length;
}

/**
 * The nodes for any number of rows. Where the graphs of two numbers differ, in the shape that a `Reshape` makes or in what
 * a `Slice` takes, the length stands that means "what is there".
 */
function withAnyRows(few: FunctionDef, more: FunctionDef): NodeDef[] {
  const others = new Map(more.nodeDef.map((node) => [node.name, node]));
  return few.nodeDef.map((node) => {
    const other = others.get(node.name);
    const isAlike = other?.op === node.op && `${other.input}` === `${node.input}`;
    if (isAlike && Object.entries(node.attr).every(([key, value]) => isEqual(value, other.attr[key]))) {
      return node;
    }
    const readers = readersOf(node, few);
    const value = isAlike && node.op === "Const" && readers.every(takesAny)
      ? anyRows(node.attr.value, other.attr.value)
      : undefined;
    if (value !== undefined) return { ...node, attr: { ...node.attr, value } };
    const { op, name } = node.op === "Const" && readers.length > 0 ? readers[0].node : node;
    throw new UserError(
      `Cannot write a SavedModel for any number of images: ${op} (${name}) needs to know how many; ` +
        "write that layer with ops that do not",
    );
  });
}

/** The nodes that read one, and as which of their inputs. */
function readersOf({ name }: NodeDef, { nodeDef }: FunctionDef): { node: NodeDef; place: number }[] {
  return nodeDef.flatMap((node) =>
    node.input.flatMap((input, place) => input.split(":")[0] === name ? [{ node, place }] : [])
  );
}

/** Whether an input may hold -1, for as much as there is. */
function takesAny({ node: { op }, place }: { node: NodeDef; place: number }): boolean {
  return op === "Reshape" && place === 1 || op === "Slice" && place === 2;
}

/** A constant with -1 in the one place where two differ, as the numbers of rows do; nothing if they differ otherwise. */
function anyRows(few: Uint8Array, more: Uint8Array): Uint8Array | undefined {
  const [one, other] = [few, more].map((bytes) => lengthsOf(decodeAttr(bytes)));
  if (one?.length !== other?.length || one === undefined || other === undefined) return undefined;
  const places = [...one.keys()].filter((i) => one[i] !== other[i]);
  const [place] = places;
  if (places.length !== 1 || one[place] * ROWS[1] !== other[place] * ROWS[0]) return undefined;
  const lengths = one.with(place, -1);
  const tensorContent = new Uint8Array(lengths.buffer);
  const { dtype, tensorShape } = decodeAttr(few).tensor!;
  return attr({ tensor: { dtype, tensorShape, tensorContent } });
}

/** The values of a constant that may be a shape. */
function lengthsOf({ tensor }: AttrValue): Int32Array<ArrayBuffer> | undefined {
  if (tensor?.dtype !== INT32) return undefined;
  const { tensorContent, intVal = [] } = tensor;
  return tensorContent?.length
    ? new Int32Array(new Uint8Array(tensorContent).buffer)
    : Int32Array.from(intVal);
}

function isEqual(a: Uint8Array, b: Uint8Array | undefined): boolean {
  return b !== undefined && a.length === b.length && a.every((byte, i) => byte === b[i]);
}
