/** Bias and activations beyond their values (kernels_test.ts): edges, refusals, PyTorch's CELU. */
import { assertEquals, assertThrows } from "@std/assert";
import { biasAdd, celu, relu, TensorFlowError, tf } from "../../../runtime/mod.ts";
import celuValues from "../../data/celu.json" with { type: "json" };
import { assertClose, EXACT, FORWARD, GRADIENT } from "../../reference.ts";
import { eagerAndJitted, gradients, images, tidyTest, toTensor } from "../harness.ts";

const test = (name: string, fn: () => void): void => tidyTest(`activations: ${name}`, fn);

test("relu is 0 at 0 and below, its gradient too; NaN stays NaN", () => {
  const x = tf.tensor1d([-1, -0, 0, 0.5, 2, NaN]);
  const both = (x: tf.Tensor1D) => ({ y: relu(x), dx: gradients(relu<tf.Tensor1D>, [x], [tf.ones([6])])[0] });
  eagerAndJitted(both, [x], ({ y, dx }, mode) => {
    assertClose(y, { shape: [6], data: [0, 0, 0, 0.5, 2, NaN] }, EXACT, mode);
    assertEquals(Array.from(dx.dataSync()).slice(0, 5), [0, 0, 0, 1, 1], mode);
  });
});

test("celu and its gradient are PyTorch's", () => {
  const { alpha, x, y, dy, dx } = celuValues;
  const both = (x: tf.Tensor, dy: tf.Tensor) => ({
    y: celu(x, alpha),
    dx: gradients((x: tf.Tensor) => celu(x, alpha), [x], [dy])[0],
  });
  eagerAndJitted(both, [toTensor(x), toTensor(dy)], (found, mode) => {
    assertClose(found.y, y, FORWARD, mode);
    assertClose(found.dx, dx, GRADIENT, mode);
  });
});

test("a bias of another length than the last dimension is refused", () => {
  assertThrows(
    () => biasAdd(images(1, 2, 2, 3), tf.ones([2])),
    TensorFlowError,
    "TFE_Execute(BiasAdd) failed with INVALID_ARGUMENT (3)",
  );
});
