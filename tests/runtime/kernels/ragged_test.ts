/** Ragged tensors: values as tfjs has them, and refusals in its words. */
import { assertThrows } from "@std/assert";
import { tf } from "../../../runtime/mod.ts";
import { tidyTest } from "../harness.ts";
import { type Argument, parityTest } from "./parity.ts";

const row = (...values: number[]): Argument => [values, [values.length], "int32"];

for (const dtype of ["int32", "float32"] as const) {
  parityTest(
    `raggedRange of ${dtype}`,
    (starts, limits, deltas) => {
      const { rtNestedSplits, rtDenseValues } = tf.raggedRange(starts, limits, deltas);
      return [rtNestedSplits, rtDenseValues];
    },
    [[[0, 5, 8, 5], [4], dtype], [[8, 7, 8, 1], [4], dtype], [[2, 1, 1, -2], [4], dtype]],
    { isStatic: false },
  );
}

for (const indices of [row(2, 1, 0, 3), [[2, 1, 0, 3], [2, 2], "int32"], [[2], [], "int32"]] as Argument[]) {
  parityTest(
    `raggedGather by indices [${indices[1]}]`,
    (splits, values, indices) => {
      const rank = indices.rank;
      const { outputNestedSplits, outputDenseValues } = tf.raggedGather([splits], values, indices, rank);
      return [...outputNestedSplits, outputDenseValues];
    },
    [row(0, 3, 3, 7, 9), [[0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]], indices],
    { isStatic: false },
  );
}

for (
  const [kind, parts] of [["VALUE_ROWIDS", [0, 0, 0, 2, 2, 2, 2, 3, 3]], ["ROW_SPLITS", [
    0,
    3,
    3,
    7,
    9,
  ]]] as const
) {
  const [types, rows] = kind === "ROW_SPLITS"
    ? [["ROW_SPLITS"], [parts]]
    : [["FIRST_DIM_SIZE", "VALUE_ROWIDS"], [[4], parts]];
  for (const shape of [[4, 4], [3, 2]]) {
    parityTest(
      `raggedTensorToTensor of ${kind} to [${shape}]`,
      (values, fill, ...rows) => {
        const partitions = rows.map((row, i) => types[i] === "FIRST_DIM_SIZE" ? tf.reshape(row, []) : row);
        return tf.raggedTensorToTensor(tf.tensor1d(shape, "int32"), values, fill, partitions, [...types]);
      },
      [[[0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]], [[1.5], []], ...rows.map((values) => row(...values))],
    );
  }
}

tidyTest("ragged ops refuse in tfjs' words", () => {
  const values = tf.tensor1d([0.1, 0.2, 0.3]);
  const gather = (splits: number[], index = 0) => () =>
    tf.raggedGather([tf.tensor1d(splits, "int32")], values, tf.tensor1d([index], "int32"), 1);
  const refusals: [string, () => unknown][] = [
    ["indices[0] = 9 is not in [0, 2)", gather([0, 2, 3], 9)],
    ["Ragged splits must be sorted in ascending order", gather([0, 3, 2, 3])],
    ["Ragged splits must not point past values", gather([0, 2, 4])],
    ["Requires delta != 0", () => tf.raggedRange(tf.tensor1d([1]), tf.tensor1d([2]), tf.tensor1d([0]))],
  ];
  for (const [words, run] of refusals) {
    const error = assertThrows(run, Error);
    if (error.message !== words) throw error;
  }
});
