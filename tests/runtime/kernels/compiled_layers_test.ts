/** Metrics and layers of tfjs that are pure functions compile, whatever types they work in. Values by hand. */
import { assertEquals } from "@std/assert";
import { tf } from "../../../runtime/mod.ts";
import { assertClose, FORWARD } from "../../reference.ts";
import { eagerAndJitted, tidyTest } from "../harness.ts";

tidyTest("the mean of whole numbers and of truth values is float32", () => {
  const whole = tf.tensor2d([1, 2, 4, 5], [2, 2], "int32");
  const truths = tf.tensor2d([true, false, true, true], [2, 2], "bool");
  for (const [x, data] of [[whole, [1.5, 4.5]], [truths, [0.5, 1]]] as const) {
    eagerAndJitted((x) => tf.mean(x, 1), [x as tf.Tensor2D], (mean) => {
      assertEquals(mean.dtype, "float32");
      assertClose(mean, { shape: [2], data });
    });
  }
});

tidyTest("moments of whole numbers and of truth values", () => {
  const whole = tf.tensor1d([1, 2, 4, 5], "int32");
  const truths = tf.tensor1d([true, false, true, true], "bool");
  for (const [x, mean, variance] of [[whole, 3, 2.5], [truths, 0.75, 0.1875]] as const) {
    eagerAndJitted((x) => tf.moments(x), [x as tf.Tensor1D], (moments) => {
      assertClose(moments.mean, { shape: [], data: [mean] });
      assertClose(moments.variance, { shape: [], data: [variance] });
    });
  }
});

const column = (...values: number[]): tf.Tensor2D => tf.tensor2d(values, [values.length, 1]);

tidyTest("accuracies", () => {
  const { binaryAccuracy, categoricalAccuracy, sparseCategoricalAccuracy } = tf.metrics;
  const probabilities = tf.tensor2d([[0.1, 0.7, 0.2], [0.6, 0.3, 0.1]]);
  const oneHot = tf.tensor2d([[0, 1, 0], [0, 0, 1]]);
  eagerAndJitted(binaryAccuracy, [column(1, 0, 1), column(0.8, 0.4, 0.3)], (each) => {
    assertClose(tf.mean(each), { shape: [], data: [2 / 3] });
  });
  eagerAndJitted(categoricalAccuracy, [oneHot, probabilities], (each) => {
    assertClose(each, { shape: [2], data: [1, 0] });
  });
  eagerAndJitted(sparseCategoricalAccuracy, [column(1, 2), probabilities], (each) => {
    assertClose(each, { shape: [2], data: [1, 0] });
  });
  const share = (labels: tf.Tensor, logits: tf.Tensor) =>
    tf.mean(tf.equal(tf.argMax(logits, 1), tf.argMax(labels, 1)));
  eagerAndJitted(share, [oneHot, probabilities], (mean) => assertClose(mean, { shape: [], data: [0.5] }));
});

tidyTest("precision, recall and errors", () => {
  const [labels, given] = [column(1, 0, 1, 0), column(1, 1, 0, 0)];
  const cases: [(a: tf.Tensor, b: tf.Tensor) => tf.Tensor, number][] = [
    [tf.metrics.precision, 0.5],
    [tf.metrics.recall, 0.5],
    [(a, b) => tf.mean(tf.metrics.meanAbsoluteError(a, b)), 0.5],
    [(a, b) => tf.mean(tf.metrics.meanSquaredError(a, b)), 0.5],
  ];
  for (const [metric, expected] of cases) {
    eagerAndJitted(
      metric,
      [labels, given],
      (value) => assertClose(value, { shape: [], data: [expected] }, FORWARD),
    );
  }
});
