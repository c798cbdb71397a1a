import { assertEquals } from "@std/assert";
import { jit, tf } from "../../../runtime/mod.ts";

await tf.ready();

Deno.test("round leaves whole numbers as they are, and takes halves to the even neighbour", () => {
  tf.tidy(() => {
    const whole = tf.tensor1d([1, -2, 2 ** 31 - 1, -(2 ** 31)], "int32");
    for (const round of [tf.round<tf.Tensor>, jit(tf.round<tf.Tensor>)]) {
      const rounded = round(whole);
      assertEquals([rounded.dtype, [...rounded.dataSync()]], ["int32", [1, -2, 2 ** 31 - 1, -(2 ** 31)]]);
      assertEquals([...round(tf.tensor1d([0.5, 1.5, -2.5, 2.4])).dataSync()], [0, 2, -2, 2]);
    }
  });
});
