/** Einstein's sums: TensorFlow's, without a result of labels that stand for nothing. */
import { assertEquals, assertThrows } from "@std/assert";
import { jit, tf } from "../../../runtime/mod.ts";
import { tidyTest } from "../harness.ts";
import { parityTest, shuffled } from "./parity.ts";

for (const equation of ["ij,jk->ik", "ij,jk->ki", "ij,jk->ijk"]) {
  parityTest(`einsum ${equation}`, (a, b) => tf.einsum(equation, a, b), [shuffled(2, 3), shuffled(3, 4)]);
}
parityTest("einsum ij->ji", (x) => tf.einsum("ij->ji", x), [shuffled(2, 3)]);

tidyTest("einsum refuses a label that no factor has, and takes sums without a label and traces", () => {
  const x = tf.tensor2d([[1, 2], [3, 4]]);
  const message = "Output subscripts contain the label n not present in the input subscripts.";
  assertThrows(() => tf.einsum("ij,jk->in", x, x), Error, message);
  assertThrows(() => jit((x: tf.Tensor) => tf.einsum("ij,jk->in", x, x))(x), Error, message);
  assertEquals(tf.einsum("ij,jk->", x, x).arraySync(), 7 + 10 + 15 + 22);
  assertEquals(tf.einsum("ii->", x).arraySync(), 5);
});
