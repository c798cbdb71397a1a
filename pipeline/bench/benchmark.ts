/** How fast a network trains or predicts: the step that training runs, on made images, timed step by step. */
import { apply, foldBatchNorm, forwardMultiplyAdds, type Model, type Variables } from "../../layers/mod.ts";
import { stream } from "../../layers/readers/random.ts";
import { type Profile, profile, type ProfileOptions } from "../../runtime/compile/mod.ts";
import { gpuHolds, jit, type Precision, tf, toGpu, tree } from "../../runtime/mod.ts";
import { batches } from "../data/batches.ts";
import { createDataset, type Data, type Dataset } from "../data/dataset.ts";
import { checkFit } from "../data/fit.ts";
import { buildModel, type Recipe } from "../training/recipe.ts";
import { findRecipe } from "../training/recipes.ts";
import { AT_ONCE, deviceRunner, hostRunner } from "../training/runners.ts";
import { disposeState, initialVariables, startState } from "../training/state.ts";
import { type StepState, trainStep } from "../training/step.ts";
import { applyTransforms } from "../transforms/apply.ts";
import { imageTensor } from "../transforms/batch_tensors.ts";
import { transform } from "../transforms/transforms.ts";

/** What is timed: a network and the recipe that it is trained by. */
const MODELS = {
  resnet20: { recipe: "resnet20", batch: 128, size: 32 },
  resnet32: { recipe: "resnet32", batch: 128, size: 32 },
  resnet44: { recipe: "resnet44", batch: 128, size: 32 },
  resnet56: { recipe: "resnet56", batch: 128, size: 32 },
  resnet110: { recipe: "resnet110", batch: 128, size: 32 },
  resnet34: { recipe: "tutorial", batch: 16, size: 224 },
  resnet50: { recipe: "resnet50", batch: 16, size: 224 },
  fast: { recipe: "fast", batch: findRecipe("fast").training.batchSize, size: 32 },
  accurate: { recipe: "accurate", batch: findRecipe("accurate").training.batchSize, size: 32 },
} as const;

/** Name of a network that can be timed. */
export type BenchmarkModel = keyof typeof MODELS;

/** All of them. */
export const BENCHMARK_MODELS = Object.keys(MODELS) as BenchmarkModel[];

/** One case. */
export interface BenchmarkCase {
  /** Which network. */
  readonly model: BenchmarkModel;
  /** Images a step. */
  readonly batch: number;
  /** Side of the images, in pixels. */
  readonly size: number;
  /** Number format of convolutions and matrix products. */
  readonly precision: Precision;
  /** Forward pass only, with running statistics folded into the convolutions. */
  readonly inference: boolean;
}

/** Batch and size of a model where they are not given. */
export function caseDefaults(model: BenchmarkModel): { batch: number; size: number } {
  const { batch, size } = MODELS[model];
  return { batch, size };
}

/** The seed of weights, images and augmentation. */
const SEED = 0;

/** Low enough that the loss stays finite over thousands of steps on one batch of noise. */
const LEARNING_RATE = 0.01;

/** Calls of a forward pass on a GPU before one of its results is read. */
const UNREAD_LOGITS = 4;

/** One compiled step, with everything that it needs. Must be disposed. */
export interface Benchmark {
  /** The network. */
  readonly model: Model;
  /** Multiplications and additions of the convolutions and linear layers in one step, forward and backward. */
  readonly flopsPerStep: number;
  /** Steps that one call of `step` runs: several where training does so, on a GPU. */
  readonly stepsPerCall: number;
  /** Runs them to their end and returns the last loss, or for inference one of the logits. */
  step(): number;
  /** Where the time of a step goes. */
  profile(options?: Pick<ProfileOptions, "runs" | "threads">): Profile;
  /** Frees the tensors and the compiled step. */
  dispose(): void;
}

/**
 * Prepares a case. The images are whole numbers 0 to 255 drawn from a seed; a step normalises them, that of `fast` and
 * `accurate` augments them as its recipe does. Training runs as in `train`: from the host a batch a step, on a GPU many
 * steps a call of images that lie there. For inference they are uploaded once.
 *
 * @throws {UsageError} If the network cannot be built for images of that size, or a batch norm would see one value.
 */
export function createBenchmark(
  { model: name, batch, size, precision, inference }: BenchmarkCase,
): Benchmark {
  const recipe = findRecipe(MODELS[name].recipe);
  const action = `Cannot use --size ${size} for ${name}`;
  const model = buildModel(recipe.network, { inputSize: size, action });
  const dataset = madeDataset(batch, size, recipe, recipe.training.whiten);
  checkFit(model, dataset, {
    action: `Cannot measure ${batch} images a step with`,
    batchSize: batch,
    statistics: inference ? "running" : "batch",
  });
  const steps = inference
    ? inferenceSteps(model, recipe, dataset, precision)
    : trainingSteps(model, recipe, dataset, precision);
  const passes = inference ? 1 : 3; // the gradients of input and weights cost a forward pass each
  return {
    model,
    flopsPerStep: 2 * passes * batch * forwardMultiplyAdds(model),
    stepsPerCall: steps.stepsPerCall,
    step: steps.step,
    profile: (options) => steps.profile({ ...options, precision }),
    dispose: steps.dispose,
  };
}

type Steps = Pick<Benchmark, "stepsPerCall" | "step" | "dispose"> & {
  profile(options: ProfileOptions): Profile;
};

function trainingSteps(model: Model, { training }: Recipe, dataset: Dataset, precision: Precision): Steps {
  const step = trainStep(model, training, dataset.transforms, precision);
  const batchSize = dataset.indices.length;
  const runner = gpuHolds(dataset.images.length)
    ? deviceRunner(step, dataset, precision, { batchSize, atOnce: training.lookahead?.every ?? AT_ONCE })
    : hostRunner(step, dataset, precision);
  const members = Array.from({ length: runner.atOnce }, () => dataset.indices);
  const rates = members.map(() => LEARNING_RATE);
  let state = startState(model, initialVariables(model, dataset, training, SEED), training);
  const tensors = (): StepState => ({ variables: state.variables, optState: state.optState });
  const call = (): tf.Tensor1D => {
    const steps = { first: state.step, seed: SEED, epoch: 0, members, coming: new Uint32Array(), rates };
    const { losses, ...next } = runner.run(tensors(), steps);
    tree.dispose(tensors());
    state = { ...state, ...next, step: state.step + runner.atOnce };
    return losses;
  };
  // Of large images a few steps are so long that waiting for them less often tells nothing.
  const calls = dataset.imageShape[0] < 224 ? runner.unreadCalls : 1;
  return {
    stepsPerCall: calls * runner.atOnce,
    step(): number {
      const losses = Array.from({ length: calls }, call);
      const last = losses.at(-1)!.dataSync().at(-1)!;
      tf.dispose(losses);
      return last;
    },
    profile(options): Profile {
      const [batch] = batches(dataset, batchSize);
      const input = {
        images: imageTensor(batch, dataset.imageShape),
        labels: tf.tensor1d(batch.labels, "int32"),
        learningRate: tf.scalar(LEARNING_RATE),
        seed: tf.tensor1d([SEED, state.step], "int32"),
      };
      try {
        return profile(step, [tensors(), input], options);
      } finally {
        tf.dispose(input);
      }
    },
    dispose(): void {
      disposeState(state);
      runner.dispose();
    },
  };
}

function inferenceSteps(model: Model, recipe: Recipe, dataset: Dataset, precision: Precision): Steps {
  const drawn = initialVariables(model, dataset, recipe.training, SEED);
  const folded = foldBatchNorm(model, drawn);
  tree.dispose(drawn);
  const [batch] = batches(dataset, dataset.indices.length);
  const args = [folded.variables, imageTensor(batch, dataset.imageShape)] as const;
  toGpu(tree.tensors(args));
  const compiled = jit(
    function inferenceStep(variables: Variables, images: tf.Tensor4D) {
      const x = applyTransforms(dataset.transforms, images, { train: false });
      return apply(folded.model, variables, x, { train: false })[0];
    },
    { precision },
  );
  const stepsPerCall = gpuHolds(0) ? UNREAD_LOGITS : 1;
  return {
    stepsPerCall,
    step(): number {
      const logits = Array.from({ length: stepsPerCall }, () => compiled(...args));
      const [first] = logits.at(-1)!.dataSync();
      tf.dispose(logits);
      return first;
    },
    profile: (options) => profile(compiled, [...args], options),
    dispose(): void {
      tree.dispose(args);
      compiled.dispose();
    },
  };
}

/** `count` images of noise with the transforms of a recipe: normalised, and augmented before that if asked for. */
export function madeDataset(
  count: number,
  size: number,
  { transforms }: Pick<Recipe, "transforms">,
  augmented: boolean,
): Dataset {
  const draw = stream(SEED, "benchmark");
  const dataset = createDataset({
    images: Uint8Array.from({ length: count * size * size * 3 }, () => draw() >>> 24),
    labels: Uint8Array.from({ length: count }, () => draw() % 10),
    imageShape: [size, size, 3],
    classes: Array.from({ length: 10 }, (_, i) => `class ${i}`),
  });
  const starting: Data = { train: dataset };
  const used = transforms.filter(({ kind }) => kind === "normalize" || (augmented && kind === "augment"));
  return used.reduce((data, step) => transform(step)(data), starting).train;
}
