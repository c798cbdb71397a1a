/** Softmax of numbers that are not finite: without a largest one, a row has no answer. */
import { jit, type JitOptions, tf } from "../../../runtime/mod.ts";
import { assertClose, FORWARD } from "../../reference.ts";
import { tidyTest } from "../harness.ts";

/** A row, its softmax, and its own gradient of the first number; 1 / (1 + exp(-1)) is 0.7310... */
const ROWS: readonly [row: number[], softmax: number[], gradient: number[]][] = [
  [[2, 1, NaN], [NaN, NaN, NaN], [NaN, NaN, NaN]],
  [[NaN, 1, 2], [NaN, NaN, NaN], [NaN, NaN, NaN]],
  [[2, 1, Infinity], [NaN, NaN, NaN], [NaN, NaN, NaN]],
  [[-Infinity, -Infinity, -Infinity], [NaN, NaN, NaN], [NaN, NaN, NaN]],
  [[2, 1, -Infinity], [0.7310585786300049, 0.2689414213699951, 0], [0.19661193324, -0.19661193324, 0]],
  [[0, Math.log(2), Math.log(5)], [1 / 8, 2 / 8, 5 / 8], [7 / 64, -2 / 64, -5 / 64]],
];

const WAYS: Record<string, JitOptions | undefined> = {
  "eager": undefined,
  "jit": { xla: false },
  "jit in bfloat16": { xla: false, precision: "bfloat16" },
  "jit by XLA": { xla: true },
};

tidyTest("a row with NaN or Infinity is NaN throughout, eager and compiled, and so is its gradient", () => {
  const x = tf.tensor2d(ROWS.map(([row]) => row));
  const gradient = tf.grad((x: tf.Tensor) => tf.sum(tf.slice(tf.softmax(x), [0, 0], [-1, 1])));
  for (const [way, options] of Object.entries(WAYS)) {
    for (
      const [name, fn, part] of [["softmax", tf.softmax<tf.Tensor>, 1], ["gradient", gradient, 2]] as const
    ) {
      const run = options === undefined ? fn : jit((x: tf.Tensor) => fn(x), options);
      const expected = { shape: [ROWS.length, 3], data: ROWS.flatMap((row) => row[part]) };
      assertClose(run(x), expected, FORWARD, `${name}, ${way}`);
      if ("dispose" in run) run.dispose();
    }
  }
});

tidyTest("logSoftmax too", () => {
  const x = tf.tensor2d([[2, 1, NaN], [2, 1, -Infinity]]);
  const expected = { shape: [2, 3], data: [NaN, NaN, NaN, -0.3132616875, -1.3132616875, -Infinity] };
  for (const [way, options] of Object.entries(WAYS)) {
    const run = options === undefined ? tf.logSoftmax : jit((x: tf.Tensor2D) => tf.logSoftmax(x), options);
    assertClose(run(x), expected, FORWARD, way);
    if ("dispose" in run) run.dispose();
  }
});
