/** Tests of how a call of an op is repeated in `jit`. */
import { assertEquals } from "@std/assert";
import { tf } from "../../runtime/mod.ts";
import { gradientErrorTest, leakTest, tidyTest } from "../runtime/harness.ts";
import { checkCall, difference, takeApart } from "./jit_check.ts";
import type { CallEvent } from "./events.ts";
import type { Op } from "./operation.ts";

/** What is told of a call of `fn`: what was tried, and what was wrong with it. */
function told(fn: Op, ...args: unknown[]): [CallEvent["what"], string | undefined][] {
  const events: CallEvent[] = [];
  tf.tidy(() => checkCall({ op: "made", fn, args, result: fn(...args) }, (event) => events.push(event)));
  return events.map(({ what, problem }) => [what, problem]);
}

leakTest("jit check: an op whose value and gradient are the same", () => {
  tf.tidy(() => {
    const square: Op = (x) => tf.square(x as tf.Tensor);
    assertEquals(told(square, tf.tensor1d([1, 2])), [["value", undefined], ["gradient", undefined]]);
    assertEquals(told(square, tf.tensor1d([1, 2], "int32")), [["value", undefined]]);
  });
});

leakTest("jit check: a value that is another, a gradient that is another, a refusal", () => {
  tf.tidy(() => {
    let calls = 0;
    const another: Op = (x) => tf.add(x as tf.Tensor, tf.scalar(calls++, "int32"));
    assertEquals(told(another, tf.tensor1d([5], "int32")), [[
      "value",
      "result 0 has 5 eagerly, 6 in jit, at 0",
    ]]);

    let factor = 1;
    const steeper = tf.customGrad((x) => ({
      value: tf.clone(x as tf.Tensor),
      gradFunc: (dy: tf.Tensor) => tf.mul(dy, factor++),
    }));
    assertEquals(told(steeper as Op, tf.tensor1d([5])), [
      ["value", undefined],
      [
        "gradient",
        `result 0 has ${2 * Math.fround(Math.cos(1))} eagerly, ${3 * Math.fround(Math.cos(1))} in jit, at 0`,
      ],
    ]);

    const reads: Op = (x) => tf.scalar((x as tf.Tensor).dataSync()[0]);
    const [[what, problem]] = told(reads, tf.scalar(1, "int32"));
    assertEquals([what, problem?.split(":")[0]], ["value", "refused"]);
  });
});

gradientErrorTest(
  "jit check: a gradient that is refused, or that there is none of, leaves no tape behind",
  () => {
    const reads = tf.customGrad((...args) => {
      const [x] = args as [tf.Tensor];
      return { value: tf.clone(x), gradFunc: (dy: tf.Tensor) => tf.mul(dy, x.dataSync()[0]) };
    });
    const found = told(reads as Op, tf.tensor1d([5]));
    assertEquals(found.map(([what, problem]) => [what, problem?.split(":")[0]]), [
      ["value", undefined],
      ["gradient", "refused"],
    ]);
    assertEquals(tf.engine().state.activeTape, null);

    const throws = tf.customGrad((...args) => {
      const [x] = args as [tf.Tensor];
      return {
        value: tf.clone(x),
        gradFunc: () => {
          throw new Error("there is none");
        },
      };
    });
    assertEquals(told(throws as Op, tf.tensor1d([5])), [["value", undefined]]);
    assertEquals(tf.engine().state.activeTape, null);
  },
);

tidyTest("jit check: what a call leaves behind", () => {
  const [none, late] = [tf.scalar(0, "int32"), tf.scalar(0, "int32")];
  let calls = 0;
  // TensorFlow has the second constant from the trace on, and for as long as it lives.
  const closesOver: Op = (x) => tf.add(x as tf.Tensor, calls++ === 0 ? none : late);
  const found = told(closesOver, tf.tensor1d([1], "int32"));
  assertEquals(found, [["value", undefined], ["handles", "the value leaves 1"]]);
});

tidyTest("jit check: a difference in number, type, shape, values; NaN is NaN, and near is equal", () => {
  const [a, b] = [tf.tensor1d([1, NaN, 3]), tf.tensor1d([1, NaN, 3.0001])];
  assertEquals(difference([a], [b], 1e-4), undefined);
  assertEquals(difference([a], [b], 1e-6), "result 0 has 3 eagerly, 3.0000998973846436 in jit, at 2");
  assertEquals(difference([b], [tf.tensor1d([1, 2, 3])], 1), "result 0 has NaN eagerly, 2 in jit, at 1");
  const [up, down] = [Infinity, -Infinity].map((value) => tf.scalar(value));
  assertEquals(difference([up, down], [up, down], 1), undefined);
  assertEquals(difference([up], [down], 1), "result 0 has Infinity eagerly, -Infinity in jit, at 0");
  assertEquals(difference([up], [tf.scalar(5)], 1), "result 0 has Infinity eagerly, 5 in jit, at 0");
  assertEquals(difference([a, a], [a], 1), "2 results eagerly, 1 in jit");
  assertEquals(
    difference([a, a], [a, tf.reshape(a, [3, 1])], 1),
    "result 1 is float32 [3] eagerly, float32 [3,1] in jit",
  );
  assertEquals(
    difference([tf.zeros([1], "int32")], [tf.zeros([1])], 1),
    "result 0 is int32 [1] eagerly, float32 [1] in jit",
  );
  const [x, y] = [tf.tensor1d(["a"]), tf.tensor1d(["b"])];
  assertEquals(difference([x], [y], 1), "result 0 has a eagerly, b in jit, at 0");
});

tidyTest("jit check: the tensors of arguments, and others in their places", () => {
  const [a, b, c, d] = [1, 2, 3, 4].map((value) => tf.scalar(value));
  const { tensors, rebuild } = takeApart([a, [1, b], { x: "same", alpha: null }]);
  assertEquals(tensors, [a, b]);
  assertEquals(rebuild([c, d]), [c, [1, d], { x: "same", alpha: null }]);
});
