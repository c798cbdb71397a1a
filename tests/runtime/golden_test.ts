/** Parity with PyTorch's own values (tests/data/golden): float32, eager and jitted, forward and gradients. */
import { assertAlmostEquals } from "@std/assert";
import {
  batchNormInference,
  batchNormTrain,
  biasAdd,
  conv2d,
  crossEntropy,
  maxPool,
  tf,
} from "../../runtime/mod.ts";
import batchNorm from "../data/golden/batch_norm.json" with { type: "json" };
import convolutions from "../data/golden/conv2d.json" with { type: "json" };
import entropy from "../data/golden/cross_entropy.json" with { type: "json" };
import pool from "../data/golden/max_pool.json" with { type: "json" };
import resize from "../data/golden/resize.json" with { type: "json" };
import { canLoadTensorFlow } from "../needs.ts";
import { assertClose, FORWARD, GRADIENT, nchwToNhwc, oihwToHwio } from "../reference.ts";
import { eagerAndJitted, gradients, toTensor } from "./harness.ts";

const ignore = !canLoadTensorFlow;

for (const golden of convolutions) {
  const { stride, padding, weight } = golden;
  const [out, , kernelSize] = weight.shape;
  const name = `conv2d ${kernelSize}x${kernelSize} to ${out} channels, stride ${stride}, padding ${padding}` +
    (golden.bias === null ? "" : ", with bias");
  Deno.test({
    name: `golden: ${name}`,
    ignore,
    async fn() {
      await tf.ready();
      tf.tidy(() => {
        const x = toTensor<tf.Tensor4D>(nchwToNhwc(golden.x));
        const kernel = toTensor<tf.Tensor4D>(oihwToHwio(weight));
        const dy = toTensor<tf.Tensor4D>(nchwToNhwc(golden.dy));
        // PyTorch's layer has no bias where the file says null: a zero one changes nothing.
        const bias = golden.bias === null ? tf.zeros<tf.Rank.R1>([out]) : toTensor<tf.Tensor1D>(golden.bias);
        const layer = (x: tf.Tensor4D, kernel: tf.Tensor4D, bias: tf.Tensor1D): tf.Tensor4D =>
          biasAdd(conv2d(x, kernel, { stride, padding }), bias);
        eagerAndJitted(layer, [x, kernel, bias], (y, mode) => {
          assertClose(y, nchwToNhwc(golden.y), FORWARD, `${mode} y`);
        });
        const backward = (x: tf.Tensor4D, kernel: tf.Tensor4D, bias: tf.Tensor1D, dy: tf.Tensor4D) =>
          gradients(layer, [x, kernel, bias], [dy]);
        eagerAndJitted(backward, [x, kernel, bias, dy], ([dx, dKernel, dBias], mode) => {
          assertClose(dx, nchwToNhwc(golden.dx), GRADIENT, `${mode} dx`);
          assertClose(dKernel, oihwToHwio(golden.dweight), GRADIENT, `${mode} dweight`);
          if (golden.dbias !== null) assertClose(dBias, golden.dbias, GRADIENT, `${mode} dbias`);
        });
      });
    },
  });
}

Deno.test({
  name: "golden: batch norm in training, its gradients and the running statistics",
  ignore,
  async fn() {
    await tf.ready();
    const { eps, momentum } = batchNorm;
    tf.tidy(() => {
      const x = toTensor<tf.Tensor4D>(nchwToNhwc(batchNorm.x));
      const scale = toTensor<tf.Tensor1D>(batchNorm.weight);
      const offset = toTensor<tf.Tensor1D>(batchNorm.bias);
      const dy = toTensor<tf.Tensor4D>(nchwToNhwc(batchNorm.dy));
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
        assertClose(y, nchwToNhwc(batchNorm.y_train), FORWARD, `${mode} y`);
        assertClose(runningMean, batchNorm.running_mean, FORWARD, `${mode} running mean`);
        assertClose(runningVariance, batchNorm.running_var, FORWARD, `${mode} running variance`);
      });
      const backward = (x: tf.Tensor4D, scale: tf.Tensor1D, offset: tf.Tensor1D, dy: tf.Tensor4D) =>
        gradients(
          (...args: [tf.Tensor4D, tf.Tensor1D, tf.Tensor1D]) => layer(...args).y,
          [x, scale, offset],
          [
            dy,
          ],
        );
      eagerAndJitted(backward, [x, scale, offset, dy], ([dx, dScale, dOffset], mode) => {
        assertClose(dx, nchwToNhwc(batchNorm.dx), GRADIENT, `${mode} dx`);
        assertClose(dScale, batchNorm.dweight, GRADIENT, `${mode} dscale`);
        assertClose(dOffset, batchNorm.dbias, GRADIENT, `${mode} doffset`);
      });
    });
  },
});

Deno.test({
  name: "golden: batch norm in evaluation uses the running statistics",
  ignore,
  async fn() {
    await tf.ready();
    tf.tidy(() => {
      eagerAndJitted(
        (
          x: tf.Tensor4D,
          scale: tf.Tensor1D,
          offset: tf.Tensor1D,
          mean: tf.Tensor1D,
          variance: tf.Tensor1D,
        ) => batchNormInference(x, scale, offset, mean, variance, batchNorm.eps),
        [
          toTensor<tf.Tensor4D>(nchwToNhwc(batchNorm.x)),
          toTensor<tf.Tensor1D>(batchNorm.weight),
          toTensor<tf.Tensor1D>(batchNorm.bias),
          toTensor<tf.Tensor1D>(batchNorm.running_mean),
          toTensor<tf.Tensor1D>(batchNorm.running_var),
        ],
        (y, mode) => assertClose(y, nchwToNhwc(batchNorm.y_eval), FORWARD, `${mode} y`),
      );
    });
  },
});

Deno.test({
  name: "golden: max pooling with padding, and its gradient",
  ignore,
  async fn() {
    await tf.ready();
    const { kernel: kernelSize, stride, padding } = pool;
    tf.tidy(() => {
      const x = toTensor<tf.Tensor4D>(nchwToNhwc(pool.x));
      const dy = toTensor<tf.Tensor4D>(nchwToNhwc(pool.dy));
      const layer = (x: tf.Tensor4D): tf.Tensor4D => maxPool(x, { kernelSize, stride, padding });
      eagerAndJitted(layer, [x], (y, mode) => assertClose(y, nchwToNhwc(pool.y), FORWARD, `${mode} y`));
      eagerAndJitted(
        (x: tf.Tensor4D, dy: tf.Tensor4D) => gradients(layer, [x], [dy]),
        [x, dy],
        ([dx], mode) => assertClose(dx, nchwToNhwc(pool.dx), GRADIENT, `${mode} dx`),
      );
    });
  },
});

Deno.test({
  name: "golden: bilinear resize with half-pixel centres",
  ignore,
  async fn() {
    await tf.ready();
    const { size } = resize;
    tf.tidy(() => {
      eagerAndJitted(
        (x: tf.Tensor4D) => tf.image.resizeBilinear(x, [size, size], false, true),
        [toTensor<tf.Tensor4D>(nchwToNhwc(resize.x))],
        (y, mode) => assertClose(y, nchwToNhwc(resize.y), FORWARD, `${mode} y`),
      );
    });
  },
});

for (const { label_smoothing: labelSmoothing, loss, dlogits } of entropy.cases) {
  Deno.test({
    name: `golden: cross-entropy with label smoothing ${labelSmoothing}, and its gradient`,
    ignore,
    async fn() {
      await tf.ready();
      tf.tidy(() => {
        const logits = toTensor<tf.Tensor2D>(entropy.logits);
        const labels = tf.tensor1d(entropy.labels, "int32");
        const mean = (logits: tf.Tensor2D, labels: tf.Tensor1D): tf.Scalar =>
          crossEntropy(logits, labels, { labelSmoothing });
        eagerAndJitted(mean, [logits, labels], (result, mode) => {
          assertAlmostEquals(result.dataSync()[0], loss, 1e-5 * loss, mode);
        });
        // An incoming gradient other than 1 shows whether the op's own gradient passes it on.
        const backward = (logits: tf.Tensor2D, labels: tf.Tensor1D) =>
          gradients((logits: tf.Tensor2D) => mean(logits, labels), [logits], [tf.scalar(3)]);
        const tripled = { shape: dlogits.shape, data: dlogits.data.map((value) => 3 * value) };
        eagerAndJitted(backward, [logits, labels], ([dLogits], mode) => {
          assertClose(dLogits, tripled, GRADIENT, `${mode} dlogits`);
        });
      });
    },
  });
}
