/** Compiles a pure function of tensors: traced once into a TensorFlow function, then run as one call. */
import * as tfjs from "@tensorflow/tfjs";
import { runtime } from "../binding/backend.ts";
import { JitError, type TensorMetadata, type TracedFunction } from "../binding/binding.ts";
import { TensorFlowError } from "../system/errors.ts";
import { isOutOfMemory } from "../system/memory_errors.ts";
import { withoutEffects } from "./effects.ts";
import { flatten, rebuild, signature, type Structure } from "./structure.ts";

/** The number format that convolutions and matrix products compute in; parameters stay float32 in any. */
export type Precision = "float32" | "tf32" | "bfloat16";

/** How to compile. */
export interface JitOptions {
  /**
   * "bfloat16" runs convolutions and matrix products in it, and what lies between them; arguments and results stay
   * float32. Worth it on GPUs and on some processors (`choosePrecision`); without instructions for it, it is emulated.
   *
   * "tf32" is float32 with the factors of convolutions and matrix products rounded to TF32's 10 bits of mantissa, on
   * NVIDIA GPUs of compute capability 8.0 and higher; elsewhere it is float32. What XLA compiles does not know of other
   * functions' precision. Without XLA, TensorFlow keeps the kernel that it chose for a shape: a process that computes
   * float32 too may then find its shapes decided by whichever came first.
   */
  precision?: Precision;
  /**
   * Whether XLA compiles it: fewer, larger kernels, and seconds to minutes before the first run of each signature. What
   * XLA cannot compile runs without. Random draws are a function of their seed either way, but not the same one. Unless
   * given, as `configure` says, which is on GPUs.
   */
  xla?: boolean;
}

/** A compiled function. */
export interface Jitted<A extends readonly unknown[], R> {
  (...args: A): R;
  /** Forgets the compiled code. A later call compiles again. */
  dispose(): void;
}

interface Compiled {
  readonly fn: TracedFunction;
  readonly structure: Structure;
  /** Whether XLA compiles it; until it is known that it cannot. */
  xla: boolean;
}

/**
 * Compiles `fn`, a pure function of tensors, arrays and nested records of tensors, autodiff and all. The first call
 * with new shapes or types traces it: `fn` runs once on tensors that have a shape and no value, and every op becomes
 * a node of a graph. Later calls with the same signature run that graph. Inside another jitted function it is a part
 * of that function's graph; inside `tf.grad`, which does not see into compiled code, it runs uncompiled.
 *
 * What changes from call to call must be an argument: a tensor that `fn` closes over is a constant of the graph.
 *
 * @throws {JitError} If `fn` reads a value, draws a random number, assigns to a variable, or makes a shape that depends on
 *   values; in tfjs' debug mode, which reads all of them; with another backend of tfjs than this runtime's.
 * @throws {TypeError} If an argument or the result holds anything but tensors (that of an async function is a promise).
 * @example
 * ```ts
 * import { jit, tf } from "@resnet/deno";
 *
 * await tf.ready();
 * const step = jit((w: tf.Tensor, x: tf.Tensor) => tf.grad((w) => tf.sum(tf.square(tf.matMul(x, w))))(w));
 * const gradient = step(tf.ones([3, 2]), tf.ones([4, 3])); // [3, 2]
 * ```
 */
export function jit<A extends readonly unknown[], R>(
  fn: (...args: A) => R,
  options: JitOptions = {},
): Jitted<A, R> {
  const cache = new Map<string, Compiled>();

  const jitted = (...args: A): R => {
    const { backend, binding, xla } = compiler();
    if (binding.isTracing || tfjs.engine().isTapeOn()) return fn(...args);
    const { tensors, structure } = flatten(args, "argument");
    const key = signature(structure, tensors);
    let compiled = cache.get(key);
    if (compiled === undefined) {
      cache.set(key, compiled = compile(fn, structure, tensors, { ...options, xla: options.xla ?? xla }));
    }
    const inputIds = backend["getInputTensorIds"](tensors);
    const outputs = inPrecision(options.precision, () => call(compiled, inputIds));
    return rebuild(compiled.structure, outputs.map((output) => backend["createOutputTensor"](output))) as R;
  };

  return Object.assign(jitted, {
    dispose(): void {
      for (const { fn } of cache.values()) runtime().binding.removeFunction(fn);
      cache.clear();
    },
  });
}

/**
 * Traces `fn` for arguments of that structure and of those tensors' shapes and types.
 * @throws {JitError} As `jit` does.
 */
export function compile<A extends readonly unknown[], R>(
  fn: (...args: A) => R,
  structure: Structure,
  tensors: readonly tfjs.Tensor[],
  { precision = "float32", xla = false }: JitOptions,
): Compiled {
  const { backend, binding } = compiler();
  if (tfjs.env().getBool("DEBUG")) {
    throw new JitError(
      "Cannot compile in tfjs' debug mode, which reads the result of every op: call the function itself, without jit, " +
        "to have its ops checked, or leave out tf.enableDebugMode()",
    );
  }
  const inputs = tensors.map(({ shape, dtype }) => ({ shape, dtype: backend.getDTypeInteger(dtype) }));
  let results: Structure | undefined;
  const traced = withoutEffects(() =>
    binding.trace(fn.name || "jit", inputs, (metadata, finish) => {
      tfjs.tidy(() => {
        const args = rebuild(structure, metadata.map((m) => backend["createOutputTensor"](m))) as A;
        const returned = fn(...args);
        if (returned instanceof Promise) returned.catch(() => {}); // refused by flatten: its own failure is no news
        const result = flatten(returned, "result");
        results = result.structure;
        finish(backend["getInputTensorIds"](result.tensors));
      });
    }, { bfloat16: precision === "bfloat16", xla })
  );
  return { fn: traced, structure: results!, xla };
}

/** The runtime. @throws {JitError} If tfjs has been told to compute with something else. */
function compiler(): ReturnType<typeof runtime> {
  const chosen = tfjs.getBackend();
  if (chosen === "tensorflow") return runtime();
  throw new JitError(
    `Cannot compile, or run what is compiled: tfjs computes with its backend "${chosen}", which has no compiler; ` +
      `go back with tf.setBackend("tensorflow")`,
  );
}

/** Runs `body`, which runs compiled code, with what its precision needs beside what was traced. */
export function inPrecision<R>(precision: Precision | undefined, body: () => R): R {
  return precision === "tf32" ? runtime().binding.withTensorFloat32(body) : body();
}

/** Runs compiled code. What XLA turns out not to compile runs without it from here on. */
function call(compiled: Compiled, inputIds: number[]): TensorMetadata[] {
  const { binding, say } = runtime();
  try {
    return binding.call(compiled.fn, inputIds, compiled);
  } catch (error) {
    if (!compiled.xla || !(error instanceof TensorFlowError) || isOutOfMemory(error)) throw error;
    compiled.xla = false;
    const [reason] = error.detail.split("\n");
    say(`XLA does not compile ${compiled.fn.name}, which runs without it: ${reason}`);
    return binding.call(compiled.fn, inputIds, compiled);
  }
}
