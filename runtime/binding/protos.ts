/**
 * The few protocol buffers that the C API takes or gives as bytes, with only the fields used here.
 * Field numbers are those of TensorFlow's own files: core/protobuf/config.proto, cluster.proto and tensorflow_server.proto,
 * core/framework/op_def.proto, and for TensorBoard core/util/event.proto and core/framework/summary.proto. Unknown fields
 * are skipped on reading, as protocol buffers promise.
 */
import protobuf from "protobufjs";

const { root } = protobuf.parse(`
syntax = "proto3";
message GPUOptions { bool allow_growth = 4; string visible_device_list = 5; }
message ConfigProto {
  map<string, int32> device_count = 1;
  int32 intra_op_parallelism_threads = 2;
  GPUOptions gpu_options = 6;
  bool allow_soft_placement = 7;
  message Experimental { string collective_group_leader = 1; bool collective_nccl = 7; }
  Experimental experimental = 16;
}
message JobDef { string name = 1; map<int32, string> tasks = 2; }
message ClusterDef { repeated JobDef job = 1; }
message ServerDef {
  ClusterDef cluster = 1;
  string job_name = 2;
  int32 task_index = 3;
  ConfigProto default_session_config = 4;
  string protocol = 5;
}
message ArgDef { string name = 1; string type_attr = 4; string number_attr = 5; string type_list_attr = 6; }
message OpDef { string name = 1; repeated ArgDef input_arg = 2; repeated ArgDef output_arg = 3; bool is_stateful = 17; }
message SessionLog { int32 status = 1; }
message Event { double wall_time = 1; int64 step = 2; SessionLog session_log = 7; }
message PluginData { string plugin_name = 1; }
message SummaryMetadata { PluginData plugin_data = 1; }
`);
const configProto = root.lookupType("ConfigProto");
const serverDef = root.lookupType("ServerDef");
const opDef = root.lookupType("OpDef");
const event = root.lookupType("Event");
const summaryMetadata = root.lookupType("SummaryMetadata");

/** The settings of a session or of one call. */
export interface Config {
  /** How many devices of each type may be used, e.g. `{ GPU: 0 }`. */
  deviceCount?: Record<string, number>;
  /** Which GPUs may be used, by their numbers; all unless given. */
  visibleGpus?: readonly number[];
  /** Threads of one kernel; 0 or absent lets TensorFlow choose (one per core). */
  threads?: number;
  /** The task that brings the members of a collective together, where there are several processes. */
  groupLeader?: string;
}

/** Encodes a `ConfigProto`. */
export function encodeConfig(config: Config): Uint8Array<ArrayBuffer> {
  return new Uint8Array(configProto.encode(configOf(config)).finish());
}

function configOf({ deviceCount = {}, visibleGpus, threads = 0, groupLeader }: Config): protobuf.Message {
  return configProto.create({
    deviceCount,
    intraOpParallelismThreads: threads,
    gpuOptions: { allowGrowth: true, ...(visibleGpus && { visibleDeviceList: visibleGpus.join() }) },
    allowSoftPlacement: true,
    ...(groupLeader !== undefined && {
      experimental: { collectiveGroupLeader: groupLeader, collectiveNccl: true },
    }),
  });
}

/** A server among others of its job. */
export interface Server {
  /** What the tasks are called together. */
  job: string;
  /** Addresses of all tasks, `host:port`. */
  tasks: readonly string[];
  /** Which of them it is. */
  index: number;
  /** Of what runs in it. */
  config: Config;
}

/** Encodes a `ServerDef` of a server that speaks gRPC. */
export function encodeServer({ job, tasks, index, config }: Server): Uint8Array<ArrayBuffer> {
  const message = serverDef.create({
    cluster: { job: [{ name: job, tasks: Object.fromEntries(tasks.entries()) }] },
    jobName: job,
    taskIndex: index,
    defaultSessionConfig: configOf(config),
    protocol: "grpc",
  });
  return new Uint8Array(serverDef.encode(message).finish());
}

/** One input or output of an op: a single tensor, or a list whose length an attribute gives. */
export interface InputArg {
  readonly name: string;
  /** The attribute that holds its type, or "" if that is always the same. */
  readonly typeAttr: string;
  /** The attribute that holds the length of a list of one type, or "". */
  readonly numberAttr: string;
  /** The attribute that holds the types of a list of mixed types, or "". */
  readonly typeListAttr: string;
}

/** What an op says of itself. */
export interface OpDef {
  readonly inputArg: readonly InputArg[];
  readonly outputArg: readonly InputArg[];
  /** True for ops that draw random numbers, keep state or do I/O. */
  readonly isStateful: boolean;
}

/** Decodes an `OpDef`. */
export function decodeOpDef(bytes: Uint8Array): OpDef {
  return opDef.toObject(opDef.decode(bytes), { defaults: true, arrays: true }) as OpDef;
}

/** `SessionLog.START`: what TensorBoard has read so far of this step and those after it does not count any more. */
const START = 1;

/**
 * Encodes the `Event` of a session that starts.
 * @param step Its first step.
 */
export function encodeSessionStart(step: number): Uint8Array<ArrayBuffer> {
  const message = event.create({ wallTime: Date.now() / 1000, step, sessionLog: { status: START } });
  return new Uint8Array(event.encode(message).finish());
}

/** Encodes the `SummaryMetadata` of what one of TensorBoard's plugins shows, e.g. "text". */
export function encodeSummaryMetadata(pluginName: string): Uint8Array<ArrayBuffer> {
  const message = summaryMetadata.create({ pluginData: { pluginName } });
  return new Uint8Array(summaryMetadata.encode(message).finish());
}
