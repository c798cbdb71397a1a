/** What a trained network takes images for. */
import { apply, foldBatchNorm, type Model, type Variables } from "../../layers/mod.ts";
import { choosePrecision, jit, tf, toGpu, tree } from "../../runtime/mod.ts";
import { UsageError } from "../../runtime/system/errors.ts";
import { explainOutOfMemory } from "../../runtime/system/memory_errors.ts";
import { batches } from "../data/batches.ts";
import { createDataset, type Dataset, type ImageSpec } from "../data/dataset.ts";
import { imagesProblem } from "../data/fit.ts";
import { imageTensor } from "../transforms/batch_tensors.ts";
import type { EvaluatorOptions } from "./evaluate.ts";
import { lookAt } from "./views.ts";

/** A network with its weights, and what the images are that it takes: what `loadModel` gives. */
export interface TrainedModel extends ImageSpec {
  /** The network. */
  readonly model: Model;
  /** Its weights and statistics. */
  readonly variables: Variables;
}

/**
 * Images to predict:
 * - a tensor `[n, H, W, C]` float32 or int32, 0 to 255: of any height and width if the model's transforms resize;
 * - bytes `[n, H, W, C]` in row-major order, 0 to 255, of the model's `imageShape`;
 * - a data set's members, in their order; of its transforms and labels none is looked at.
 */
export type Images = tf.Tensor4D | Uint8Array | Dataset;

/** A class that an image may be of. */
export interface Prediction {
  /** Its number. */
  readonly label: number;
  /** Its name. */
  readonly className: string;
  /** How probable it is, in [0, 1]: the softmax of its logit. */
  readonly probability: number;
}

/** How to predict. */
export interface PredictorOptions extends Pick<EvaluatorOptions, "precision" | "tta"> {
  /** The most images of a step; 128 unless given. */
  readonly batchSize?: number;
  /** How many classes to list for an image; 5, or all if there are fewer, unless given. */
  readonly top?: number;
}

/** A trained network, compiled. */
export interface Predictor {
  /**
   * The classes that each image may be of, the most probable ones first.
   * @throws {UsageError} If the network does not fit the images.
   * @throws {UserError} If memory runs out.
   */
  predict(images: Images): Prediction[][];
  /**
   * The probabilities of all classes.
   * @returns `[n, classes]` float32, each row adding up to 1; the caller's to dispose.
   * @throws As `predict` does.
   */
  probabilities(images: Images): tf.Tensor2D;
  /** Frees the compiled code and its copy of the weights. */
  dispose(): void;
}

/**
 * The classes that each image may be of, by a trained network: through its own transforms, with running statistics. To
 * predict again and again, `predictor` compiles once.
 *
 * @param trained Not disposed.
 * @param images Not disposed.
 * @returns For each image its most probable classes, the first being what the network takes it for.
 * @throws {UsageError} If the network does not fit the images.
 * @throws {UserError} If memory runs out.
 * @example
 * ```ts
 * import { loadModel, predict, tf } from "@resnet/deno";
 *
 * async function name(images: tf.Tensor4D) {
 *   await tf.ready();
 *   const trained = await loadModel("runs/a");
 *   return predict(trained, images).map(([best]) => best.className);
 * }
 * ```
 */
export function predict(
  trained: TrainedModel,
  images: Images,
  options: PredictorOptions = {},
): Prediction[][] {
  const { predict, dispose } = predictor(trained, options);
  try {
    return predict(images);
  } finally {
    dispose();
  }
}

/**
 * Compiles a trained network for predicting, again and again.
 *
 * @param trained Not disposed, nor needed any more: the predictor has a copy of the weights.
 * @throws {UsageError} If tf32 is asked for where nothing has it.
 * @example
 * ```ts
 * import { loadModel, predictor, tf } from "@resnet/deno";
 *
 * async function serve(requests: AsyncIterable<Uint8Array>) {
 *   await tf.ready();
 *   const { predict } = predictor(await loadModel("runs/a"), { top: 3 });
 *   for await (const image of requests) console.log(predict(image)[0]);
 * }
 * ```
 */
export function predictor(trained: TrainedModel, options: PredictorOptions = {}): Predictor {
  const { model, transforms, classes } = trained;
  const { batchSize = 128, top = 5, tta = false } = options;
  const precision = choosePrecision(options.precision ?? "float32");
  const folded = foldBatchNorm(model, trained.variables);
  toGpu(tree.tensors(folded.variables));
  const step = jit(
    function predictStep(variables: Variables, images: tf.Tensor4D) {
      const logitsOf = (x: tf.Tensor4D): tf.Tensor2D =>
        apply(folded.model, variables, x, { train: false })[0];
      return tf.softmax(lookAt(images, transforms, logitsOf, tta));
    },
    { precision },
  );

  const probabilities = (images: Images): tf.Tensor2D => {
    const { count, imageShape, part } = sourceOf(images, trained);
    const problem = imagesProblem(model, { imageShape, transforms, classes, count }, {
      part: "images",
      batchSize,
    });
    if (problem !== undefined) throw new UsageError(`Cannot predict with ${model.name}: ${problem}`);
    // Filled up to a power of two, a few sizes are compiled, however many images come at a time.
    const size = Math.min(batchSize, 2 ** Math.ceil(Math.log2(count)));
    const probabilitiesOf = (from: number, to: number): tf.Tensor2D =>
      tf.tidy(() => {
        const filled = tf.pad(part(from, to), [[0, size - (to - from)], [0, 0], [0, 0], [0, 0]]);
        return tf.slice(step(folded.variables, filled), [0, 0], [to - from, -1]);
      });
    try {
      return tf.tidy(() => {
        const starts = Array.from({ length: Math.ceil(count / size) }, (_, i) => i * size);
        return tf.concat(starts.map((from) => probabilitiesOf(from, Math.min(from + size, count))));
      });
    } catch (error) {
      throw explainOutOfMemory(error, "Cannot predict", size, "batchSize");
    }
  };

  return {
    predict(images) {
      const tensor = probabilities(images);
      const rows = tensor.arraySync();
      tensor.dispose();
      return rows.map((row) => ranked(row, classes).slice(0, top));
    },
    probabilities,
    dispose() {
      step.dispose();
      tree.dispose(folded.variables);
    },
  };
}

/** Images, of which some at a time become a tensor. */
interface Source {
  readonly count: number;
  readonly imageShape: Dataset["imageShape"];
  /** Those from one place to another, float32. */
  readonly part: (from: number, to: number) => tf.Tensor4D;
}

function sourceOf(images: Images, trained: ImageSpec): Source {
  if (images instanceof tf.Tensor) return tensorSource(images);
  const dataset = images instanceof Uint8Array ? unlabelled(images, trained) : images;
  const { indices, imageShape } = dataset;
  return {
    count: indices.length,
    imageShape,
    part(from, to) {
      const [batch] = batches({ ...dataset, indices: indices.subarray(from, to) }, to - from);
      return imageTensor(batch, imageShape);
    },
  };
}

/** Bytes as a data set whose labels nobody looks at. */
function unlabelled(images: Uint8Array, { imageShape, classes }: ImageSpec): Dataset {
  const count = images.length / imageShape.reduce((product, size) => product * size, 1);
  if (!Number.isInteger(count)) {
    throw new TypeError(`predict: ${images.length} bytes are no whole number of images [${imageShape}]`);
  }
  return createDataset({ images, labels: new Uint32Array(count), imageShape, classes });
}

function tensorSource(images: tf.Tensor4D): Source {
  const { rank, dtype, shape } = images;
  if (rank !== 4 || (dtype !== "float32" && dtype !== "int32")) {
    throw new TypeError(
      `predict: images must be float32 or int32 [n, H, W, C], 0 to 255, found ${dtype} [${shape}]`,
    );
  }
  const [count, ...imageShape] = shape;
  return {
    count,
    imageShape,
    part: (from, to) => tf.cast(tf.slice(images, [from, 0, 0, 0], [to - from, -1, -1, -1]), "float32"),
  };
}

/** All classes, the most probable first; of equally probable ones the lower number. */
function ranked(probabilities: readonly number[], classes: readonly string[]): Prediction[] {
  return probabilities
    .map((probability, label) => ({ label, className: classes[label] ?? `class ${label}`, probability }))
    .sort((a, b) => b.probability - a.probability || a.label - b.label);
}
