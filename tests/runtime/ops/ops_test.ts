/** The native ops together: none leaves anything behind. */
import { assertEquals } from "@std/assert";
import {
  avgPool,
  batchNormInference,
  batchNormTrain,
  biasAdd,
  conv2d,
  crossEntropy,
  dropout,
  foldSeed,
  maxPool,
  relu,
  statelessUniform,
  statelessUniformInt,
  tf,
} from "../../../runtime/mod.ts";
import { canLoadTensorFlow } from "../../needs.ts";
import { held, images } from "../harness.ts";

Deno.test({
  name: "ops: leave nothing behind but what they return, outside of tidy too",
  ignore: !canLoadTensorFlow,
  async fn() {
    await tf.ready();
    const before = held();
    const x = images(2, 4, 4, 3);
    const row = tf.ones<tf.Rank.R1>([3]);
    const seed = tf.tensor1d([1, 2], "int32");
    const kernel = images(3, 3, 3, 2);
    const logits = tf.zeros<tf.Rank.R2>([2, 3]);
    const labels = tf.tensor1d([0, 2], "int32");
    const calls: Record<string, () => tf.TensorContainer> = {
      conv2d: () => conv2d(x, kernel, { stride: 2, padding: 1 }),
      biasAdd: () => biasAdd(x, row),
      batchNormTrain: () => ({ ...batchNormTrain(x, row, row, 1e-5) }),
      batchNormInference: () => batchNormInference(x, row, row, row, row, 1e-5),
      relu: () => relu(x),
      maxPool: () => maxPool(x, { kernelSize: 3, stride: 2, padding: 1 }),
      avgPool: () => avgPool(x, { kernelSize: 2, stride: 2 }),
      crossEntropy: () => crossEntropy(logits, labels),
      "crossEntropy, smoothed": () => crossEntropy(logits, labels, { labelSmoothing: 0.1 }),
      dropout: () => dropout(x, 0.5, seed),
      statelessUniform: () => statelessUniform([3], seed),
      statelessUniformInt: () => statelessUniformInt([3], seed, 0, 9),
      foldSeed: () => foldSeed(seed, 1),
    };
    for (const [name, call] of Object.entries(calls)) {
      call(); // the first call uploads the inputs
      const start = held();
      const result = call();
      tf.dispose(result);
      assertEquals(held(), start, name);
    }
    tf.disposeVariables();
    tf.dispose([x, row, seed, kernel, logits, labels]);
    assertEquals(held().tensors - before.tensors, Object.keys(calls).length + 2, "the first calls' results");
  },
});
