/** `valueAndGrads`: value, gradients by name, and what else the function computes. */
import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { conv2d, crossEntropy, jit, relu, tf, valueAndGrads } from "../../../runtime/mod.ts";
import { assertClose, EXACT, FORWARD } from "../../reference.ts";
import { eagerAndJitted, held, leakTest, tidyTest } from "../harness.ts";

const test = (name: string, fn: () => void): void => tidyTest(`valueAndGrads: ${name}`, fn);

/** sum(w x + b), with dw = x, db = 1 for each element. */
function loss(params: Record<string, tf.Tensor>, x: tf.Tensor) {
  return valueAndGrads<Record<string, tf.Tensor>>(({ w, b }) => {
    const y = tf.add(tf.mul(w, x), b);
    return [tf.sum(y), { y, largest: tf.max(y), input: x }];
  }, params);
}

test("gives the value, a gradient a name, and the rest", () => {
  const params = { w: tf.tensor1d([1, 2, 3]), b: tf.scalar(10) };
  eagerAndJitted(loss, [params, tf.tensor1d([4, 5, 6])], ({ value, grads, aux }, mode) => {
    assertClose(value, { shape: [], data: [62] }, FORWARD, mode);
    assertEquals(Object.keys(grads), ["w", "b"]);
    assertClose(grads.w, { shape: [3], data: [4, 5, 6] }, FORWARD, `${mode} w`);
    assertClose(grads.b, { shape: [], data: [3] }, FORWARD, `${mode} b`);
    assertEquals(Object.keys(aux), ["y", "largest", "input"]);
    assertClose(aux.y, { shape: [3], data: [14, 20, 28] }, FORWARD, `${mode} y`);
    assertClose(aux.largest, { shape: [], data: [28] }, FORWARD, `${mode} largest`);
    assertClose(aux.input, { shape: [3], data: [4, 5, 6] }, EXACT, `${mode} input`);
  });
});

test("no gradient flows through the rest", () => {
  const w = tf.scalar(3);
  const { grads } = valueAndGrads(({ w }) => [tf.sum(tf.square(w)), { cubed: tf.pow(w, 3) }], { w });
  assertClose(grads.w, { shape: [], data: [6] }, FORWARD);
});

test("outside of tidy, only what is returned stays", () => {
  const w = tf.scalar(3);
  tf.add(w, 1); // uploads w
  const before = held();
  const { value, grads, aux } = valueAndGrads(({ w }) => [tf.sum(tf.square(w)), { doubled: tf.mul(w, 2) }], {
    w,
  });
  assertEquals(held().tensors - before.tensors, 3);
  tf.dispose([value, grads.w, aux.doubled]);
  assertEquals(held(), before);
});

test("a value that does not depend on a parameter is refused", () => {
  const params = { w: tf.scalar(3), unused: tf.scalar(1) };
  const wrong = (params: Record<string, tf.Tensor>) =>
    valueAndGrads(({ w }) => [tf.sum(tf.square(w)), {}], params);
  const text = "Cannot compute gradient of y=f(x) with respect to x";
  assertThrows(() => wrong(params), Error, text);
  assertThrows(() => jit(wrong)(params), Error, text);
});

/** Ways to fail: in the function itself, behind it, and in the middle of the gradients. */
const FAILING: [name: string, fn: (w: tf.Tensor) => tf.Tensor, message: string][] = [
  ["the function throws", (w) => {
    // What the gradients of these would need is held by tfjs.
    relu(tf.square(tf.mul(w, w)));
    throw new Error("no such op");
  }, "no such op"],
  ["a result that does not depend on the parameter", () => tf.sum(tf.ones([2])), "Cannot compute gradient"],
  ["a gradient that throws", (w) => {
    const label = tf.reshape<tf.Rank.R1>(tf.cast(tf.min(w), "int32"), [1]);
    return crossEntropy(tf.reshape<tf.Rank.R2>(w, [1, 2]), label);
  }, "labels have no gradient"],
];

for (const [name, fn, message] of FAILING) {
  leakTest(`valueAndGrads: nothing is left after an error, outside of tidy too: ${name}`, () => {
    const w = tf.tensor1d([1, 2]);
    tf.square(w).dispose(); // uploads w
    const before = held();
    const wrong = (w: tf.Tensor) =>
      valueAndGrads(({ w }) => [fn(w) as tf.Scalar, { doubled: tf.mul(w, 2) }], { w }).value;
    const compiled = jit(wrong);
    for (const run of [wrong, compiled, wrong]) {
      assertThrows(() => run(w), Error, message);
      assertEquals(held(), before, run === compiled ? "compiled" : "eager");
    }
    assertEquals(tf.engine().state.gradientDepth, 0);
    compiled.dispose();
    w.dispose();
  });
}

test("in bfloat16 too, what follows from the gradients is computed in float32", () => {
  const x = tf.ones<tf.Rank.R4>([1, 4, 4, 1]);
  const kernel = tf.fill<tf.Rank.R4>([1, 1, 1, 1], 1 + 2 ** -10);
  const step = jit((kernel: tf.Tensor4D, x: tf.Tensor4D) => {
    const { grads } = valueAndGrads(({ kernel }) => {
      const y = conv2d(x, kernel as tf.Tensor4D, { stride: 1, padding: 0 });
      return [tf.sum(relu(y)) as tf.Scalar, {}];
    }, { kernel });
    const velocity = tf.add(grads.kernel, tf.mul(kernel, 1e-3));
    return { velocity, next: tf.sub(kernel, tf.mul(velocity, 1e-4)) };
  }, { precision: "bfloat16" });
  const { velocity, next } = step(kernel, x);
  // The gradient is 16, the number of pixels, exact in bfloat16; the kernel, velocity and next kernel are not.
  assertAlmostEquals(velocity.dataSync()[0], 16 + 1e-3 * (1 + 2 ** -10), 2e-6);
  assertAlmostEquals(next.dataSync()[0], 1 + 2 ** -10 - 1e-4 * (16 + 1e-3 * (1 + 2 ** -10)), 1e-7);
  step.dispose();
});
