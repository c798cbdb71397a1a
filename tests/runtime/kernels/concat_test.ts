import { assertEquals } from "@std/assert";
import { tf } from "../../../runtime/mod.ts";
import { eagerAndJitted, tidyTest } from "../harness.ts";

tidyTest("concat joins scalars into a vector", () => {
  const join = (...tensors: tf.Tensor[]): tf.Tensor => tf.concat(tensors as tf.Tensor1D[]);
  for (const dtype of ["float32", "int32"] as const) {
    const scalars = [1, 2, 3].map((value) => tf.scalar(value, dtype));
    eagerAndJitted(join, scalars, (found) => {
      assertEquals([found.dtype, found.shape, found.arraySync() as unknown], [dtype, [3], [1, 2, 3]]);
    });
  }
});

tidyTest("concat joins along any axis, with empty ones, of every type", () => {
  const x = tf.tensor2d([[1, 2], [3, 4]]);
  const y = tf.tensor2d([[5], [6]]);
  const along = (axis: number) => (...tensors: tf.Tensor[]): tf.Tensor => tf.concat(tensors, axis);
  for (const axis of [1, -1]) {
    eagerAndJitted(along(axis), [x, y, tf.zeros([2, 0])], (found) => {
      assertEquals(found.arraySync() as unknown, [[1, 2, 5], [3, 4, 6]]);
    });
  }
  const grad = tf.grads((x: tf.Tensor, y: tf.Tensor) =>
    tf.sum(tf.mul(along(1)(x, y), [[1, 2, 3], [4, 5, 6]]))
  );
  assertEquals(grad([x, y]).map((dx) => dx.arraySync() as unknown), [[[1, 2], [4, 5]], [[3], [6]]]);
  const texts = tf.concat([tf.tensor1d(["a"]), tf.tensor1d(["b", "more than the 22 bytes that fit inline"])]);
  assertEquals(texts.arraySync() as unknown, ["a", "b", "more than the 22 bytes that fit inline"]);
  const flags = tf.concat([tf.tensor1d([true]), tf.tensor1d([false])]);
  assertEquals([flags.dtype, flags.arraySync() as unknown], ["bool", [1, 0]]);
  const complex = tf.concat([tf.complex([1], [2]), tf.complex([3], [4])] as tf.Tensor1D[]);
  assertEquals(tf.imag(complex).arraySync() as unknown, [2, 4]);
});
