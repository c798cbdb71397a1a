/** The object that tfjs-node's backend talks to (`TFJSBinding`), over Deno's FFI instead of a native addon. */
import type { TFJSBinding } from "@tensorflow/tfjs-node-gpu/dist/tfjs_binding.d.ts";
import { UserError } from "../system/errors.ts";
import { taskCommand } from "../system/package.ts";
import { type Attr, AttrKind, type AttrSetters, eagerSetters, setAttrs } from "./attributes.ts";
import { readBuffer } from "./buffers.ts";
import { DType } from "./dtypes.ts";
import { faultless } from "./faults.ts";
import { type Cluster, GROUP_LEADER, joinCluster, watchWorkers } from "./cluster.ts";
import { cString, cStringBytes, type Library } from "./library.ts";
import { mixedDtypes } from "./mixed_precision.ts";
import { type Config, encodeConfig } from "./protos.ts";
import { SavedModel } from "./saved_model.ts";
import { allocate, deleteStrings, read, type Values } from "./tensors.ts";
import { Trace, type TracedTensor } from "./trace.ts";

/** A tensor that tfjs holds by number: one with a value, or one that stands for a node of the graph being traced. */
type Entry =
  | { readonly kind: "eager"; readonly handle: Deno.PointerObject; readonly dtype: number }
  | { readonly kind: "traced"; readonly traced: TracedTensor; readonly graph: Trace };

/** What tfjs needs to know of a new tensor. */
export interface TensorMetadata {
  id: number;
  shape: number[];
  dtype: number;
}

/** What ops are traced for. */
interface TraceFormat {
  /** Whether they compute in bfloat16 where that pays. */
  readonly bfloat16: boolean;
  /** Whether XLA compiles them. */
  readonly xla: boolean;
}

/** A traced function: its name in TensorFlow, and what comes out of it. */
export interface TracedFunction {
  readonly name: string;
  readonly outputs: readonly { readonly shape: readonly number[]; readonly dtype: number }[];
  /** The functions that it calls. */
  readonly callees: readonly TracedFunction[];
}

/** Something that a function does, but that cannot be traced. */
export class JitError extends Error {
  /** What kind of error it is. */
  override readonly name = "JitError";
}

/**
 * Outputs that are only handed on to the op's own gradient, so that nobody needs their shape, which TensorFlow does
 * not infer (the sixth output of FusedBatchNormV3 is workspace for cuDNN, empty on the CPU).
 */
const OPAQUE_OUTPUTS: Readonly<Record<string, number>> = { FusedBatchNormV3: 5 };

/** Ops with state that may be traced: what comes out is a function of what all processes of the cluster put in. */
const COLLECTIVES: ReadonlySet<string> = new Set(["CollectiveReduceV2"]);

/** Whether a GPU is among devices such as `["CPU:0"]`. */
export function hasGpu(devices: readonly string[]): boolean {
  return devices.some((name) => name.startsWith("GPU:"));
}

/** The devices, settings and tensors of one TensorFlow context. */
export class Binding implements TFJSBinding {
  readonly TensorMetadata = class {
    id = 0;
    shape: number[] = [];
    dtype = 0;
  };
  readonly TFEOpAttr = class {
    name = "";
    type = 0;
    value: boolean | number | object | string | number[] = 0;
  };
  readonly TF_FLOAT = DType.float32;
  readonly TF_INT32 = DType.int32;
  readonly TF_INT64 = DType.int64;
  readonly TF_BOOL = DType.bool;
  readonly TF_COMPLEX64 = DType.complex64;
  readonly TF_STRING = DType.string;
  readonly TF_RESOURCE = DType.resource;
  readonly TF_UINT8 = DType.uint8;
  readonly TF_ATTR_STRING = AttrKind.string;
  readonly TF_ATTR_INT = AttrKind.int;
  readonly TF_ATTR_FLOAT = AttrKind.float;
  readonly TF_ATTR_BOOL = AttrKind.bool;
  readonly TF_ATTR_TYPE = AttrKind.type;
  readonly TF_ATTR_SHAPE = AttrKind.shape;
  readonly TF_ATTR_RESOURCE = AttrKind.resource;
  readonly TF_Version: string;

  /** The devices, e.g. `["CPU:0"]`. */
  readonly devices: readonly string[];

  /** Bytes of the first GPU that TensorFlow may use; 0 where there is none. */
  readonly gpuMemory: number;

  /** What TensorFlow calls the first GPU, whole; nothing where there is none. */
  readonly #gpu: string | undefined;
  readonly #library: Library;
  readonly #context: Deno.PointerObject;
  readonly #setters: AttrSetters;
  /** Bytes of the `ConfigProto` of every session. */
  readonly #config: Uint8Array<ArrayBuffer>;
  readonly #entries = new Map<number, Entry>();
  readonly #savedModels = new Map<number, SavedModel>();
  readonly #numOutputs = new Int32Array(1);
  #outputs = new BigUint64Array(64);
  #nextId = 1;
  #functions = 0;
  #trace: {
    readonly graph: Trace;
    /** Concrete tensors as constants, by id. */
    readonly constants: Map<number, TracedTensor>;
    /** Tensors in the other number format. */
    readonly casts: Map<TracedTensor, TracedTensor>;
    readonly format: TraceFormat;
    readonly callees: TracedFunction[];
  } | undefined;

  /**
   * @param options `device` "cpu" hides GPUs, "gpu" asks for one, absent takes one if there is one; `gpus` are those
   * that may be used, by their numbers, all unless given; `threads` bounds the threads of one kernel; `cluster` are the
   * processes that compute together with this one.
   * @throws {UserError} If a GPU is asked for and there is none, or the cluster cannot be joined.
   */
  constructor(
    library: Library,
    options: {
      device?: "cpu" | "gpu";
      gpus?: readonly number[];
      threads?: number;
      cluster?: Cluster;
    } = {},
  ) {
    this.#library = library;
    this.TF_Version = library.version;
    this.#setters = eagerSetters(library);
    const { symbols: c, status, check } = library;
    const { cluster } = options;
    const config: Config = {
      threads: options.threads,
      deviceCount: options.device === "cpu" || options.gpus?.length === 0 ? { GPU: 0 } : {},
      visibleGpus: options.gpus,
      groupLeader: cluster && GROUP_LEADER,
    };
    this.#config = encodeConfig(config);
    const contextOptions = c.TFE_NewContextOptions();
    c.TFE_ContextOptionsSetConfig(contextOptions, this.#config, BigInt(this.#config.length), status);
    check("TFE_ContextOptionsSetConfig");
    // TFE_DEVICE_PLACEMENT_SILENT (2): an op whose inputs are on another device copies them.
    c.TFE_ContextOptionsSetDevicePlacementPolicy(contextOptions, 2);
    const context = c.TFE_NewContext(contextOptions, status);
    c.TFE_DeleteContextOptions(contextOptions);
    check("TFE_NewContext");
    this.#context = context!;
    if (cluster !== undefined) joinCluster(library, this.#context, cluster, config);
    const devices = this.#listDevices();
    this.devices = devices.map(({ name }) => name);
    c.enableTensorFloat32?.(false); // float32 means float32; without a word of it TensorFlow has it on
    const gpu = devices.find(({ name }) => hasGpu([name]));
    this.#gpu = gpu?.fullName;
    this.gpuMemory = gpu?.bytes ?? 0;
    if (options.device === "gpu" && !this.isUsingGpuDevice()) {
      throw new UserError(
        `Cannot use a GPU: TensorFlow sees ${this.devices.join(", ")}; ` +
          `leave out --device gpu, or install a driver and run "${taskCommand("setup --gpu")}"`,
      );
    }
  }

  #listDevices(): { name: string; fullName: string; bytes: number }[] {
    const { symbols: c, status, check } = this.#library;
    const list = c.TFE_ContextListDevices(this.#context, status);
    check("TFE_ContextListDevices");
    const devices = Array.from({ length: c.TF_DeviceListCount(list) }, (_, i) => {
      const fullName = cString(c.TF_DeviceListName(list, i, status));
      check("TF_DeviceListName");
      const bytes = Number(c.TF_DeviceListMemoryBytes(list, i, status));
      check("TF_DeviceListMemoryBytes");
      // "/job:localhost/replica:0/task:0/device:CPU:0"
      return { name: fullName.replace(/.*device:/, ""), fullName, bytes };
    });
    c.TF_DeleteDeviceList(list);
    return devices;
  }

  isUsingGpuDevice(): boolean {
    return hasGpu(this.devices);
  }

  getNumOfTensors(): number {
    return this.#entries.size;
  }

  createTensor(shape: number[], dtype: number, values: Values): number {
    const { symbols: c, status, check } = this.#library;
    const tensor = allocate(this.#library, shape, dtype, values);
    try {
      const handle = c.TFE_NewTensorHandle(tensor, status)!;
      check("TFE_NewTensorHandle");
      if (dtype !== DType.string) return this.#add({ kind: "eager", handle, dtype });
      // A handle shares the tensor's memory, and nobody would free the strings in it: hand out a copy that TensorFlow
      // has made, which it frees itself.
      const id = this.#add({ kind: "eager", handle, dtype });
      try {
        return this.#execute("DeepCopy", [{ name: "T", type: AttrKind.type, value: dtype }], [id], 1)[0].id;
      } finally {
        this.deleteTensor(id);
      }
    } finally {
      if (dtype === DType.string) deleteStrings(this.#library, tensor);
      else c.TF_DeleteTensor(tensor);
    }
  }

  deleteTensor(id: number): void {
    const entry = this.#entries.get(id);
    if (entry?.kind === "eager") this.#library.symbols.TFE_DeleteTensorHandle(entry.handle);
    this.#entries.delete(id);
  }

  tensorDataSync(id: number): Float32Array | Int32Array | Uint8Array {
    const entry = this.#entry(id);
    if (entry.kind === "traced") {
      throw new JitError(
        `Cannot read the value of a tensor inside jit: the output of ${entry.traced.op} has none while the function ` +
          `is traced; return the tensor from the function and read it there, or choose with tf.where`,
      );
    }
    const tensor = this.#resolve(entry.handle);
    try {
      // tfjs' declaration leaves out strings and int64, which its kernels read all the same.
      return read(this.#library, tensor, entry.dtype) as Float32Array;
    } finally {
      this.#library.symbols.TF_DeleteTensor(tensor);
    }
  }

  executeOp(name: string, attrs: readonly Attr[], inputIds: number[], numOutputs: number): TensorMetadata[] {
    checkCall(name, attrs, inputIds, numOutputs);
    if (this.isUsingGpuDevice()) return this.#executeOnGpu(name, attrs, inputIds, numOutputs);
    const safe = faultless({ op: name, attrs }, {
      shape: (input) => this.#shapeOf(inputIds[input]),
      values: (input) => this.tensorDataSync(inputIds[input]),
    });
    return this.#executeOrRecord(safe.op, safe.attrs, inputIds, numOutputs);
  }

  /** The same where oneDNN, which has the faults, is not in the way. */
  #executeOnGpu(
    name: string,
    attrs: readonly Attr[],
    inputIds: number[],
    numOutputs: number,
  ): TensorMetadata[] {
    // The kernel wants the value that it pads with on the host, and would have it copied there in every run.
    const padsZeros = name === "PadV2" && this.#isZero(inputIds[2]);
    return padsZeros
      ? this.#executeOrRecord("Pad", attrs, inputIds.slice(0, 2), numOutputs)
      : this.#executeOrRecord(name, attrs, inputIds, numOutputs);
  }

  /** Whether it is a zero that is known. */
  #isZero(id: number): boolean {
    return this.#entry(id).kind === "eager" && this.tensorDataSync(id)[0] === 0;
  }

  #executeOrRecord(
    name: string,
    attrs: readonly Attr[],
    inputIds: number[],
    numOutputs: number,
  ): TensorMetadata[] {
    if (this.#trace === undefined) return this.#execute(name, attrs, inputIds, numOutputs);
    if (this.#trace.graph.opDef(name).isStateful && !COLLECTIVES.has(name)) {
      throw new JitError(
        `Cannot trace ${name}: it draws or keeps state, so that its result is no function of the arguments; ` +
          `pass a seed as a tensor and use the stateless ops (statelessUniform, dropout)`,
      );
    }
    if (inputIds.some((id) => this.#entry(id).kind === "traced")) {
      return this.#record(name, attrs, inputIds, numOutputs);
    }
    return this.#execute(name, attrs, inputIds, numOutputs); // all inputs are constants: so is the output
  }

  /**
   * Traces `body` into a TensorFlow function. `body` is given the arguments, and hands the ids of the results to
   * `finish` while their tensors live. Ops on traced tensors become nodes; ops on concrete ones run now and end up as
   * constants.
   *
   * @param options `bfloat16`: whether ops compute in it where that pays (`mixed_precision.ts`); `xla`: whether XLA will
   *   compile it.
   * @throws {JitError} If the body does something that has no meaning before the function runs.
   */
  trace(
    name: string,
    inputs: readonly { shape: readonly number[]; dtype: number }[],
    body: (inputs: TensorMetadata[], finish: (ids: number[]) => void) => void,
    { bfloat16 = false, xla = false }: Partial<TraceFormat> = {},
  ): TracedFunction {
    if (this.#trace !== undefined) throw new JitError("Cannot start a trace: another one is under way");
    return this.#traceFunction(name, inputs, body, { bfloat16, xla });
  }

  /**
   * Traces a function that the one being traced will call, such as the body of a loop, in the same format. Its body
   * may use what it is given, and constants, but no tensor of the trace around it.
   */
  traceCallee(
    name: string,
    inputs: readonly { shape: readonly number[]; dtype: number }[],
    body: (inputs: TensorMetadata[], finish: (ids: number[]) => void) => void,
  ): TracedFunction {
    const caller = this.#trace;
    if (caller === undefined) throw new JitError("Cannot trace a callee: no trace is under way");
    try {
      const callee = this.#traceFunction(name, inputs, body, caller.format);
      caller.callees.push(callee);
      return callee;
    } finally {
      this.#trace = caller;
    }
  }

  #traceFunction(
    name: string,
    inputs: readonly { shape: readonly number[]; dtype: number }[],
    body: (inputs: TensorMetadata[], finish: (ids: number[]) => void) => void,
    format: TraceFormat,
  ): TracedFunction {
    using graph = new Trace(this.#library);
    const callees: TracedFunction[] = [];
    this.#trace = { graph, constants: new Map(), casts: new Map(), format, callees };
    try {
      const placeholders = inputs.map(({ dtype, shape }) => graph.placeholder(dtype, shape));
      let results: TracedTensor[] = [];
      body(placeholders.map((placeholder) => this.#metadata(placeholder, 0)), (ids) => {
        results = ids.map((id) => this.#asFloat32(this.#traced(id)));
      });
      const unique = `${name.replace(/[^A-Za-z0-9_]/g, "_")}_${this.#functions++}`;
      graph.toFunction(this.#context, unique, placeholders, results);
      const outputs = results.map(({ shape, dtype }) => ({ shape: shape!, dtype }));
      return { name: unique, outputs, callees };
    } catch (error) {
      callees.forEach((callee) => this.removeFunction(callee));
      throw error;
    } finally {
      this.#trace = undefined;
      // Whatever the body dropped without disposing of it.
      for (const [id, entry] of this.#entries) {
        if (entry.kind === "traced" && entry.graph === graph) this.#entries.delete(id);
      }
    }
  }

  /** Whether a trace is under way. */
  get isTracing(): boolean {
    return this.#trace !== undefined;
  }

  /** Whether a tensor stands for a node of a graph, and has no value. */
  isTraced(id: number): boolean {
    return this.#entry(id).kind === "traced";
  }

  /** What the names of new nodes begin with in the trace under way; setting it without a trace changes nothing. */
  get scope(): string {
    return this.#trace?.graph.scope ?? "";
  }

  set scope(scope: string) {
    if (this.#trace !== undefined) this.#trace.graph.scope = scope;
  }

  /** Whether what is being traced runs in bfloat16 where that pays. */
  get isTracingBfloat16(): boolean {
    return this.#trace?.format.bfloat16 ?? false;
  }

  /** Whether XLA will compile what is being traced. */
  get isTracingForXla(): boolean {
    return this.#trace?.format.xla ?? false;
  }

  /** The values in float32 of a tensor that a trace has in bfloat16; nothing for any other, which has them itself. */
  float32(id: number): TensorMetadata | undefined {
    const entry = this.#entry(id);
    if (entry.kind !== "traced" || entry.traced.dtype !== DType.bfloat16) return undefined;
    return this.#metadata(this.#asFloat32(entry.traced), 0);
  }

  #asFloat32(tensor: TracedTensor): TracedTensor {
    return tensor.dtype === DType.bfloat16 ? this.#cast(tensor, DType.float32) : tensor;
  }

  /**
   * Runs a traced function.
   * @param options `xla`: compiles it with XLA before its first run.
   */
  call(fn: TracedFunction, inputIds: number[], { xla }: { xla: boolean }): TensorMetadata[] {
    const attrs = xla ? [{ name: "_XlaMustCompile", type: AttrKind.bool, value: true }] : [];
    return this.#execute(fn.name, attrs, inputIds, fn.outputs.length, fn.outputs);
  }

  /**
   * Runs `body` while cards may round the factors of float32 products to 10 bits of mantissa (TensorFloat-32).
   * TensorFlow has one switch a process, which it reads as ops run and as XLA compiles.
   */
  withTensorFloat32<R>(body: () => R): R {
    const { symbols: c } = this.#library;
    c.enableTensorFloat32?.(true);
    try {
      return body();
    } finally {
      c.enableTensorFloat32?.(false);
    }
  }

  /** Watches the other processes of a cluster, once they are there. */
  watch(cluster: Cluster): void {
    watchWorkers(this.#library, this.#context, cluster);
  }

  /** The C API, for what looks at a traced function from outside. */
  get library(): Library {
    return this.#library;
  }

  /** The serialised `FunctionDef` of a traced function. */
  functionDef({ name }: TracedFunction): Uint8Array<ArrayBuffer> {
    const { symbols: c, status, check } = this.#library;
    return readBuffer(this.#library, (buffer) => {
      c.TFE_ContextGetFunctionDef(this.#context, cStringBytes(name), buffer, status);
      check("TFE_ContextGetFunctionDef");
    });
  }

  /** Hands the `TF_Tensor*` of tensors to `use`, for as long as it runs. */
  withTensors<R>(ids: readonly number[], use: (tensors: Deno.PointerObject[]) => R): R {
    const tensors: Deno.PointerObject[] = [];
    try {
      for (const id of ids) {
        const entry = this.#entry(id);
        if (entry.kind === "traced") {
          throw new JitError(`Cannot take the value of ${entry.traced.op}: it has none`);
        }
        tensors.push(this.#resolve(entry.handle));
      }
      return use(tensors);
    } finally {
      for (const tensor of tensors) this.#library.symbols.TF_DeleteTensor(tensor);
    }
  }

  /** Forgets a traced function, and those that it calls. */
  removeFunction({ name, callees }: TracedFunction): void {
    const { symbols: c, status, check } = this.#library;
    c.TFE_ContextRemoveFunction(this.#context, cStringBytes(name), status);
    check("TFE_ContextRemoveFunction");
    callees.forEach((callee) => this.removeFunction(callee));
  }

  /** Copies a tensor into the memory of the first GPU; where there is none, it stays as it is. */
  copyToGpu(id: number): void {
    const entry = this.#entry(id);
    if (entry.kind !== "eager" || this.#gpu === undefined) return;
    const { symbols: c, status, check } = this.#library;
    const device = cStringBytes(this.#gpu);
    const handle = c.TFE_TensorHandleCopyToDevice(entry.handle, this.#context, device, status);
    check("TFE_TensorHandleCopyToDevice");
    c.TFE_DeleteTensorHandle(entry.handle);
    this.#entries.set(id, { ...entry, handle: handle! });
  }

  /**
   * Loads a SavedModel, with the devices and threads of this context.
   * @param tags Of the graph to take, parted by commas.
   * @returns The number to run and delete it by.
   * @throws {UserError} If it cannot be loaded.
   */
  loadSavedModel(directory: string, tags: string): number {
    const id = this.#nextId++;
    this.#savedModels.set(
      id,
      new SavedModel(this.#library, { directory, tags: names(tags), config: this.#config }),
    );
    return id;
  }

  /** @throws {UserError} If there is none of that number. */
  deleteSavedModel(id: number): void {
    this.#savedModel(id)[Symbol.dispose]();
    this.#savedModels.delete(id);
  }

  /**
   * Runs a SavedModel on tensors.
   * @param inputNames Tensors of its graph, parted by commas, in the order of the ids.
   * @param outputNames Tensors of its graph, parted by commas.
   * @throws {UserError} If there is none of that number, or the inputs are not such as it takes.
   * @throws {JitError} In a trace.
   */
  runSavedModel(id: number, inputIds: number[], inputNames: string, outputNames: string): TensorMetadata[] {
    if (this.#trace !== undefined) {
      throw new JitError(
        "Cannot run a SavedModel inside jit: it is a graph of its own; run it outside and pass its results",
      );
    }
    const model = this.#savedModel(id);
    const { symbols: c, status, check } = this.#library;
    const tensors = this.withTensors(
      inputIds,
      (values) => model.run(names(inputNames), values, names(outputNames)),
    );
    return tensors.map((tensor) => {
      const handle = c.TFE_NewTensorHandle(tensor, status)!;
      c.TF_DeleteTensor(tensor);
      check("TFE_NewTensorHandle");
      const dtype = c.TFE_TensorHandleDataType(handle);
      return { id: this.#add({ kind: "eager", handle, dtype }), shape: this.#shape(handle), dtype };
    });
  }

  getNumOfSavedModels(): number {
    return this.#savedModels.size;
  }

  #savedModel(id: number): SavedModel {
    const model = this.#savedModels.get(id);
    if (model === undefined) throw new UserError(`Cannot use SavedModel ${id}: it is not loaded, or deleted`);
    return model;
  }

  #add(entry: Entry): number {
    const id = this.#nextId++;
    this.#entries.set(id, entry);
    return id;
  }

  #entry(id: number): Entry {
    const entry = this.#entries.get(id);
    if (entry === undefined) {
      throw new JitError(
        `Cannot use tensor ${id}: it is disposed, or it was made inside jit and kept; return it from the function`,
      );
    }
    return entry;
  }

  #resolve(handle: Deno.PointerObject): Deno.PointerObject {
    const { symbols: c, status, check } = this.#library;
    const tensor = c.TFE_TensorHandleResolve(handle, status);
    check("TFE_TensorHandleResolve");
    return tensor!;
  }

  /** Runs an op or a function now. `known` spares asking for the outputs' types and shapes. */
  #execute(
    name: string,
    attrs: readonly Attr[],
    inputIds: number[],
    numOutputs: number,
    known?: TracedFunction["outputs"],
  ): TensorMetadata[] {
    const { symbols: c, status, check } = this.#library;
    const op = c.TFE_NewOp(this.#context, cStringBytes(name), status);
    check(`TFE_NewOp(${name})`);
    try {
      for (const id of inputIds) {
        const entry = this.#entry(id);
        if (entry.kind === "traced") {
          throw new JitError(`Cannot run ${name}: input ${entry.traced.op} has no value`);
        }
        c.TFE_OpAddInput(op, entry.handle, status);
        check(`TFE_OpAddInput(${name})`);
      }
      setAttrs(this.#setters, op, attrs);
      // Some kernels of tfjs ask for fewer outputs than the op has: leave room for all.
      const room = Math.max(numOutputs, 64);
      if (this.#outputs.length < room) this.#outputs = new BigUint64Array(room);
      this.#numOutputs[0] = room;
      c.TFE_Execute(op, this.#outputs, this.#numOutputs, status);
      check(`TFE_Execute(${name})`);
    } finally {
      c.TFE_DeleteOp(op);
    }
    const handles = Array.from(
      this.#outputs.subarray(0, this.#numOutputs[0]),
      (address) => Deno.UnsafePointer.create(address)!,
    );
    if (handles.length < numOutputs) {
      handles.forEach((handle) => c.TFE_DeleteTensorHandle(handle));
      throw tooFewOutputs(name, numOutputs, handles.length);
    }
    for (const handle of handles.splice(numOutputs)) c.TFE_DeleteTensorHandle(handle);
    return handles.map((handle, i) => {
      const dtype = known?.[i].dtype ?? c.TFE_TensorHandleDataType(handle);
      const shape = known?.[i].shape.slice() ?? this.#shape(handle);
      return { id: this.#add({ kind: "eager", handle, dtype }), shape, dtype };
    });
  }

  #shapeOf(id: number): readonly number[] {
    const entry = this.#entry(id);
    return entry.kind === "eager" ? this.#shape(entry.handle) : entry.traced.shape!;
  }

  #shape(handle: Deno.PointerObject): number[] {
    const { symbols: c, status, check } = this.#library;
    const rank = c.TFE_TensorHandleNumDims(handle, status);
    const shape = Array.from({ length: rank }, (_, i) => Number(c.TFE_TensorHandleDim(handle, i, status)));
    check("TFE_TensorHandleDim");
    return shape;
  }

  /** Adds an op to the graph being traced. */
  #record(name: string, attrs: readonly Attr[], inputIds: number[], numOutputs: number): TensorMetadata[] {
    const { graph, format: { bfloat16 } } = this.#trace!;
    const inputs = inputIds.map((id) => this.#traced(id));
    const outputs = bfloat16 ? this.#recordMixed(name, attrs, inputs) : graph.add(name, attrs, inputs);
    if (outputs.length < numOutputs) throw tooFewOutputs(name, numOutputs, outputs.length);
    return outputs.slice(0, numOutputs).map((output, i) => this.#metadata(output, i));
  }

  /** The same by the policy of `mixed_precision.ts`. */
  #recordMixed(name: string, attrs: readonly Attr[], inputs: readonly TracedTensor[]): TracedTensor[] {
    const { graph } = this.#trace!;
    const dtypes = mixedDtypes({ op: name, inputs }, graph.opDef(name));
    return graph.add(name, attrs, inputs.map((input, i) => this.#cast(input, dtypes[i])));
  }

  /** The same values in another number format, cast once a trace. */
  #cast(tensor: TracedTensor, dtype: number): TracedTensor {
    if (tensor.dtype === dtype) return tensor;
    const { graph, casts } = this.#trace!;
    let cast = casts.get(tensor);
    if (cast === undefined) casts.set(tensor, cast = graph.cast(tensor, dtype));
    return cast;
  }

  /** Registers a traced tensor, which must have a static shape. */
  #metadata(traced: TracedTensor, index: number): TensorMetadata {
    const opaque = OPAQUE_OUTPUTS[traced.op] === index;
    const shape = traced.shape === undefined && opaque ? [0] : traced.shape;
    if (shape === undefined || shape.includes(-1)) {
      throw new JitError(
        `Cannot trace ${traced.op}: the shape of its output [${shape ?? "?"}] depends on values; ` +
          `compute it outside jit, or use an op with a static shape (tf.where(condition, a, b), a mask)`,
      );
    }
    // tfjs knows no bfloat16: to it, such a tensor is float32 like any other.
    const dtype = traced.dtype === DType.bfloat16 ? DType.float32 : traced.dtype;
    return { id: this.#add({ kind: "traced", traced, graph: this.#trace!.graph }), shape: [...shape], dtype };
  }

  /** The graph's view of a tensor; a concrete one becomes a constant, once a trace. */
  #traced(id: number): TracedTensor {
    const entry = this.#entry(id);
    const { graph, constants } = this.#trace!;
    if (entry.kind === "traced") {
      if (entry.graph === graph) return entry.traced;
      throw new JitError(
        `Cannot use the output of ${entry.traced.op} inside a loop that it was not handed to: pass it to the loop`,
      );
    }
    let constant = constants.get(id);
    if (constant === undefined) {
      if (entry.dtype === DType.resource) {
        throw new JitError("Cannot use a resource inside jit: it has no value to make a constant of");
      }
      const tensor = this.#resolve(entry.handle);
      try {
        constants.set(id, constant = graph.constant(tensor, entry.dtype));
      } finally {
        this.#library.symbols.TF_DeleteTensor(tensor);
      }
    }
    return constant;
  }
}

/**
 * Holds what comes from plain JavaScript against the types of `executeOp`, before it goes to C++.
 * @throws {TypeError} If it is something else.
 */
function checkCall(name: unknown, attrs: unknown, inputIds: unknown, numOutputs: unknown): void {
  const refuse = (what: string, expected: string, found: unknown): never => {
    throw new TypeError(
      `Cannot run ${typeof name === "string" ? name : "an op"}: ${what} must be ${expected}, got ${found}`,
    );
  };
  if (typeof name !== "string") refuse("its name", "a string", name);
  if (!Array.isArray(attrs)) refuse("its attributes", "an array", attrs);
  if (!Array.isArray(inputIds)) refuse("its inputs", "an array of tensors' numbers", inputIds);
  if (!Number.isInteger(numOutputs) || numOutputs as number < 0) {
    refuse("the number of outputs", "a whole number of at least 0", numOutputs);
  }
}

/** The names in a text that commas part. */
function names(text: string): string[] {
  return text.split(",").filter((name) => name !== "");
}

function tooFewOutputs(name: string, asked: number, found: number): TypeError {
  return new TypeError(`Cannot take ${asked} outputs of ${name}: it has ${found}`);
}
