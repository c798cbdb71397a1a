/** Values put in their places. */
import { assertEquals } from "@std/assert";
import { tf } from "../../../runtime/mod.ts";
import { tidyTest } from "../harness.ts";
import { type Argument, parityTest } from "./parity.ts";

const PLACES: Record<string, Argument> = {
  "a row of indices": [[4, 0, 4], [3], "int32"],
  "a column of indices": [[4, 0, 4], [3, 1], "int32"],
};
for (const [name, places] of Object.entries(PLACES)) {
  parityTest(`scatterND sums, ${name}`, (indices, updates) => tf.scatterND(indices, updates, [5, 2]), [
    places,
    [[1, 2, 3, 4, 5, 6], [3, 2]],
  ]);
  parityTest(
    `tensorScatterUpdate replaces, ${name}`,
    (x, indices, updates) => tf.tensorScatterUpdate(x, indices, updates),
    [[[1, 2, 3, 4, 5]], [[3, 0], name.includes("row") ? [2] : [2, 1], "int32"], [[10, 20]]],
  );
}
parityTest(
  "scatterND of places with two indices",
  (indices, updates) => tf.scatterND(indices, updates, [2, 3]),
  [
    [[0, 1, 1, 2], [2, 2], "int32"],
    [[7, 8], [2], "int32"],
  ],
);

for (const dtype of ["float32", "int32", "bool"] as const) {
  parityTest(`diag of ${dtype}`, (x) => tf.diag(x), [[[1, 0, 1, 1], [2, 2], dtype]]);
}

tidyTest("a diagonal of truth values is of truth values", () => {
  const diagonal = tf.diag(tf.tensor1d([5, 0], "bool"));
  assertEquals([diagonal.dtype, [...diagonal.dataSync()]], ["bool", [1, 0, 0, 0]]);
});
