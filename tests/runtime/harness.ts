/** What the runtime's tests share: every op is tried as it is and compiled. */
import { canLoadTensorFlow } from "../needs.ts";
import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { callOp, type } from "../../runtime/binding/kernel.ts";
import { libraryNames } from "../../runtime/install/platform.ts";
import {
  conv2d,
  jit,
  liveHandles,
  runtimeInfo,
  statelessUniform,
  tf,
  type Window,
} from "../../runtime/mod.ts";
import type { Reference } from "../reference.ts";

/** How a function was run. */
export type Mode = "eager" | "jit";

/** Runs `fn` eagerly, then compiled, and hands each result to `check`, which may read it. Leaves no tensor behind. */
export function eagerAndJitted<A extends readonly unknown[], R>(
  fn: (...args: A) => R,
  args: A,
  check: (result: R, mode: Mode) => void,
): void {
  tf.tidy(() => check(fn(...args), "eager"));
  const compiled = jit(fn);
  try {
    tf.tidy(() => check(compiled(...args), "jit"));
  } finally {
    compiled.dispose();
  }
}

/** A tensor with the values of a reference. */
export function toTensor<T extends tf.Tensor>({ shape, data }: Reference, dtype: tf.DataType = "float32"): T {
  return tf.tensor(Array.from(data), [...shape], dtype) as T;
}

/**
 * The gradient for each argument of `fn`, with `dy` coming in: one tensor for each output of `fn`. A sum of products
 * stands behind the outputs, so that an op that ignores what comes in is found out.
 */
export function gradients<A extends tf.Tensor[]>(
  fn: (...args: A) => tf.Tensor | readonly tf.Tensor[],
  args: A,
  dy: readonly tf.Tensor[],
): tf.Tensor[] {
  const weighted = (...inputs: tf.Tensor[]): tf.Tensor =>
    tf.addN([fn(...inputs as A)].flat().map((output, i) => tf.sum(tf.mul(output, dy[i]))));
  return tf.grads(weighted)(args);
}

/** Images of ones. */
export function images(...shape: [n: number, height: number, width: number, channels: number]): tf.Tensor4D {
  return tf.ones(shape);
}

/** Values from -1 to 1, others for each salt. */
export function uniform<T extends tf.Tensor>(salt: number, ...shape: number[]): T {
  return tf.sub(tf.mul(statelessUniform(shape, tf.tensor1d([salt, 3], "int32")), 2), 1) as T;
}

/** The same values in 16 bits, in a trace: what follows computes in bfloat16 where the trace does. */
export function toBfloat16<T extends tf.Tensor>(x: T): T {
  return callOp("Cast", { SrcT: type("float32"), DstT: type("bfloat16") }, [x])[0] as T;
}

/** A convolution and both its gradients, as a function of image, kernel and incoming gradient. */
export function conv2dAndGradients(window: Window) {
  const layer = (x: tf.Tensor4D, kernel: tf.Tensor4D) => conv2d(x, kernel, window);
  return (x: tf.Tensor4D, kernel: tf.Tensor4D, dy: tf.Tensor4D) => {
    const [dx, dKernel] = gradients(layer, [x, kernel], [dy]);
    return { y: layer(x, kernel), dx, dKernel };
  };
}

/** What is held right now: tfjs' tensors, TensorFlow's handles. */
export function held(): { tensors: number; handles: number } {
  return { tensors: tf.memory().numTensors, handles: liveHandles() };
}

/** Whether TensorFlow lets cards round the factors of float32 products right now; on the CPU it has the switch too. */
export function isTensorFloat32On(): boolean {
  const { cc } = libraryNames(Deno.build.os === "darwin" ? "darwin" : "linux");
  // bool tsl::tensor_float_32_execution_enabled(), true unless it is turned off
  const library = Deno.dlopen(join(runtimeInfo().directory, cc), {
    _ZN3tsl33tensor_float_32_execution_enabledEv: { parameters: [], result: "bool" },
  });
  const isOn = library.symbols._ZN3tsl33tensor_float_32_execution_enabledEv();
  library.close();
  return isOn;
}

/** Asserts that 200 calls of `step`, after a first one, leave neither tensors nor handles behind. */
export function assertNoGrowth(step: () => void): void {
  step();
  const before = held();
  for (let i = 0; i < 200; i++) step();
  assertEquals(held(), before);
}

/** A test that starts the runtime, and checks that it leaves no tensor and no handle behind. */
export function leakTest(name: string, fn: () => void | Promise<void>): void {
  Deno.test({
    name,
    ignore: !canLoadTensorFlow,
    async fn(): Promise<void> {
      await tf.ready();
      const before = held();
      await fn();
      assertEquals(held(), before, "live tensors and handles");
    },
  });
}

/** The same, with what it makes and does not keep disposed for it. */
export function tidyTest(name: string, fn: () => void): void {
  leakTest(name, () => void tf.tidy(fn));
}

/** A test of an error inside of a gradient, where tfjs does not dispose of what it has saved for it. */
export function gradientErrorTest(name: string, fn: () => void): void {
  Deno.test({
    name,
    ignore: !canLoadTensorFlow,
    async fn(): Promise<void> {
      await tf.ready();
      tf.tidy(fn);
    },
  });
}
