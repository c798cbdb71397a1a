/** Accuracy and loss of a network on a data set. */
import { apply, foldBatchNorm, type Model, type Variables } from "../../layers/mod.ts";
import { choosePrecision, crossEntropyEach, jit, type Precision, tf } from "../../runtime/mod.ts";
import { explainOutOfMemory } from "../../runtime/system/memory_errors.ts";
import { type Batch, batches } from "../data/batches.ts";
import type { Dataset } from "../data/dataset.ts";
import { checkFit } from "../data/fit.ts";
import { applyTransforms } from "../transforms/apply.ts";
import { type BatchTensors, batchTensors } from "../transforms/batch_tensors.ts";
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

/** A batch, and which of its images count: 1, or 0 for those that only fill it up. */
type CountedBatch = BatchTensors & { readonly counts: tf.Tensor1D };

/** A batch filled up to a size with black images that do not count. */
function countedBatch(batch: Batch, size: number, imageShape: Dataset["imageShape"]): CountedBatch {
  let filled = batch;
  if (size > batch.size) {
    const images = new Float32Array(size * batch.images.length / batch.size);
    const labels = new Int32Array(size);
    images.set(batch.images);
    labels.set(batch.labels);
    filled = { images, labels, size };
  }
  const counts = Float32Array.from({ length: size }, (_, i) => i < batch.size ? 1 : 0);
  return { ...batchTensors(filled, imageShape), counts: tf.tensor1d(counts) };
}

/**
 * Evaluates a network on every image of a data set, in order.
 * @param variables Not disposed.
 * @throws {UsageError} If the network does not fit the images.
 * @throws {UserError} If memory runs out.
 */
export function evaluate(
  model: Model,
  variables: Variables,
  dataset: Dataset,
  { batchSize = 500, statistics = "running", tta = false, precision = "float32", onBatch }: EvaluateOptions =
    {},
): Evaluation {
  checkFit(model, dataset, { action: "Cannot evaluate", batchSize, statistics });
  const images = dataset.indices.length;
  let [correct, lossSum] = [0, 0];
  tf.tidy(() => {
    const isFolded = statistics === "running";
    const network = isFolded ? foldBatchNorm(model, variables) : { model, variables };
    const step = jit(function evalStep(variables: Variables, { images, labels, counts }: CountedBatch) {
      const x = applyTransforms(dataset.transforms, images, { train: false });
      const logitsOf = (x: tf.Tensor4D): tf.Tensor2D =>
        isFolded
          ? apply(network.model, variables, x, { train: false })[0]
          : apply(model, variables, x, { train: true, seed: tf.tensor1d([0, 0], "int32") })[0];
      const logits = tta
        ? tf.addN<tf.Tensor2D>(VIEWS.map(({ weight, ...view }) => tf.mul(logitsOf(look(x, view)), weight)))
        : logitsOf(x);
      const hits = tf.cast(tf.equal(tf.argMax(logits, 1), labels), "float32");
      return {
        correct: tf.sum(tf.mul(hits, counts)),
        loss: tf.sum(tf.mul(crossEntropyEach(logits, labels), counts)),
      };
    }, { precision: choosePrecision(precision) });
    try {
      let done = 0;
      const sums = Array.from(batches(dataset, batchSize), (batch) => {
        // With running statistics images do not know of each other: the last batch is filled up, not compiled anew.
        const size = isFolded ? Math.min(batchSize, images) : batch.size;
        const found = tf.tidy(() => step(network.variables, countedBatch(batch, size, dataset.imageShape)));
        onBatch?.(done += batch.size);
        return found;
      });
      // Read at the end only: until then a GPU need not wait for the host.
      for (const { correct: hits, loss } of sums) {
        correct += hits.dataSync()[0];
        lossSum += loss.dataSync()[0];
      }
    } catch (error) {
      throw explainOutOfMemory(error, "Cannot evaluate", batchSize, "testing.batchSize");
    } finally {
      step.dispose();
    }
  });
  return { accuracy: correct / images, correct, images, loss: lossSum / images };
}
