/**
 * Every kernel of the backend, at once and in `jit`, against the one of the same name of tfjs' `cpu` backend, on the
 * numbers that are easily wrong in silence (`sweep_cases.ts`). Signs of zeros count: 0 and -0 differ, as NaN and
 * a number do. What differs by design stands in `sweep_differences.ts`, to the number.
 */
import { assertEquals } from "@std/assert";
import { hasGpu, jit, runtimeInfo, tf } from "../../../runtime/mod.ts";
import { leakTest } from "../harness.ts";
import { type Call, CALLS, type Input, NOT_SWEPT } from "./sweep_cases.ts";
import { DIFFERENCES, JIT_DIFFERENCES } from "./sweep_differences.ts";

/** What a kernel gives: its tensors, or nothing where it refuses the call. */
type Result = readonly Tensor[] | undefined;
interface Tensor {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly values: readonly number[];
}

/** The part of the `cpu` backend that a kernel is called with, and that its results are read from. */
interface CpuBackend {
  makeTensorInfo(shape: readonly number[], dtype: string, values: ArrayLike<number>): tf.TensorInfo;
  readSync(dataId: tf.TensorInfo["dataId"]): ArrayLike<number>;
}

const ARRAYS = { float32: Float32Array, int32: Int32Array, bool: Uint8Array };

/** The real and the imaginary parts of complex numbers. */
function parts({ shape, values }: Input): [real: Input, imag: Input] {
  const part = (rest: number): Input => ({
    dtype: "float32",
    shape,
    values: values.filter((_, i) => i % 2 === rest),
  });
  return [part(0), part(1)];
}

/** Everything in `inputs`, made a tensor, under the names that it has. */
function made<T>(inputs: Call["inputs"], make: (input: Input) => T): Record<string, T> | T[] {
  return isRow(inputs)
    ? inputs.map(make)
    : Object.fromEntries(Object.entries(inputs).map(([name, input]) => [name, make(input)]));
}

function isRow(inputs: Call["inputs"]): inputs is readonly Input[] {
  return Array.isArray(inputs);
}

/** The kernel of the `cpu` backend, called without that backend being made the one in use. */
function onCpu(name: string, { inputs, attrs = {} }: Call): Result {
  const backend = tf.findBackend("cpu") as unknown as CpuBackend;
  const run = (name: string, inputs: unknown, attrs: unknown): tf.TensorInfo[] =>
    [tf.getKernel(name, "cpu").kernelFunc({ inputs, attrs, backend } as never)].flat();
  const make = (input: Input): tf.TensorInfo => {
    const { dtype, shape, values } = input;
    if (dtype === "complex64") {
      const [real, imag] = parts(input).map(make);
      return run("Complex", { real, imag }, {})[0];
    }
    // Some of its kernels ask for a rank, which tensors have.
    return Object.assign(backend.makeTensorInfo(shape, dtype, ARRAYS[dtype].from(values)), {
      rank: shape.length,
    });
  };
  return unlessRefused(() =>
    tf.tidy(() =>
      run(name, made(inputs, make), attrs).map(({ dataId, dtype, shape }) => ({
        dtype,
        shape,
        values: Array.from(backend.readSync(dataId)),
      }))
    )
  );
}

/** The kernel of this backend, at once or in `jit`. */
function onTensorFlow(name: string, { inputs, attrs = {} }: Call, isJitted: boolean): Result {
  const make = (input: Input): tf.Tensor => {
    const { dtype, shape, values } = input;
    if (dtype !== "complex64") return tf.tensor(ARRAYS[dtype].from(values), [...shape], dtype);
    const [real, imag] = parts(input).map(make);
    return tf.complex(real, imag);
  };
  const run = (inputs: Record<string, tf.Tensor> | tf.Tensor[]): tf.Tensor[] =>
    [
      tf.engine().runKernel(name, inputs as tf.NamedTensorMap, attrs as tf.NamedAttrMap) as
        | tf.Tensor
        | tf.Tensor[],
    ]
      .flat();
  const compiled = jit(run);
  try {
    return unlessRefused(() =>
      tf.tidy(() =>
        (isJitted ? compiled : run)(made(inputs, make)).map((tensor) => ({
          dtype: tensor.dtype,
          shape: tensor.shape,
          values: Array.from(tensor.dataSync()),
        }))
      )
    );
  } finally {
    compiled.dispose();
  }
}

function unlessRefused(run: () => Result): Result {
  try {
    return run();
  } catch {
    return undefined;
  }
}

/** How far a number may be from its reference, which other algorithms have computed in float32. */
const TOLERANCE = 1e-5;

function isClose(found: number, expected: number): boolean {
  if (Object.is(found, expected)) return true;
  return found !== expected && Math.abs(found - expected) <= TOLERANCE * Math.max(1, Math.abs(expected));
}

/** What differs, in words; nothing if nothing does. */
function difference(found: Result, expected: Result, other: string): string | undefined {
  if (found === undefined || expected === undefined) {
    if (found === expected) return undefined;
    return found === undefined ? "refused" : `refused ${other}`;
  }
  const kind = (tensors: readonly Tensor[]): string =>
    tensors.map(({ dtype, shape }) => `${dtype} [${shape}]`).join(", ");
  const kinds = kind(found) === kind(expected) ? [] : [`${kind(found)}, ${other} ${kind(expected)}`];
  const places = found.flatMap(({ values }, k) =>
    values.flatMap((value, i) => {
      const wanted = expected[k]?.values[i];
      if (wanted !== undefined && isClose(value, wanted)) return [];
      return [`${k > 0 ? `${k}, ` : ""}${i}: ${shown(value)}, ${other} ${shown(wanted)}`];
    })
  );
  const more = places.length > 3 ? [`${places.length - 3} more`] : [];
  return [...kinds, ...places.slice(0, 3), ...more].join("; ") || undefined;
}

function shown(value: number | undefined): string {
  if (value === undefined) return "nothing";
  if (Object.is(value, -0)) return "-0";
  return String(Number.isInteger(value) ? value : Number(value.toPrecision(3)));
}

/** The differences of all calls, by kernel and call, as they are listed. */
function differences(of: (name: string, call: Call) => string | undefined): Record<string, string> {
  return Object.fromEntries(
    Object.entries(CALLS).flatMap(([name, calls]) =>
      calls.flatMap((call) => {
        const found = of(name, call);
        return found === undefined ? [] : [[`${name}, ${call.what}`, found]];
      })
    ),
  );
}

/** Those of all causes. */
function listed(byCause: typeof DIFFERENCES): Record<string, string> {
  return Object.assign({}, ...Object.values(byCause));
}

leakTest("every kernel of the backend is swept, or it is said why not", () => {
  const names = tf.getKernelsForBackend("tensorflow").map(({ kernelName }) => kernelName).sort();
  assertEquals(names, [...Object.keys(CALLS), ...Object.keys(NOT_SWEPT)].sort());
  for (const [name, calls] of Object.entries(CALLS)) {
    assertEquals(
      new Set(calls.map(({ what }) => what)).size,
      calls.length,
      `${name}: each call has its own name`,
    );
  }
});

leakTest("kernels give what those of tfjs' cpu backend give, but where it is known why not", () => {
  if (hasGpu(runtimeInfo().devices)) return; // what differs on a processor is listed
  const found = differences((name, call) =>
    difference(onTensorFlow(name, call, false), onCpu(name, call), "cpu")
  );
  assertEquals(found, listed(DIFFERENCES));
});

leakTest("kernels give the same in jit, but where it is known why not", () => {
  if (hasGpu(runtimeInfo().devices)) return;
  const found = differences((name, call) =>
    difference(onTensorFlow(name, call, true), onTensorFlow(name, call, false), "eager")
  );
  assertEquals(found, listed(JIT_DIFFERENCES));
});
