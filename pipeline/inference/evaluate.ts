/** Accuracy and loss of a network on a data set. */
import { apply, foldBatchNorm, type Model, type Variables } from "../../layers/mod.ts";
import { choosePrecision, crossEntropy, jit, type Precision, tf } from "../../runtime/mod.ts";
import { batches } from "../data/batches.ts";
import type { Dataset } from "../data/dataset.ts";
import { checkFit } from "../data/fit.ts";
import { applyTransforms } from "../transforms/apply.ts";
import { batchTensors } from "../transforms/batch_tensors.ts";
import { look, VIEWS } from "./views.ts";

/** What an evaluation found. */
export interface Evaluation {
  /** Share of the images whose highest logit is that of their class, in [0, 1]. */
  readonly accuracy: number;
  /** How many those are. */
  readonly correct: number;
  /** Of how many. */
  readonly images: number;
  /** Mean cross-entropy, in nats, without label smoothing. */
  readonly loss: number;
}

/** How images are measured. Plain data. */
export interface Testing {
  /**
   * "running" normalises with the statistics that training has collected, folded into the convolutions (see
   * `foldBatchNorm`). "batch" normalises each batch with its own, as a PyTorch model does that was never told
   * `eval()`; the running statistics stay as they are.
   */
  readonly statistics: "running" | "batch";
  /** Images a step; every image counts, the last batch may be smaller. It matters to the result with "batch" only. */
  readonly batchSize: number;
  /** Test-time augmentation: the weighted mean of the logits of six views of each image. */
  readonly tta: boolean;
}

/** How to evaluate; what is left out is `running`, 500 images a step, no test-time augmentation. */
export interface EvaluateOptions extends Partial<Testing> {
  /** Number format of convolutions and matrix products; float32 unless given, "auto" leaves it to the machine. */
  readonly precision?: Precision | "auto";
  /** Told after each batch how many images are done. */
  readonly onBatch?: (images: number) => void;
}

/**
 * Evaluates a network on every image of a data set, in order.
 * @param variables Not disposed.
 * @throws {UsageError} If the network does not fit the images.
 */
export function evaluate(
  model: Model,
  variables: Variables,
  dataset: Dataset,
  { batchSize = 500, statistics = "running", tta = false, precision = "float32", onBatch }: EvaluateOptions =
    {},
): Evaluation {
  checkFit(model, dataset, { action: "Cannot evaluate", batchSize, statistics });
  let [correct, images, lossSum] = [0, 0, 0];
  tf.tidy(() => {
    const isFolded = statistics === "running";
    const network = isFolded ? foldBatchNorm(model, variables) : { model, variables };
    const step = jit(function evalStep(variables: Variables, images: tf.Tensor4D, labels: tf.Tensor1D) {
      const x = applyTransforms(dataset.transforms, images, { train: false });
      const logitsOf = (x: tf.Tensor4D): tf.Tensor2D =>
        isFolded
          ? apply(network.model, variables, x, { train: false })[0]
          : apply(model, variables, x, { train: true, seed: tf.tensor1d([0, 0], "int32") })[0];
      const logits = tta
        ? tf.addN<tf.Tensor2D>(VIEWS.map(({ weight, ...view }) => tf.mul(logitsOf(look(x, view)), weight)))
        : logitsOf(x);
      const hits = tf.equal(tf.argMax(logits, 1), labels);
      return { correct: tf.sum(tf.cast(hits, "int32")), loss: crossEntropy(logits, labels) };
    }, { precision: choosePrecision(precision) });
    try {
      for (const batch of batches(dataset, batchSize)) {
        tf.tidy(() => {
          const { images: x, labels } = batchTensors(batch, dataset.imageShape);
          const result = step(network.variables, x, labels);
          correct += result.correct.dataSync()[0];
          lossSum += result.loss.dataSync()[0] * batch.size;
        });
        images += batch.size;
        onBatch?.(images);
      }
    } finally {
      step.dispose();
    }
  });
  return { accuracy: correct / images, correct, images, loss: lossSum / images };
}
