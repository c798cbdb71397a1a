/** Batch normalisation: PyTorch's values, its two forms, edges and refusals. */
import { assertThrows } from "@std/assert";
import {
  batchNormInference,
  batchNormTrain,
  statelessUniform,
  TensorFlowError,
  tf,
} from "../../../runtime/mod.ts";
import golden from "../../data/golden/batch_norm.json" with { type: "json" };
import { assertClose, FORWARD, GRADIENT, nchwToNhwc } from "../../reference.ts";
import { eagerAndJitted, gradientErrorTest, gradients, images, tidyTest, toTensor } from "../harness.ts";

const test = (name: string, fn: () => void): void => tidyTest(`batch norm: ${name}`, fn);

test("PyTorch's in training, its gradients and the running statistics", () => {
  const { eps, momentum } = golden;
  const x = toTensor<tf.Tensor4D>(nchwToNhwc(golden.x));
  const scale = toTensor<tf.Tensor1D>(golden.weight);
  const offset = toTensor<tf.Tensor1D>(golden.bias);
  const dy = toTensor<tf.Tensor4D>(nchwToNhwc(golden.dy));
  // running = (1 - momentum) running + momentum batch, from mean 0 and variance 1.
  const layer = (x: tf.Tensor4D, scale: tf.Tensor1D, offset: tf.Tensor1D) => {
    const { y, mean, variance } = batchNormTrain(x, scale, offset, eps);
    return {
      y,
      runningMean: tf.mul(mean, momentum),
      runningVariance: tf.add(1 - momentum, tf.mul(variance, momentum)),
    };
  };
  eagerAndJitted(layer, [x, scale, offset], ({ y, runningMean, runningVariance }, mode) => {
    assertClose(y, nchwToNhwc(golden.y_train), FORWARD, `${mode} y`);
    assertClose(runningMean, golden.running_mean, FORWARD, `${mode} running mean`);
    assertClose(runningVariance, golden.running_var, FORWARD, `${mode} running variance`);
  });
  const backward = (x: tf.Tensor4D, scale: tf.Tensor1D, offset: tf.Tensor1D, dy: tf.Tensor4D) =>
    gradients(
      (...args: [tf.Tensor4D, tf.Tensor1D, tf.Tensor1D]) => layer(...args).y,
      [x, scale, offset],
      [dy],
    );
  eagerAndJitted(backward, [x, scale, offset, dy], ([dx, dScale, dOffset], mode) => {
    assertClose(dx, nchwToNhwc(golden.dx), GRADIENT, `${mode} dx`);
    assertClose(dScale, golden.dweight, GRADIENT, `${mode} dscale`);
    assertClose(dOffset, golden.dbias, GRADIENT, `${mode} doffset`);
  });
});

test("PyTorch's in evaluation, by the running statistics", () => {
  eagerAndJitted(
    (
      x: tf.Tensor4D,
      scale: tf.Tensor1D,
      offset: tf.Tensor1D,
      mean: tf.Tensor1D,
      variance: tf.Tensor1D,
    ) => batchNormInference(x, scale, offset, mean, variance, golden.eps),
    [
      toTensor<tf.Tensor4D>(nchwToNhwc(golden.x)),
      toTensor<tf.Tensor1D>(golden.weight),
      toTensor<tf.Tensor1D>(golden.bias),
      toTensor<tf.Tensor1D>(golden.running_mean),
      toTensor<tf.Tensor1D>(golden.running_var),
    ],
    (y, mode) => assertClose(y, nchwToNhwc(golden.y_eval), FORWARD, `${mode} y`),
  );
});

test("of a constant channel is its offset, and its gradient is finite", () => {
  const x = tf.fill<tf.Rank.R4>([2, 2, 2, 1], 7);
  const [scale, offset] = [tf.tensor1d([3]), tf.tensor1d([-1])];
  const { y, mean, variance } = batchNormTrain(x, scale, offset, 1e-5);
  assertClose(y, tf.fill([2, 2, 2, 1], -1), FORWARD);
  assertClose(mean, { shape: [1], data: [7] }, FORWARD);
  assertClose(variance, { shape: [1], data: [0] }, { relative: 0, absolute: 1e-6 });
  const [dx] = gradients(
    (x: tf.Tensor4D) => batchNormTrain(x, scale, offset, 1e-5).y,
    [x],
    [images(2, 2, 2, 1)],
  );
  assertClose(dx, tf.zeros([2, 2, 2, 1]), { relative: 0, absolute: 1e-3 });
});

test("in training and in inference differ; with the batch's statistics they agree", () => {
  const x = statelessUniform([4, 3, 3, 2], tf.tensor1d([1, 2], "int32")) as tf.Tensor4D;
  const [scale, offset] = [tf.tensor1d([1, 2]), tf.tensor1d([0, 1])];
  const { y, mean, variance } = batchNormTrain(x, scale, offset, 1e-3);
  const n = 4 * 3 * 3;
  const biased = tf.mul(variance, (n - 1) / n) as tf.Tensor1D;
  assertClose(batchNormInference(x, scale, offset, mean, biased, 1e-3), y, FORWARD);
  const still = batchNormInference(x, scale, offset, tf.zeros([2]), tf.ones([2]), 1e-3);
  assertThrows(() => assertClose(still, y, { relative: 0.1, absolute: 0 }));
});

test("a scale of another length than the channels is refused", () => {
  assertThrows(
    () => batchNormTrain(images(1, 2, 2, 3), tf.ones([2]), tf.ones([2]), 1e-5),
    TensorFlowError,
    "TFE_Execute(FusedBatchNormV3) failed with INVALID_ARGUMENT (3)",
  );
});

gradientErrorTest("batch norm: running mean and running variance have no gradient, and say so", () => {
  const one = tf.ones<tf.Rank.R1>([1]);
  assertThrows(
    () =>
      gradients(
        (mean: tf.Tensor1D) => batchNormInference(images(1, 2, 2, 1), one, one, mean, one, 1e-5),
        [one],
        [images(1, 2, 2, 1)],
      ),
    TypeError,
    "batchNormInference: the running mean and variance are constants and have no gradient",
  );
});
