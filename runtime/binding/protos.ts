/**
 * The few protocol buffers that the C API takes or gives as bytes, with only the fields used here.
 * Field numbers are those of TensorFlow's own files: core/protobuf/config.proto and core/framework/op_def.proto. Unknown fields are skipped on reading, as protocol buffers promise.
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
}
message ArgDef { string name = 1; string type_attr = 4; string number_attr = 5; string type_list_attr = 6; }
message OpDef { string name = 1; repeated ArgDef input_arg = 2; repeated ArgDef output_arg = 3; bool is_stateful = 17; }
`);
const configProto = root.lookupType("ConfigProto");
const opDef = root.lookupType("OpDef");

/** The settings of a session or of one call. */
export interface Config {
  /** How many devices of each type may be used, e.g. `{ GPU: 0 }`. */
  deviceCount?: Record<string, number>;
  /** Which GPUs may be used, by their numbers; all unless given. */
  visibleGpus?: readonly number[];
  /** Threads of one kernel; 0 or absent lets TensorFlow choose (one per core). */
  threads?: number;
}

/** Encodes a `ConfigProto`. */
export function encodeConfig(
  { deviceCount = {}, visibleGpus, threads = 0 }: Config,
): Uint8Array<ArrayBuffer> {
  const message = configProto.create({
    deviceCount,
    intraOpParallelismThreads: threads,
    gpuOptions: { allowGrowth: true, ...(visibleGpus && { visibleDeviceList: visibleGpus.join() }) },
    allowSoftPlacement: true,
  });
  return new Uint8Array(configProto.encode(message).finish());
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
