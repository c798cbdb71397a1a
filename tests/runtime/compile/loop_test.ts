/** Loops in compiled code and outside: powers and sums by hand, gradients inside, what is refused. */
import { assertEquals, assertThrows } from "@std/assert";
import { JitError } from "../../../runtime/binding/binding.ts";
import { jit, repeat, tf, tree, valueAndGrads } from "../../../runtime/mod.ts";
import { eagerAndJitted, leakTest } from "../harness.ts";

leakTest("repeat: rounds count from 0, what is given stays, eager and jitted", () => {
  const rounds = (start: tf.Scalar, factor: tf.Scalar) =>
    repeat(
      4,
      (round, { sum, product }, factor) => ({
        sum: tf.add(sum, tf.cast(round, "float32")),
        product: tf.mul(product, factor),
      }),
      { sum: tf.scalar(0) as tf.Tensor, product: start as tf.Tensor },
      factor,
    );
  tf.tidy(() => {
    eagerAndJitted(rounds, [tf.scalar(5), tf.scalar(3)], ({ sum, product }, mode) => {
      assertEquals([sum.dataSync()[0], product.dataSync()[0]], [0 + 1 + 2 + 3, 5 * 3 ** 4], mode);
    });
    eagerAndJitted(
      (x: tf.Scalar) => repeat(0, (_, x: tf.Tensor) => tf.mul(x, 2), x, []),
      [tf.scalar(7)],
      (x, mode) => {
        assertEquals(x.dataSync()[0], 7, mode);
      },
    );
  });
});

leakTest("repeat: three steps of gradient descent inside, by hand", () => {
  // loss = w^2, gradient 2 w, w' = w - 0.25 * 2 w = w / 2
  const descend = jit((w: tf.Tensor) =>
    repeat(
      3,
      (_, w: tf.Tensor) => {
        const { grads } = valueAndGrads(({ w }) => [tf.sum(tf.square(w)), {}], { w });
        return tf.sub(w, tf.mul(grads.w, 0.25));
      },
      w,
      [],
    )
  );
  const [w, again] = [tf.tensor1d([8, -4]), tf.tensor1d([1, 2])];
  const results = [descend(w), descend(again)];
  assertEquals(results.map((result) => [...result.dataSync()]), [[1, -0.5], [0.125, 0.25]]);
  tree.dispose([w, again, results]);
  descend.dispose();
});

leakTest(
  "repeat: a carry that changes, a tensor that was not handed over, and gradients through it are refused",
  () => {
    const x = tf.tensor1d([1, 2]);
    const refused = (
      body: (x: tf.Tensor) => tf.Tensor,
      problem: string,
      type: typeof JitError | typeof TypeError,
    ) => {
      for (const run of [(x: tf.Tensor) => repeat(2, (_, x: tf.Tensor) => body(x), x, [])]) {
        const compiled = jit(run);
        assertThrows(() => compiled(x), type, problem);
        compiled.dispose();
      }
    };
    const changed = "the carry has another structure, shape or type after a round than before it";
    refused((x) => tf.sum(x), changed, TypeError);
    refused((x) => tf.cast(x, "int32"), changed, TypeError);
    assertThrows(() => repeat(2, (_, x: tf.Tensor) => tf.sum(x), x, []), TypeError, changed);
    const outside = jit((x: tf.Tensor, y: tf.Tensor) =>
      repeat(2, (_, x: tf.Tensor) => tf.add(x, tf.mul(y, 2)), x, [])
    );
    assertThrows(
      () => outside(x, x),
      JitError,
      "inside a loop that it was not handed to: pass it to the loop",
    );
    outside.dispose();
    const through = tf.grad((x) => tf.sum(repeat(2, (_, x: tf.Tensor) => tf.mul(x, 2), x, [])));
    assertThrows(() => through(x), Error, "Cannot differentiate a loop: take gradients inside its body");
    x.dispose();
  },
);

leakTest("repeat: a loop in a loop, and in bfloat16", () => {
  const squares = (x: tf.Tensor) =>
    repeat(2, (_, x: tf.Tensor) => repeat(2, (_, x: tf.Tensor) => tf.add(x, x), x, []), x, []);
  const compiled = [jit(squares), jit(squares, { precision: "bfloat16" })];
  const x = tf.tensor1d([3]);
  for (const fn of compiled) {
    const y = fn(x);
    assertEquals([...y.dataSync()], [48]);
    y.dispose();
    fn.dispose();
  }
  x.dispose();
});
