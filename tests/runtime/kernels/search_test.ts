/** Values looked up, counted, and told apart. */
import { assertEquals } from "@std/assert";
import { tf } from "../../../runtime/mod.ts";
import { tidyTest } from "../harness.ts";
import { parityTest } from "./parity.ts";

for (const dtype of ["float32", "int32"] as const) {
  for (const side of ["left", "right"] as const) {
    parityTest(
      `searchSorted of ${dtype}, ${side}`,
      (sorted, values) => tf.searchSorted(sorted, values, side),
      [
        [[0, 3, 9, 9, 10, 1, 2, 3, 4, 5], [2, 5], dtype],
        [[2, 9, 11, -4, 3, 8], [2, 3], dtype],
      ],
    );
  }
  parityTest(
    "denseBincount of a row",
    (x, weights) => tf.denseBincount(x as tf.Tensor1D, weights as tf.Tensor1D, 4),
    [
      [[1, 1, 1, 2, 9], [5], "int32"],
      [[1, 2, 3, 4, 5], [5], dtype],
    ],
  );
  for (const weights of [[], [1, 2, 3, 4, 5, 6]]) {
    parityTest(
      `denseBincount of rows, ${weights.length} weights of ${dtype}`,
      (x, weights) => tf.denseBincount(x as tf.Tensor2D, weights as tf.Tensor2D, 4),
      [[[1, 2, 1, 3, 9, 3], [2, 3], "int32"], [weights, weights.length === 0 ? [0] : [2, 3], dtype]],
    );
  }
}
parityTest(
  "denseBincount, whether a value is there",
  (x, weights) => tf.denseBincount(x as tf.Tensor2D, weights as tf.Tensor2D, 4, true),
  [[[1, 1, 2, 3, 3, 9], [2, 3], "int32"], [[], [0]]],
);

const unique = (axis?: number) => (x: tf.Tensor) => {
  const { values, indices } = tf.unique(x, axis);
  return [values, indices];
};
parityTest("unique numbers, NaN and -0 among them", unique(), [[[
  1,
  NaN,
  0,
  -0,
  Infinity,
  NaN,
  1,
  -Infinity,
]]], {
  isStatic: false,
});
parityTest("unique columns", unique(1), [[[1, 2, 1, NaN, 0, NaN, 3, 3, 3], [3, 3]]], { isStatic: false });
parityTest("unique whole numbers", unique(), [[[3, 1, 3, -2], [4], "int32"]], { isStatic: false });

tidyTest("unique keeps the first of equal numbers, of both zeros the positive", () => {
  const { values } = tf.unique(tf.tensor1d([-0, 0, 5]));
  assertEquals([...values.dataSync()], [0, 5]);
});
