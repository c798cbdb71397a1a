/**
 * The protocol buffers of a profile: the graph that calls a traced function, and what TensorFlow says of its run.
 * Field numbers are those of TensorFlow's own files: core/framework/graph.proto, node_def.proto, attr_value.proto,
 * tensor_shape.proto, step_stats.proto, tensor_description.proto and core/protobuf/config.proto, rewriter_config.proto.
 */
import protobuf from "protobufjs";

const { root } = protobuf.parse(`
syntax = "proto3";
message Dim { int64 size = 1; }
message TensorShapeProto { repeated Dim dim = 2; }
message AttrValue { int32 type = 6; TensorShapeProto shape = 7; }
message NodeDef { string name = 1; string op = 2; repeated string input = 3; map<string, AttrValue> attr = 5; }
message NodeWiring { string name = 1; string op = 2; repeated string input = 3; }
message FunctionDefLibrary { repeated bytes function = 1; }
message VersionDef { int32 producer = 1; }
message GraphDef { repeated NodeDef node = 1; FunctionDefLibrary library = 2; VersionDef versions = 4; }
message GraphWiring { repeated NodeWiring node = 1; }
message RewriterConfig { int32 min_graph_nodes = 17; }
message GraphOptions { RewriterConfig rewrite_options = 10; }
message ConfigProto { GraphOptions graph_options = 10; }
message RunOptions { int32 trace_level = 1; bool output_partition_graphs = 5; }
message TensorDescription { int32 dtype = 1; TensorShapeProto shape = 2; }
message NodeOutput { TensorDescription tensor_description = 3; }
message NodeExecStats {
  string node_name = 1;
  repeated NodeOutput output = 7;
  int64 op_start_rel_nanos = 14;
  int64 op_end_rel_nanos = 15;
}
message DeviceStepStats { repeated NodeExecStats node_stats = 2; }
message StepStats { repeated DeviceStepStats dev_stats = 1; }
message RunMetadata { StepStats step_stats = 1; repeated GraphWiring partition_graphs = 3; }
`);
const graphDef = root.lookupType("GraphDef");
const configProto = root.lookupType("ConfigProto");
const runOptions = root.lookupType("RunOptions");
const runMetadata = root.lookupType("RunMetadata");

/** `RunOptions.TraceLevel.FULL_TRACE`. */
const FULL_TRACE = 3;

/** `TF_GRAPH_DEF_VERSION` of TensorFlow 2.21 (core/public/version.h); older readers than 2.21 are not supported. */
export const GRAPH_VERSION = 2000;

/** Name of the node that calls the function. TensorFlow inlines the function: its nodes are called `step/...`. */
export const CALL_NODE = "step";

/** An argument of a function: where it stands in what the caller passes, its type and its shape. */
export interface Argument {
  /** A valid name of a node: letters, digits, `.`, `_`, `-`, `/`. */
  readonly path: string;
  /** `TF_DataType`. */
  readonly dtype: number;
  /** Static. */
  readonly shape: readonly number[];
}

/** A `GraphDef` that feeds placeholders, one an argument and called by its path, to a function. */
export function encodeCallGraph(
  args: readonly Argument[],
  fn: { readonly name: string; readonly definition: Uint8Array },
): Uint8Array<ArrayBuffer> {
  const placeholders = args.map(({ path, dtype, shape }) => ({
    name: path,
    op: "Placeholder",
    attr: { dtype: { type: dtype }, shape: { shape: { dim: shape.map((size) => ({ size })) } } },
  }));
  const message = graphDef.create({
    node: [...placeholders, { name: CALL_NODE, op: fn.name, input: args.map(({ path }) => path) }],
    library: { function: [fn.definition] },
    versions: { producer: GRAPH_VERSION },
  });
  return new Uint8Array(graphDef.encode(message).finish());
}

/**
 * Adds to a serialised `ConfigProto` that small graphs are optimised too: the call of a function of few arguments is
 * one, and would run as a single node. Serialised messages that follow each other are one message.
 */
export function optimizeSmallGraphs(config: Uint8Array): Uint8Array<ArrayBuffer> {
  const more = configProto.encode({ graphOptions: { rewriteOptions: { minGraphNodes: -1 } } }).finish();
  const bytes = new Uint8Array(config.length + more.length);
  bytes.set(config);
  bytes.set(more, config.length);
  return bytes;
}

/** `RunOptions` that ask for the statistics of every node and for the graph as it ran. */
export function encodeTraceOptions(): Uint8Array<ArrayBuffer> {
  return new Uint8Array(runOptions.encode({ traceLevel: FULL_TRACE, outputPartitionGraphs: true }).finish());
}

/** A node of the graph that ran: TensorFlow's optimised one, not the one that was traced. */
export interface RunNode {
  /** An argument's path, or the traced node's name, or one that TensorFlow made of it. */
  readonly name: string;
  /** TensorFlow's name of the kernel, e.g. `_MklNativeConv2D`. */
  readonly op: string;
  /** The nodes whose outputs it takes. */
  readonly inputs: readonly string[];
  /** `TF_DataType` and shape of its first output, where it has one. */
  readonly output?: { readonly dtype: number; readonly shape: readonly number[] };
  /** Milliseconds that its kernel took. */
  readonly ms: number;
}

interface Metadata {
  stepStats: {
    devStats: {
      nodeStats: {
        nodeName: string;
        output: { tensorDescription: { dtype: number; shape: { dim: { size: number }[] } | null } | null }[];
        opStartRelNanos: number;
        opEndRelNanos: number;
      }[];
    }[];
  } | null;
  partitionGraphs: { node: { name: string; op: string; input: string[] }[] }[];
}

/** Decodes a `RunMetadata`: every node of the graph that ran, with its time. */
export function decodeRun(bytes: Uint8Array): RunNode[] {
  const decoded = runMetadata.toObject(runMetadata.decode(bytes), {
    longs: Number,
    defaults: true,
    arrays: true,
  }) as Metadata;
  const stats = (decoded.stepStats?.devStats ?? []).flatMap(({ nodeStats }) => nodeStats);
  const byName = new Map(stats.map((stat) => [stat.nodeName, stat]));
  return decoded.partitionGraphs.flatMap(({ node }) => node).map(({ name, op, input }) => {
    const stat = byName.get(name);
    const description = stat?.output[0]?.tensorDescription;
    return {
      name: plainName(name),
      op,
      inputs: input.filter((source) => !source.startsWith("^")).map((source) => plainName(producer(source))),
      ...(description?.shape &&
        { output: { dtype: description.dtype, shape: description.shape.dim.map(({ size }) => size) } }),
      ms: stat === undefined ? 0 : (stat.opEndRelNanos - stat.opStartRelNanos) / 1e6,
    };
  });
}

/** The node of an input such as `name:1`. */
function producer(input: string): string {
  return input.replace(/:\d+$/, "");
}

/** A node's name without what the session puts round it: `_arg_PATH_0_12` for an argument, `step/` for the rest. */
function plainName(name: string): string {
  return name.match(/^_arg_(.+)_0_\d+$/)?.[1] ?? name.replace(new RegExp(`^${CALL_NODE}/`), "");
}
