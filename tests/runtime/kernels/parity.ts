/** The kernels against tfjs' own `cpu` backend: an implementation in JavaScript that shares nothing with TensorFlow. */
import { assertEquals, assertThrows } from "@std/assert";
import { jit, JitError, tf } from "../../../runtime/mod.ts";
import { assertClose, FORWARD, type Tolerance } from "../../reference.ts";
import { leakTest } from "../harness.ts";

/** An argument, from which each backend makes a tensor of its own. */
export type Argument = readonly [
  values: readonly number[] | readonly string[],
  shape?: readonly number[],
  dtype?: tf.DataType,
];

/** A function of tensors that gives one, or several. */
export type Op = (...tensors: tf.Tensor[]) => tf.Tensor | tf.Tensor[];

interface Result {
  readonly shape: readonly number[];
  readonly dtype: tf.DataType;
  readonly data: ArrayLike<number> | readonly string[];
}

function made([values, shape = [values.length], dtype = "float32"]: Argument): tf.Tensor {
  return tf.tensor([...values] as number[], [...shape], dtype);
}

/** The values of tensors, of booleans 0 and 1. */
function read(tensors: tf.Tensor | readonly tf.Tensor[]): Result[] {
  return [tensors].flat().map((tensor: tf.Tensor) => {
    const { shape, dtype } = tensor;
    return {
      shape,
      dtype,
      data: dtype === "string" ? Array.from(tensor.dataSync<"string">()) : tensor.dataSync(),
    };
  });
}

/** What `op` gives on the `cpu` backend. */
export async function onCpu(op: Op, args: readonly Argument[]): Promise<Result[]> {
  await tf.setBackend("cpu");
  try {
    let results: Result[] = [];
    tf.tidy(() => void (results = read(op(...args.map(made)))));
    return results;
  } finally {
    await tf.setBackend("tensorflow");
  }
}

/** Whole numbers from 1 in an order that looks like none, each once: their largest is never far from another. */
export function shuffled(...shape: number[]): Argument {
  const size = shape.reduce((product, side) => product * side, 1);
  const values = Array.from({ length: size }, (_, i) => i + 1);
  for (let i = size - 1, state = 1; i > 0; i--) {
    state = (state * 48271) % (2 ** 31 - 1); // Park and Miller's generator
    const j = state % (i + 1);
    [values[i], values[j]] = [values[j], values[i]];
  }
  return [values, shape];
}

/** How results are compared. */
export interface Comparison {
  /** Whether the shape of the result follows from those of the arguments: only then does `jit` take it. */
  readonly isStatic?: boolean;
  readonly tolerance?: Tolerance;
}

/** Asserts that TensorFlow gives what the `cpu` backend gives, eagerly and compiled. */
export async function assertAsOnCpu(
  op: Op,
  args: readonly Argument[],
  { isStatic = true, tolerance = FORWARD }: Comparison = {},
  what = "result",
): Promise<void> {
  const expected = await onCpu(op, args);
  const compiled = jit(op);
  try {
    tf.tidy(() => {
      const tensors = args.map(made);
      compare(read(op(...tensors)), expected, tolerance, what);
      if (isStatic) compare(read(compiled(...tensors)), expected, tolerance, `${what} in jit`);
      else assertThrows(() => compiled(...tensors), JitError, "depends on values");
    });
  } finally {
    compiled.dispose();
  }
}

function compare(
  found: readonly Result[],
  expected: readonly Result[],
  tolerance: Tolerance,
  what: string,
): void {
  assertEquals(found.map(({ dtype }) => dtype), expected.map(({ dtype }) => dtype), `${what}: types`);
  for (const [i, { shape, dtype, data }] of expected.entries()) {
    if (dtype === "string") assertEquals(found[i], expected[i], what);
    else {assertClose(
        found[i] as Numbers,
        { shape, data: data as Numbers["data"] },
        tolerance,
        `${what} ${i}`,
      );}
  }
}
interface Numbers {
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
}

/** A test of `assertAsOnCpu`, which leaves no tensor behind. */
export function parityTest(name: string, op: Op, args: readonly Argument[], comparison?: Comparison): void {
  leakTest(name, () => assertAsOnCpu(op, args, comparison));
}

/** The gradients of the first result for every argument, with `dy` 1, 2, 3 ... coming in. */
export function gradientsOf(op: Op): Op {
  return (...tensors) =>
    tf.grads((...inputs: tf.Tensor[]) => {
      const [y] = [op(...inputs)].flat();
      return tf.sum(tf.mul(y, tf.reshape(tf.range(1, y.size + 1), y.shape)));
    })(tensors);
}
