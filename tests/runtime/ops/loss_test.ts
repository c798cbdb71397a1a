/** The loss: PyTorch's values, values known without computing, refusals. */
import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { crossEntropy, statelessUniform, TensorFlowError, tf } from "../../../runtime/mod.ts";
import golden from "../../data/golden/cross_entropy.json" with { type: "json" };
import weighted from "../../data/class_weights.json" with { type: "json" };
import { assertClose, GRADIENT } from "../../reference.ts";
import { eagerAndJitted, gradientErrorTest, gradients, tidyTest, toTensor } from "../harness.ts";

const test = (name: string, fn: () => void): void => tidyTest(`cross-entropy: ${name}`, fn);

const CASES = [golden, weighted].flatMap(({ cases, ...given }) => cases.map((one) => ({ ...given, ...one })));

for (const { label_smoothing: labelSmoothing, loss, dlogits, ...given } of CASES) {
  const classWeights = "weights" in given ? given.weights as number[] : undefined;
  test(`PyTorch's with label smoothing ${labelSmoothing}, weights ${classWeights}, and its gradient`, () => {
    const logits = toTensor<tf.Tensor2D>(given.logits);
    const labels = tf.tensor1d(given.labels, "int32");
    const mean = (logits: tf.Tensor2D, labels: tf.Tensor1D): tf.Scalar =>
      crossEntropy(logits, labels, { labelSmoothing, classWeights });
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
}

test("of equal logits is ln C, smoothed or not; the gradient of a row sums to 0", () => {
  const labels = tf.tensor1d([0, 3, 9], "int32");
  for (const labelSmoothing of [0, 0.1]) {
    const loss = (logits: tf.Tensor2D): tf.Tensor => crossEntropy(logits, labels, { labelSmoothing });
    assertAlmostEquals(loss(tf.zeros([3, 10])).dataSync()[0], Math.log(10), 1e-6);
    const logits = statelessUniform([3, 10], tf.tensor1d([1, 2], "int32")) as tf.Tensor2D;
    const [dLogits] = gradients(loss, [logits], [tf.scalar(1)]);
    assertClose(tf.sum(dLogits, 1), { shape: [3], data: [0, 0, 0] }, { relative: 0, absolute: 1e-7 });
  }
});

test("of equal weights is that without weights; of other ones each image counts as its class", () => {
  const logits = tf.tensor2d([[0, 1, 5], [2, 0, -1], [0, 0, 0]]);
  const labels = tf.tensor1d([0, 1, 2], "int32");
  for (const labelSmoothing of [0, 0.1]) {
    const [without, equal] = [undefined, [7, 7, 7]].map((classWeights) =>
      crossEntropy(logits, labels, { labelSmoothing, classWeights }).dataSync()[0]
    );
    assertAlmostEquals(equal, without, 1e-6);
  }
  // Images whose answers are certain: the losses are the gaps 200 and 80.
  const certain = tf.tensor2d([[0, 200, 0], [80, 0, 0]]);
  const loss = crossEntropy(certain, tf.tensor1d([0, 1], "int32"), { classWeights: [3, 1, 100] });
  assertEquals(loss.dataSync()[0], (3 * 200 + 80) / 4);
});

test("refuses another number of weights than of classes", () => {
  assertThrows(
    () => crossEntropy(tf.zeros([2, 10]), tf.tensor1d([1, 2], "int32"), { classWeights: [1, 2] }),
    TypeError,
    "crossEntropy: 2 class weights for logits [2,10]; give one a class",
  );
});

test("of a certain and right answer is 0, of a certain and wrong one the gap of the logits", () => {
  const logits = tf.tensor2d([[100, 0], [100, 0]]);
  const losses = [[0, 0], [1, 1]].map((labels) =>
    crossEntropy(logits, tf.tensor1d(labels, "int32")).dataSync()[0]
  );
  assertEquals(losses, [0, 100]);
});

test("refuses another number of labels than of rows", () => {
  for (const classWeights of [undefined, new Array(10).fill(1)]) {
    assertThrows(
      () => crossEntropy(tf.zeros([3, 10]), tf.tensor1d([1, 2], "int32"), { classWeights }),
      TypeError,
      "crossEntropy: logits [3,10] and labels [2] differ in batch size",
    );
  }
});

test("refuses a label that is no class", () => {
  for (const label of [-1, 10]) {
    assertThrows(
      () => crossEntropy(tf.zeros([2, 10]), tf.tensor1d([0, label], "int32")),
      TensorFlowError,
      `Received a label value of ${label} which is outside the valid range of [0, 10)`,
    );
  }
});

gradientErrorTest("cross-entropy: labels have no gradient, and say so", () => {
  assertThrows(
    () =>
      gradients(
        (labels: tf.Tensor1D) => crossEntropy(tf.zeros([1, 2]), labels),
        [tf.tensor1d([0], "int32")],
        [tf.scalar(1)],
      ),
    TypeError,
    "crossEntropy: labels have no gradient",
  );
});
