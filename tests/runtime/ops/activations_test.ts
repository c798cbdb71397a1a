/** Bias and activations beyond their values (kernels_test.ts): edges, refusals, PyTorch's CELU. */
import { assertEquals, assertThrows } from "@std/assert";
import {
  batchNormInference,
  biasAdd,
  celu,
  conv2d,
  jit,
  relu,
  TensorFlowError,
  tf,
} from "../../../runtime/mod.ts";
import celuValues from "../../data/celu.json" with { type: "json" };
import { assertClose, EXACT, FORWARD, GRADIENT } from "../../reference.ts";
import { eagerAndJitted, gradients, images, tidyTest, toBfloat16, toTensor } from "../harness.ts";

const test = (name: string, fn: () => void): void => tidyTest(`activations: ${name}`, fn);

test("relu is 0 at 0 and below, its gradient too; NaN stays NaN", () => {
  const x = tf.tensor1d([-1, -0, 0, 0.5, 2, NaN]);
  const both = (x: tf.Tensor1D) => ({ y: relu(x), dx: gradients(relu<tf.Tensor1D>, [x], [tf.ones([6])])[0] });
  eagerAndJitted(both, [x], ({ y, dx }, mode) => {
    assertClose(y, { shape: [6], data: [0, 0, 0, 0.5, 2, NaN] }, EXACT, mode);
    assertEquals(Array.from(dx.dataSync()).slice(0, 5), [0, 0, 0, 1, 1], mode);
  });
});

test("an activation of NaN is NaN in bfloat16, and where TensorFlow fuses it with what comes before", () => {
  const x = tf.tensor4d(Array.from({ length: 1024 }, (_, i) => i % 61 === 3 ? NaN : 1), [2, 8, 8, 8]);
  const kernel = tf.ones<tf.Rank.R4>([1, 1, 8, 4]);
  const [one, zero] = [tf.ones<tf.Rank.R1>([4]), tf.zeros<tf.Rank.R1>([4])];
  /** What stands before it; TensorFlow makes one kernel of the two. */
  const before: Record<string, (x: tf.Tensor4D) => tf.Tensor> = {
    nothing: (x) => x,
    convolution: (x) => conv2d(x, kernel, { stride: 1, padding: 0 }),
    "convolution and bias": (x) => biasAdd(conv2d(x, kernel, { stride: 1, padding: 0 }), zero),
    "convolution and batch norm": (x) =>
      batchNormInference(conv2d(x, kernel, { stride: 1, padding: 0 }), one, zero, zero, one, 0),
    "product and bias": (x) => biasAdd(tf.matMul(tf.reshape(x, [-1, 8]), tf.ones([8, 4])), zero),
  };
  const activations = {
    relu,
    celu: (x: tf.Tensor) => celu(x, 0.5),
    "tf.relu": tf.relu,
    "tf.relu6": tf.relu6,
    "tf.elu": tf.elu,
  };
  for (const [first, prepare] of Object.entries(before)) {
    for (const [name, activation] of Object.entries(activations)) {
      for (const precision of ["float32", "bfloat16"] as const) {
        const layer = (x: tf.Tensor4D): tf.Tensor =>
          activation(prepare(precision === "bfloat16" ? toBfloat16(x) : x));
        const compiled = jit(layer, { precision, xla: false });
        const expected = tf.isNaN(prepare(x)).dataSync();
        assertEquals(tf.isNaN(compiled(x)).dataSync(), expected, `${name} after ${first} in ${precision}`);
        compiled.dispose();
      }
    }
  }
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
