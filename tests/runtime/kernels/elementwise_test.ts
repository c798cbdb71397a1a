/** Element by element. */
import { tf } from "../../../runtime/mod.ts";
import { gradientsOf, parityTest } from "./parity.ts";

parityTest("bitwiseAnd", (a, b) => tf.bitwiseAnd(a, b), [
  [[0, 5, -3, 2 ** 31 - 1, -(2 ** 31)], [5], "int32"],
  [[7, 6, 11, -2, 2 ** 31 - 1], [5], "int32"],
]);

for (const dtype of ["float32", "int32"] as const) {
  const values = [3, -2, 0, -7];
  parityTest(`leakyRelu of ${dtype}`, (x) => tf.leakyRelu(x, 0.25), [[values, [4], dtype]]);
  parityTest(`step of ${dtype}`, (x) => tf.step(x, 2), [[values, [2, 2], dtype]]);
}
parityTest("step of no number", (x) => tf.step(x, 0.5), [[[NaN, Infinity, -Infinity, -0]]]);
parityTest("step of whole numbers cuts its other value", (x) => tf.step(x, -1.75), [[[2, -2], [2], "int32"]]);
parityTest("the gradient of leakyRelu", gradientsOf((x) => tf.leakyRelu(x, 0.25)), [[[3, -2, -7]]]);
