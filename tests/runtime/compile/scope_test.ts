/** What names the nodes of a compiled function have, and that names change nothing else. */
import { assertEquals, assertNotEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { profile, type RunNode } from "../../../runtime/compile/profile.ts";
import { conv2d, crossEntropy, jit, relu, tf, valueAndGrads, withScope } from "../../../runtime/mod.ts";
import { gradients, leakTest, tidyTest } from "../harness.ts";

/** Either names what it runs, or only runs it. */
type Scope = typeof withScope;

/** Two layers and a residual between them, their gradients, and a step along these. */
function step(scope: Scope): (params: Record<string, tf.Tensor>, x: tf.Tensor4D) => tf.Tensor[] {
  return (params, x) => {
    const { value, grads } = valueAndGrads((params) => {
      const y = scope("first", () => relu(conv2d(x, params.first as tf.Tensor4D, { stride: 1, padding: 1 })));
      const z = scope("second", () => tf.matMul(tf.reshape(y, [-1, 4]), params.second as tf.Tensor2D));
      const sum = scope("sum", () => tf.add(tf.sigmoid(tf.reshape(y, [-1, 4])), z));
      const loss = scope("loss", () => scope("mean", () => tf.mean(tf.square(sum))) as tf.Scalar);
      return [loss, {}];
    }, params);
    const next = scope("update", () => Object.values(grads).map((grad) => tf.mul(grad, 0.1)));
    return [value, ...next, tf.exp(value)];
  };
}

function inputs(): [Record<string, tf.Tensor>, tf.Tensor4D] {
  const wave = (shape: number[]): tf.Tensor =>
    tf.reshape(tf.sin(tf.range(1, 1 + shape.reduce((size, length) => size * length), 1)), shape);
  return [{ first: wave([3, 3, 3, 4]), second: wave([4, 4]) }, wave([2, 8, 8, 3]) as tf.Tensor4D];
}

/** The scopes that nodes of an op stand in, in order; "" for none. */
function scopesOf(nodes: readonly RunNode[], op: RegExp): string[] {
  return nodes.filter((node) => op.test(node.op)).map(({ name }) => name.replace(/\/?[^/]*$/, "")).sort();
}

tidyTest("withScope: nodes, and those of their gradients, are called by it", () => {
  const { nodes } = profile(step(withScope), inputs(), { runs: 1 });
  assertEquals(scopesOf(nodes, /Conv2D$/), ["first"]);
  assertEquals(scopesOf(nodes, /^Relu$/), ["first"]);
  assertEquals(scopesOf(nodes, /^Sigmoid$/), ["sum"]);
  assertEquals(scopesOf(nodes, /^Square$/), ["loss/mean"]);
  // tfjs' own kernels, too: the product's gradients are two products.
  assertEquals(scopesOf(nodes, /MatMul/), ["gradient/second", "gradient/second", "second"]);
  assertEquals(scopesOf(nodes, /ReluGrad/), ["gradient/first"]);
  assertEquals(scopesOf(nodes, /Conv2DBackpropFilter/), ["gradient/first"]);
  assertEquals(scopesOf(nodes, /^Exp$/), [""], "behind the gradients");
  const updates = nodes.filter(({ op, name }) => op === "Mul" && name.startsWith("update/"));
  assertEquals(updates.length, 2);
});

for (const precision of ["float32", "bfloat16"] as const) {
  tidyTest(`withScope: no bit of a result changes, ${precision}`, () => {
    const [params, x] = inputs();
    const results = [withScope, <T>(_: string, body: () => T): T => body()].map((scope) => {
      const compiled = jit(step(scope), { precision });
      const values = compiled(params, x).map((tensor) => [...tensor.dataSync()]);
      compiled.dispose();
      return values;
    });
    assertEquals(results[0], results[1]);
    assertNotEquals(new Set(results[0].flat()).size, 1);
  });
}

tidyTest("withScope: gradients of tf.grads, eager and compiled", () => {
  const square = (x: tf.Tensor) => withScope("square", () => tf.square(x));
  const [x, dy] = [tf.tensor1d([1, 2, 3]), tf.tensor1d([1, 10, 100])];
  assertEquals([...gradients(square, [x], [dy])[0].dataSync()], [2, 40, 600]);
  const compiled = jit((x: tf.Tensor1D, dy: tf.Tensor1D) => gradients(square, [x], [dy])[0]);
  assertEquals([...compiled(x, dy).dataSync()], [2, 40, 600]);
  compiled.dispose();
});

leakTest("withScope outside a trace runs its body and nothing else", () => {
  const x = tf.scalar(1);
  assertStrictEquals(withScope("scope", () => x), x);
  x.dispose();
});

tidyTest("withScope: any name will do, and one that fails is left", () => {
  const failing = (x: tf.Tensor): tf.Tensor => {
    assertThrows(() => withScope("broken", () => x.dataSync()), "Cannot read the value");
    return withScope("_größer/als: 1", () => tf.sqrt(x));
  };
  const { nodes } = profile(failing, [tf.scalar(4)], { runs: 1 });
  assertEquals(scopesOf(nodes, /^Sqrt$/), [".gr__er/als__1"]);
  const compiled = jit(failing);
  assertEquals([...compiled(tf.scalar(4)).dataSync()], [2]);
  compiled.dispose();
});

tidyTest("withScope: a gradient that fails leaves no name behind", () => {
  const failing = (x: tf.Tensor): tf.Tensor => {
    const loss = ({ x }: Record<string, tf.Tensor>): [tf.Scalar, Record<string, tf.Tensor>] => {
      const label = tf.reshape<tf.Rank.R1>(tf.cast(tf.min(x), "int32"), [1]);
      return [withScope("loss", () => crossEntropy(tf.reshape<tf.Rank.R2>(x, [1, 2]), label)), {}];
    };
    assertThrows(() => valueAndGrads(loss, { x }), "labels have no gradient");
    return tf.sqrt(x);
  };
  const { nodes } = profile(failing, [tf.tensor1d([1, 2])], { runs: 1 });
  assertEquals(scopesOf(nodes, /^Sqrt$/), [""]);
});
