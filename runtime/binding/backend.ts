/** Puts libtensorflow behind tfjs: its own table of kernels, over this runtime's binding. */
import "./compat.ts";
import { join } from "@std/path";
import * as tfjs from "@tensorflow/tfjs";
import { NodeJSKernelBackend } from "@tensorflow/tfjs-node-gpu/dist/nodejs_kernel_backend.js";
import "@tensorflow/tfjs-node-gpu/dist/register_all_kernels.js";
import * as v from "valibot";
import { install } from "../install/install.ts";
import { locate, type Located } from "../install/locate.ts";
import { cacheFolder } from "../install/paths.ts";
import { type Cpu, readCpu } from "../system/cpu.ts";
import { UsageError } from "../system/errors.ts";
import { type Progress, silent } from "../system/progress.ts";
import { check, number, someFields } from "../system/schema.ts";
import { MAX_THREADS } from "../system/threads.ts";
import { Binding } from "./binding.ts";
import { awaitWorkers, type Cluster } from "./cluster.ts";
import { keepCompiledCode } from "./compiled_code.ts";
import { haveBfloat16, type UsableCard, usableGpus } from "./cuda.ts";
import { thisMachine } from "./cuda_driver.ts";
import { openLibrary } from "./library.ts";
import { propagateNaN } from "./xla_flags.ts";

/** What can be chosen before the first `ready()`. */
export interface RuntimeOptions {
  /** "cpu" leaves GPUs alone, "gpu" asks for one; absent takes one if there is one that can be used. */
  device?: "cpu" | "gpu";
  /** Threads of one kernel, from 1 to 1024; absent lets TensorFlow take one per core. */
  threads?: number;
  /** Whether `jit` compiles with XLA unless told otherwise; absent does on a GPU. */
  xla?: boolean;
  /** The processes that compute together with this one (`allReduce`), if there are any; nothing is then left to XLA. */
  cluster?: Cluster;
  /** Told of the download when the library has to be installed, and of a GPU that cannot be used. */
  progress?: Progress;
}

/** What is running. */
export interface RuntimeInfo {
  /** TensorFlow's version, e.g. "2.21.0". */
  readonly version: string;
  /** The devices, e.g. `["CPU:0"]`. */
  readonly devices: readonly string[];
  /** Whether what computes, the GPU where there is one, has instructions for bfloat16. */
  readonly hasBfloat16: boolean;
  /** Whether it is faster in it than in float32. */
  readonly gainsFromBfloat16: boolean;
  /** Compute capability of the NVIDIA GPU that computes, ten times: 90 is 9.0; of several the least. */
  readonly gpuCapability?: number;
  /** Whether `jit` compiles with XLA unless told otherwise. */
  readonly xla: boolean;
  /** Where the library was loaded from. */
  readonly directory: string;
}

/** What of them goes to C++ as it is. */
const OPTIONS = someFields({ threads: v.optional(number({ whole: true, min: 1, max: MAX_THREADS })) });

interface Running {
  readonly backend: NodeJSKernelBackend;
  readonly binding: Binding;
  readonly cpu: Cpu;
  /** Whether what computes, the GPU where there is one, has instructions for bfloat16. */
  readonly hasBfloat16: boolean;
  /** Whether it is faster in it than in float32. */
  readonly gainsFromBfloat16: boolean;
  /** The cards of NVIDIA's that TensorFlow has taken. */
  readonly gpus: readonly UsableCard[];
  readonly directory: string;
  /** Whether `jit` compiles with XLA unless told otherwise. */
  readonly xla: boolean;
  /** The processes that compute together, if there are several. */
  readonly cluster: Cluster | undefined;
  /** Tells the user what matters while it runs. */
  readonly say: (line: string) => void;
}

let options: RuntimeOptions = {};
let starting: Promise<Running> | undefined;
let running: Running | undefined;

/**
 * Chooses device, threads and where progress goes.
 * @throws {Error} If the runtime has started: TensorFlow takes these once a process.
 * @throws {UsageError} If there cannot be so many threads, or XLA is to compile what several processes compute together.
 * @example
 * ```ts
 * import { configure, runtimeInfo, silent, tf } from "@resnet/deno";
 *
 * configure({ device: "cpu", progress: { ...silent, message: (line) => console.log(line) } });
 * await tf.ready();
 * runtimeInfo().devices; // ["CPU:0"]
 * ```
 */
export function configure(chosen: RuntimeOptions): void {
  if (starting !== undefined) {
    throw new Error("Cannot configure the runtime: it has started; call configure before ready");
  }
  check(OPTIONS, chosen, (problem) => new UsageError(`Cannot configure the runtime: ${problem}`));
  if (chosen.cluster !== undefined && chosen.xla) {
    throw new UsageError(
      "Cannot configure the runtime: XLA does not compile what several workers compute together",
    );
  }
  options = chosen;
}

/**
 * Finds libtensorflow, or installs it, and makes it tfjs' backend. Later calls return at once.
 * @throws {UserError} If the library cannot be found, installed or loaded, or the device is not there.
 */
export async function ready(): Promise<void> {
  starting ??= start();
  try {
    running = await starting;
  } catch (error) {
    starting = undefined;
    throw error;
  }
}

async function start(): Promise<Running> {
  const { directory } = await findLibrary();
  const library = openLibrary(directory);
  const usable = library.hasCuda && options.device !== "cpu"
    ? usableGpus(options, thisMachine, directory)
    : undefined;
  if (usable !== undefined) keepCompiledCode(join(cacheFolder(), "xla"));
  propagateNaN();
  const binding = new Binding(library, { ...options, gpus: usable?.map(({ ordinal }) => ordinal) });
  const { cluster, progress = silent } = options;
  if (cluster !== undefined) {
    await awaitWorkers(cluster, progress);
    binding.watch(cluster);
  }
  const backend = new NodeJSKernelBackend(binding, "@tensorflow/tfjs-node-gpu");
  tfjs.registerBackend("tensorflow", () => backend, 3);
  await tfjs.setBackend("tensorflow");
  const { xla = binding.isUsingGpuDevice() && cluster === undefined } = options;
  const cpu = readCpu();
  const gpus = binding.isUsingGpuDevice() ? usable ?? [] : [];
  const onGpu = haveBfloat16(gpus);
  const { hasBfloat16, gainsFromBfloat16 } = binding.isUsingGpuDevice()
    ? { hasBfloat16: onGpu, gainsFromBfloat16: onGpu }
    : cpu;
  const say = (line: string): void => progress.message(line);
  return { backend, binding, cpu, hasBfloat16, gainsFromBfloat16, gpus, directory, xla, cluster, say };
}

/** The library. What is downloaded for a GPU has gigabytes, so that one is looked for before. */
async function findLibrary(): Promise<Located> {
  const { device, progress = silent } = options;
  const wanted = { gpu: device === "gpu", progress };
  const located = await locate(wanted);
  if (located === undefined && wanted.gpu && Deno.build.os === "linux") usableGpus(options, thisMachine);
  return located ?? await install(wanted);
}

/** The running backend and binding. @throws {Error} Before `ready()`. */
export function runtime(): Running {
  if (running === undefined) throw new Error("The runtime has not started: call `await tf.ready()` first");
  return running;
}

/**
 * What is running.
 * @throws {Error} Before `ready()`.
 * @example
 * ```ts
 * import { runtimeInfo, tf } from "@resnet/deno";
 *
 * await tf.ready();
 * runtimeInfo().version; // "2.21.0"
 * ```
 */
export function runtimeInfo(): RuntimeInfo {
  const { binding, hasBfloat16, gainsFromBfloat16, gpus, xla, directory } = runtime();
  return {
    version: binding.TF_Version,
    devices: binding.devices,
    hasBfloat16,
    gainsFromBfloat16,
    ...(gpus.length > 0 && { gpuCapability: Math.min(...gpus.map(({ capability }) => capability)) }),
    xla,
    directory,
  };
}

/**
 * Tensors that TensorFlow holds for this process right now: a leak shows here first.
 * @example
 * ```ts
 * import { liveHandles, tf } from "@resnet/deno";
 *
 * await tf.ready();
 * const before = liveHandles();
 * const nine = tf.tidy(() => tf.square(tf.scalar(3)));
 * liveHandles() - before; // 1
 * nine.dispose();
 * liveHandles() - before; // 0
 * ```
 */
export function liveHandles(): number {
  return runtime().binding.getNumOfTensors();
}
