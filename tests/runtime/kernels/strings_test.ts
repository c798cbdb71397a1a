/** Parts of strings, their hashes and their order. */
import { assertEquals, assertThrows } from "@std/assert";
import { jit, JitError, tf } from "../../../runtime/mod.ts";
import { tidyTest } from "../harness.ts";
import { assertAsOnCpu, type Op, parityTest } from "./parity.ts";
import { leakTest } from "../harness.ts";

const WORDS = [["a", "b", "c", "d", "e", "f"], [6], "string"] as const;
const ROWS = [[0, 4, 6, 6], [4], "int32"] as const;

for (const [widths, padWidth, preserve] of [[[3], -1, false], [[2, 5], 1, false], [[3], 0, true]] as const) {
  parityTest(
    `stringNGrams of ${widths}, padded by ${padWidth}${preserve ? ", short ones kept" : ""}`,
    (data, rows) => {
      const { nGrams, nGramsSplits } = tf.string.stringNGrams(
        data as tf.Tensor1D,
        rows,
        "|",
        [...widths],
        "LP",
        "RP",
        padWidth,
        preserve,
      );
      return [nGrams, nGramsSplits];
    },
    [WORDS, ROWS],
    { isStatic: false },
  );
}

for (const [delimiter, skipEmpty] of [[" ", true], [" ", false], ["", true], [" -", true]] as const) {
  parityTest(
    `stringSplit by "${delimiter}"${skipEmpty ? "" : ", empty parts kept"}`,
    (texts, delimiter) => {
      const { indices, values, shape } = tf.string.stringSplit(
        texts as tf.Tensor1D,
        delimiter as tf.Scalar,
        skipEmpty,
      );
      return [indices, values, shape];
    },
    [[["hello there", "a  b-c", ""], [3], "string"], [[delimiter], [], "string"]],
    { isStatic: false },
  );
}

parityTest(
  "stringToHashBucketFast",
  (texts) => tf.string.stringToHashBucketFast(texts, 10),
  [[["a", "b", "c", "d", "é", ""], [2, 3], "string"]],
);

const orders: Record<string, Op> = {
  greater: tf.greater,
  greaterEqual: tf.greaterEqual,
  less: tf.less,
  lessEqual: tf.lessEqual,
};
for (const [name, op] of Object.entries(orders)) {
  tidyTest(`${name} orders strings, and broadcasts them`, () => {
    const [left, right] = [
      tf.tensor([["a"], ["b"]], [2, 1], "string"),
      tf.tensor(["", "a", "ab", "b"], [4], "string"),
    ];
    const y = op(left, right) as tf.Tensor;
    const holds = (a: string, b: string) =>
      ({ greater: a > b, greaterEqual: a >= b, less: a < b, lessEqual: a <= b })[name];
    const expected = ["a", "b"].flatMap((a) => ["", "a", "ab", "b"].map((b) => Number(holds(a, b))));
    assertEquals([y.dtype, y.shape, [...y.dataSync()]], ["bool", [2, 4], expected]);
    assertThrows(() => jit(op)(left, right), JitError, "Cannot read the value of a tensor inside jit");
  });
  leakTest(`${name} orders numbers`, async () => {
    for (const dtype of ["float32", "int32"] as const) {
      await assertAsOnCpu(op, [[[1, 2, 3], [3], dtype], [[2], [1], dtype]], {}, dtype);
    }
  });
}
