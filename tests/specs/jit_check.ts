/** Repeats a call of an op in `jit`: value, gradient, and that neither leaves anything behind. */
import { jit, liveHandles, tf } from "../../runtime/mod.ts";
import type { CallEvent } from "./events.ts";
import type { Call } from "./operation.ts";

/** How far values may be from the eager ones, as a part of them and of 1; gradients add up more of them. */
const TOLERANCE = { value: 1e-4, gradient: 1e-3 };

type Row = readonly tf.Tensor[];
type TensorFunction = (...tensors: tf.Tensor[]) => Row;

/**
 * Repeats a call that succeeded eagerly with its tensors as arguments of a function in `jit`, then the gradient of a
 * weighted sum of its float32 results for its float32 arguments.
 * @param report Told of each that was tried.
 */
export function checkCall({ op, fn, args, result }: Call, report: (event: CallEvent) => void): void {
  if (result instanceof Promise || tf.getBackend() !== "tensorflow") return;
  if (tf.env().getBool("DEBUG")) return; // it reads every value, and there are none in a trace
  const { tensors: results } = takeApart(result);
  if (results.length === 0 && !Array.isArray(result)) return;
  const { tensors, rebuild } = takeApart(args);
  if ([...tensors, ...results].some(({ isDisposed }) => isDisposed)) return;

  const tell = (what: CallEvent["what"], problem?: string): void =>
    report({ kind: "call", op, what, problem, args: shown(args) });
  const compare = (what: "value" | "gradient", fn: TensorFunction, expected: () => Row): void => {
    const before = liveHandles();
    const problem = tf.tidy(() => problemInJit(fn, tensors, expected(), TOLERANCE[what]));
    const kept = liveHandles() - before;
    tell(what, problem);
    // What TensorFlow.js has saved for a gradient that fails, it keeps.
    if (kept !== 0 && (what === "value" || problem === undefined)) {
      tell("handles", `the ${what} leaves ${kept}`);
    }
  };

  tf.tidy(() => tensors.forEach((tensor) => tf.reshape(tensor, tensor.shape))); // TensorFlow has each from its first use on
  const call: TensorFunction = (...tensors) => takeApart(fn(...rebuild(tensors) as unknown[])).tensors;
  compare("value", call, () => results);
  const gradient = gradientOf(call, tensors, results);
  if (gradient !== undefined) compare("gradient", gradient, () => gradient(...tensors));
}

/** What `fn` does otherwise in `jit` than it did eagerly, if it does. */
function problemInJit(fn: TensorFunction, args: Row, expected: Row, tolerance: number): string | undefined {
  const jitted = jit(fn);
  try {
    return difference(expected, jitted(...args), tolerance);
  } catch (error) {
    dropTape();
    return `refused: ${error instanceof Error ? error.message : error}`;
  } finally {
    jitted.dispose();
  }
}

/** The gradient of a weighted sum of results for float32 arguments, as a function of all of them; if there is one. */
function gradientOf(call: TensorFunction, args: Row, results: Row): TensorFunction | undefined {
  const isFloat = ({ dtype, size }: tf.Tensor): boolean => dtype === "float32" && size > 0;
  const floats = args.flatMap(({ dtype }, i) => dtype === "float32" ? [i] : []);
  if (floats.length === 0 || !results.some(isFloat)) return undefined;
  // The tape goes by tensors: one that is given twice is one variable eagerly, two in jit.
  if (new Set(args).size < args.length) return undefined;

  const loss = (args: tf.Tensor[]): tf.Scalar =>
    tf.addN(call(...args).filter((_, i) => isFloat(results[i])).map((y) => tf.sum(tf.mul(y, weights(y)))));
  const gradient: TensorFunction = (...args) =>
    tf.grads((...xs: tf.Tensor[]) => {
      const all = [...args];
      floats.forEach((place, i) => all[place] = xs[i]);
      return loss(all);
    })(floats.map((place) => args[place]));
  try {
    tf.tidy(() => void gradient(...args));
    return gradient;
  } catch {
    dropTape(); // an op without a gradient
    return undefined;
  }
}

/** Numbers that differ from each other: a gradient that ignores what comes in is found out. */
function weights({ shape, size }: tf.Tensor): tf.Tensor {
  return tf.tensor(Float32Array.from({ length: size }, (_, i) => Math.cos(i + 1)), shape);
}

/** Takes away what TensorFlow.js leaves of a gradient that failed. */
export function dropTape(): void {
  Object.assign(tf.engine().state, { activeTape: null });
}

/** What differs between results, if anything does: how many there are, their types, shapes and values. */
export function difference(expected: Row, found: Row, tolerance: number): string | undefined {
  if (expected.length !== found.length) return `${expected.length} results eagerly, ${found.length} in jit`;
  for (const [i, x] of expected.entries()) {
    const y = found[i];
    const [typeOfX, typeOfY] = [x, y].map(({ dtype, shape }) => `${dtype} [${shape}]`);
    if (typeOfX !== typeOfY) return `result ${i} is ${typeOfX} eagerly, ${typeOfY} in jit`;
    const [xs, ys] = [x.dataSync(), y.dataSync()];
    const at = Array.from(xs).findIndex((x, i) => !isClose(x, ys[i], tolerance));
    if (at >= 0) return `result ${i} has ${xs[at]} eagerly, ${ys[at]} in jit, at ${at}`;
  }
}

function isClose(x: number | string, y: number | string, tolerance: number): boolean {
  if (typeof x === "string" || typeof y === "string") return x === y;
  if (!Number.isFinite(x)) return Object.is(x, y);
  return Math.abs(x - y) <= tolerance * Math.max(1, Math.abs(x));
}

/** The tensors of a value, in arrays and plain objects too, and how to put others in their places. */
export function takeApart(value: unknown): {
  tensors: tf.Tensor[];
  rebuild: (tensors: Row) => unknown;
} {
  const tensors: tf.Tensor[] = [];
  const visit = (node: unknown): (row: Row) => unknown => {
    if (node instanceof tf.Tensor) {
      const place = tensors.push(node) - 1;
      return (row) => row[place];
    }
    if (Array.isArray(node)) {
      const items = node.map(visit);
      return (row) => items.map((item) => item(row));
    }
    if (isPlain(node)) {
      const items = Object.entries(node).map(([key, item]) => [key, visit(item)] as const);
      return (row) => Object.fromEntries(items.map(([key, item]) => [key, item(row)]));
    }
    return () => node;
  };
  return { tensors, rebuild: visit(value) };
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

/** Arguments as a person may read them: tensors by type and shape. */
function shown(args: readonly unknown[]): string {
  const text = JSON.stringify(args, (_key, value: unknown) => {
    if (value instanceof tf.Tensor) return `${value.dtype} [${value.shape}]`;
    return typeof value === "function" ? "a function" : value;
  });
  return text.length > 300 ? `${text.slice(0, 300)}...` : text;
}
