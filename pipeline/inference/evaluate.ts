/** Accuracy and loss of a network on a data set. */
import { apply, foldBatchNorm, type Model, type Variables } from "../../layers/mod.ts";
import {
  choosePrecision,
  crossEntropyEach,
  gatherRows,
  gpuHolds,
  jit,
  type Precision,
  putAt,
  repeat,
  tf,
  toGpu,
  tree,
} from "../../runtime/mod.ts";
import { explainOutOfMemory } from "../../runtime/system/memory_errors.ts";
import { type Batch, batches } from "../data/batches.ts";
import { classCounts, type Dataset, storeBytes } from "../data/dataset.ts";
import { checkFit } from "../data/fit.ts";
import { aheadReader } from "../data/image_reader.ts";
import { type BatchTensors, batchTensors, unpackImages } from "../transforms/batch_tensors.ts";
import { lookAt } from "./views.ts";

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
  /** What of it each class is, by class number, where that is asked for. */
  readonly byClass?: readonly ClassAccuracy[];
}

/** What came of the images of one class. */
export interface ClassAccuracy {
  /** Its name. */
  readonly name: string;
  /** How many of its images were taken for it. */
  readonly correct: number;
  /** Of how many. */
  readonly images: number;
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

/** What is measured; what is left out is `running`, 500 images a step, no test-time augmentation. */
export interface EvaluatorOptions extends Partial<Testing> {
  /** Number format of convolutions and matrix products; float32 unless given, "auto" leaves it to the machine. */
  readonly precision?: Precision | "auto";
  /** Whether to count for each class, too; false unless given. */
  readonly byClass?: boolean;
  /** Whether the images are copied to the device once and looked at in one call; where a GPU has room unless given. */
  readonly onDevice?: boolean;
}

/** The same, and what is told meanwhile. */
export interface EvaluateOptions extends EvaluatorOptions {
  /** Told how many images are done: after each batch, or on the device after each call. */
  readonly onBatch?: (images: number) => void;
}

/** A network's accuracy on a data set, for one set of variables after the other. */
export interface Evaluator {
  /**
   * Evaluates on every image.
   * @param variables Not disposed.
   * @throws {UserError} If memory runs out.
   */
  evaluate(variables: Variables, options?: Pick<EvaluateOptions, "onBatch">): Evaluation;
  /** Frees the compiled code and the images on the device. */
  dispose(): void;
}

/** A batch, and which of its images count: 1, or 0 for those that only fill it up. */
type CountedBatch = { images: tf.Tensor4D; labels: tf.Tensor1D; counts: tf.Tensor1D };

/** What the images of one batch add up to, or those of several. */
interface Sums {
  /** Of all, `[]`, or of each class, `[classes]`; of several batches together. */
  readonly correct: tf.Tensor;
  /** Of one batch, `[]`, or of each of several, `[steps]`. */
  readonly loss: tf.Tensor;
}

/** Looks at one batch. Pure, may be traced. */
type Look = (variables: Variables, batch: CountedBatch) => Sums;

/** How the data set is cut. */
interface Cut {
  /** Images a step. */
  readonly batchSize: number;
  /** Whether the last batch is filled up where it is smaller, with black images that do not count. */
  readonly fills: boolean;
  /** Shape of what is counted: `[]`, or `[classes]`. */
  readonly counted: readonly number[];
  readonly precision: Precision;
}

/** What is measured, and what is counted. */
type Measure = Required<Pick<EvaluatorOptions, "statistics" | "tta" | "byClass">>;

/** Looks at all batches. */
interface Walk {
  run(variables: Variables, onBatch: (images: number) => void): readonly Sums[];
  dispose(): void;
}

/**
 * Evaluates a network on every image of a data set, in order.
 * @param model The network.
 * @param variables Not disposed.
 * @param dataset Its transforms are run but for the random changes.
 * @param options How the images are measured, and who is told how many are done.
 * @throws {UsageError} If the network does not fit the images, or tf32 is asked for where nothing has it.
 * @throws {UserError} If memory runs out.
 * @example
 * ```ts
 * import { createDataset, evaluate, init, resnet, tf } from "@resnet/deno";
 *
 * await tf.ready();
 * const dataset = createDataset({
 *   images: new Uint8Array(6 * 8 * 8 * 3),
 *   labels: [0, 1, 0, 1, 0, 1],
 *   imageShape: [8, 8, 3],
 *   classes: ["cat", "dog"],
 * });
 * const model = resnet([1, 1], { stem: "cifar", inputSize: 8, widths: [4, 8], numClasses: 2 });
 * const { accuracy, correct, loss } = evaluate(model, init(model, 42), dataset); // black images only: half of them
 * ```
 */
export function evaluate(
  model: Model,
  variables: Variables,
  dataset: Dataset,
  { onBatch, ...options }: EvaluateOptions = {},
): Evaluation {
  const { evaluate, dispose } = evaluator(model, dataset, options);
  try {
    return evaluate(variables, { onBatch });
  } finally {
    dispose();
  }
}

/**
 * Compiles the evaluation of a network on every image of a data set, in order, to be run again as it trains.
 * @param model The network.
 * @param dataset Its transforms are run but for the random changes.
 * @param options How the images are measured.
 * @throws {UsageError} If the network does not fit the images, or tf32 is asked for where nothing has it.
 * @example
 * ```ts
 * import { createDataset, evaluator, init, resnet, tf } from "@resnet/deno";
 *
 * await tf.ready();
 * const dataset = createDataset({
 *   images: new Uint8Array(6 * 8 * 8 * 3),
 *   labels: [0, 1, 0, 1, 0, 1],
 *   imageShape: [8, 8, 3],
 *   classes: ["cat", "dog"],
 * });
 * const model = resnet([1, 1], { stem: "cifar", inputSize: 8, widths: [4, 8], numClasses: 2 });
 * const { evaluate, dispose } = evaluator(model, dataset, { batchSize: 6 });
 * for (const seed of [1, 2, 3]) console.log(evaluate(init(model, seed)).loss); // compiled once
 * dispose();
 * ```
 */
export function evaluator(
  model: Model,
  dataset: Dataset,
  options: EvaluatorOptions = {},
): Evaluator {
  const { batchSize = 500, statistics = "running", tta = false, byClass = false } = options;
  const { precision = "float32", onDevice } = options;
  checkFit(model, dataset, { action: "Cannot evaluate", batchSize, statistics });
  const images = dataset.indices.length;
  const isFolded = statistics === "running";
  const walk = onDevice ?? gpuHolds(storeBytes(dataset)) ? walkOnDevice : walkFromHost;
  const { run, dispose } = walk(compare(model, dataset, { statistics, tta, byClass }), dataset, {
    // With running statistics images do not know of each other: the last batch is filled up, not compiled anew.
    batchSize: isFolded ? Math.min(batchSize, images) : batchSize,
    fills: isFolded,
    counted: byClass ? model.output.shape : [],
    precision: choosePrecision(precision),
  });
  return {
    evaluate(variables, { onBatch = () => {} } = {}): Evaluation {
      const correct: number[] = [];
      let loss = 0;
      try {
        tf.tidy(() => {
          toGpu(tree.tensors(variables));
          // Read at the end only: until then a GPU need not wait for the host.
          for (const sums of run(variables, onBatch)) {
            sums.correct.dataSync().forEach((value, i) => correct[i] = (correct[i] ?? 0) + value);
            for (const value of sums.loss.dataSync()) loss += value;
          }
        });
      } catch (error) {
        throw explainOutOfMemory(error, "Cannot evaluate", batchSize, "testing.batchSize");
      }
      return summedUp(dataset, { correct, loss }, byClass);
    },
    dispose,
  };
}

/**
 * What the sums over all images of a data set come to.
 * @param sums `correct`: of all, or where it is by class of each.
 */
export function summedUp(
  dataset: Dataset,
  sums: { readonly correct: readonly number[]; readonly loss: number },
  byClass: boolean,
): Evaluation {
  const images = dataset.indices.length;
  const correct = sums.correct.reduce((sum, value) => sum + value, 0);
  const whole = { accuracy: correct / images, correct, images, loss: sums.loss / images };
  if (!byClass) return whole;
  const imagesOf = classCounts(dataset);
  const of = (name: string, label: number): ClassAccuracy => ({
    name,
    correct: sums.correct[label],
    images: imagesOf[label],
  });
  return { ...whole, byClass: dataset.classes.map(of) };
}

/** What is done to a batch: transforms, network, and the comparison with the labels. */
function compare(
  model: Model,
  { transforms }: Dataset,
  { statistics, tta, byClass }: Measure,
): Look {
  const [classes] = model.output.shape;
  return (variables, { images, labels, counts }) => {
    const folded = statistics === "running" ? foldBatchNorm(model, variables) : undefined;
    const logitsOf = (x: tf.Tensor4D): tf.Tensor2D =>
      folded !== undefined
        ? apply(folded.model, folded.variables, x, { train: false })[0]
        : apply(model, variables, x, { train: true, seed: tf.tensor1d([0, 0], "int32") })[0];
    const logits = lookAt(images, transforms, logitsOf, tta);
    const hits = tf.mul(tf.cast(tf.equal(tf.argMax(logits, 1), labels), "float32"), counts);
    const ofClass = () => tf.mul(tf.cast(tf.oneHot(labels, classes), "float32"), tf.expandDims(hits, 1));
    return {
      correct: byClass ? tf.sum(ofClass(), 0) : tf.sum(hits),
      loss: tf.sum(tf.mul(crossEntropyEach(logits, labels), counts)),
    };
  };
}

/** One batch a call, handed to it. */
function walkFromHost(look: Look, dataset: Dataset, { batchSize, fills, precision }: Cut): Walk {
  const step = jit(
    function evalStep(
      variables: Variables,
      { pixels, ...rest }: BatchTensors & Pick<CountedBatch, "counts">,
    ) {
      return look(variables, { images: unpackImages(pixels, dataset.imageShape), ...rest });
    },
    { precision },
  );
  const reader = aheadReader(dataset);
  return {
    run(variables, onBatch) {
      let done = 0;
      reader.expect(dataset.indices);
      return Array.from(batches(dataset, batchSize, { reader }), (batch) => {
        const size = fills ? batchSize : batch.size;
        const sums = tree.tidy(() => step(variables, countedBatch(batch, size)));
        onBatch(done += batch.size);
        return sums;
      });
    },
    dispose() {
      reader.dispose();
      step.dispose();
    },
  };
}

/** A batch filled up to a size with black images that do not count. */
function countedBatch(batch: Batch, size: number): BatchTensors & Pick<CountedBatch, "counts"> {
  let filled = batch;
  if (size > batch.size) {
    const images = new Uint8Array(size * batch.images.length / batch.size);
    const labels = new Int32Array(size);
    images.set(batch.images);
    labels.set(batch.labels);
    filled = { images, labels, size };
  }
  const counts = Float32Array.from({ length: size }, (_, i) => i < batch.size ? 1 : 0);
  return { ...batchTensors(filled), counts: tf.tensor1d(counts) };
}

/** The most batches of a call on the device: enough that it need not wait for the host, few enough that progress shows. */
const AT_ONCE = 10;

/** Many batches a call, of images that lie on the device as bytes. A smaller last batch that is not filled up is alone. */
function walkOnDevice(
  look: Look,
  dataset: Dataset,
  { batchSize, fills, counted, precision }: Cut,
): Walk {
  const { imageShape, indices: { length: images } } = dataset;
  const whole = fills ? images : images - images % batchSize;
  const batches = Math.ceil(whole / batchSize);
  const calls = Math.ceil(batches / AT_ONCE);
  const steps = Math.ceil(batches / calls);
  const stores = [
    ...Array.from({ length: calls }, (_, i) => {
      const from = i * steps * batchSize;
      return storeOnDevice(dataset, [from, Math.min(whole, from + steps * batchSize)], {
        steps,
        size: batchSize,
      });
    }),
    ...(whole < images ? [storeOnDevice(dataset, [whole, images], { steps: 1, size: images - whole })] : []),
  ];
  const walk = jit(function evalSteps(variables: Variables, store: Omit<Store, "images">) {
    return lookAtStore(look, variables, store, { imageShape, counted });
  }, { precision });
  return {
    run(variables, onBatch) {
      let done = 0;
      return stores.map(({ images, ...store }) => {
        const sums = walk(variables, store);
        onBatch(done += images);
        return sums;
      });
    },
    dispose() {
      walk.dispose();
      for (const { labels, counts, pixels } of stores) tf.dispose([labels, counts, pixels]);
    },
  };
}

/** Images on the device, of which some may only fill up the last batch. */
interface Store {
  /** How many images that count. */
  readonly images: number;
  /** `[steps, size]`. */
  readonly labels: tf.Tensor2D;
  /** 1 for an image that counts, `[steps, size]`. */
  readonly counts: tf.Tensor2D;
  /** Packed, `[steps * size, width]`. */
  readonly pixels: tf.Tensor2D;
}

/** The images from one place to another on the device, for so many steps. */
function storeOnDevice(
  dataset: Dataset,
  [from, to]: readonly [number, number],
  { steps, size }: { readonly steps: number; readonly size: number },
): Store {
  const images = to - from;
  const [batch] = batches({ ...dataset, indices: dataset.indices.subarray(from, to) }, images);
  return tree.tidy(() => {
    const { pixels, labels, counts } = countedBatch(batch, steps * size);
    const tensors = {
      // As float32, which lies on the device where whole numbers may not; exact up to 2^24.
      labels: tf.reshape(tf.cast(labels, "float32"), [steps, size]) as tf.Tensor2D,
      counts: tf.reshape(counts, [steps, size]) as tf.Tensor2D,
      pixels,
    };
    toGpu(Object.values(tensors));
    return { images, ...tensors };
  });
}

/** What the batches of a store add up to. */
function lookAtStore(
  look: Look,
  variables: Variables,
  store: Omit<Store, "images">,
  { imageShape, counted }: Pick<Dataset, "imageShape"> & Pick<Cut, "counted">,
): Sums {
  const [steps, size] = store.labels.shape;
  const int32 = (value: number): tf.Scalar => tf.scalar(value, "int32");
  return repeat(
    steps,
    (round, { correct, loss }, { variables, store }) => {
      const place = tf.reshape(round, [1]) as tf.Tensor1D;
      const row = (rows: tf.Tensor2D) => tf.reshape(gatherRows(rows, place), [size]) as tf.Tensor1D;
      const members = tf.add(tf.mul(round, int32(size)), tf.range(0, size, 1, "int32")) as tf.Tensor1D;
      const found = look(variables, {
        images: unpackImages(gatherRows(store.pixels, members), imageShape),
        labels: tf.cast(row(store.labels), "int32"),
        counts: row(store.counts),
      });
      return { correct: tf.add(correct, found.correct), loss: putAt(loss, round, found.loss) };
    },
    { correct: tf.zeros([...counted]), loss: tf.zeros<tf.Rank.R1>([steps]) },
    { variables, store },
  );
}
