/**
 * ResNet from scratch, in functional TypeScript on Deno: the model as pure data, training as a fold, one compiled
 * TensorFlow function a step.
 *
 * @example Train a small residual network on arrays in memory
 * ```ts
 * import { createDataset, evaluate, normalize, pipe, recipes, resnet, split, tf, train } from "@resnet/deno";
 *
 * await tf.ready();
 * const images = new Uint8Array(40 * 8 * 8 * 3).map((_, i) => i % 251);
 * const labels = Array.from({ length: 40 }, (_, i) => i % 2);
 * const dataset = createDataset({ images, labels, imageShape: [8, 8, 3], classes: ["cat", "dog"] });
 * const stats = { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] };
 * const data = pipe({ train: dataset }, normalize(stats), split(0.25, { seed: 42 }));
 * const model = resnet([1, 1], { stem: "cifar", inputSize: 8, widths: [4, 8], numClasses: 2 });
 * const { variables } = await train(model, data, { ...recipes.resnet20.training, epochs: 1, batchSize: 10 });
 * console.log(evaluate(model, variables, data.validation!).accuracy);
 * ```
 * @module
 */
export * from "./layers/mod.ts";
export {
  type Bar,
  choosePrecision,
  configure,
  type Cpu,
  jit,
  JitError,
  type JitOptions,
  type Jitted,
  liveHandles,
  type Machine,
  type Precision,
  type Progress,
  readCpu,
  repeat,
  type RuntimeInfo,
  runtimeInfo,
  type RuntimeOptions,
  silent,
  TensorFlowError,
  tree,
  UsageError,
  UserError,
  type ValueAndGrads,
  valueAndGrads,
} from "./runtime/mod.ts";
/** TensorFlow.js, with libtensorflow behind it; `tf.ready()` finds or installs the library. */
export * as tf from "./runtime/tf.ts";
/** TensorFlow's fused ops, as functions of tensors: `conv2d`, `batchNormTrain`, `crossEntropy` and others. */
export * as ops from "./runtime/ops/mod.ts";
/** Random numbers as functions of a seed tensor. */
export * as random from "./runtime/ops/random.ts";
export {
  alternateFlips,
  type Augment,
  type Batch,
  batches,
  type Catalogue,
  CIFAR10_CLASSES,
  classCounts,
  createDataset,
  type Crop,
  type CropRange,
  type Data,
  type Dataset,
  decodeImage,
  type DecodeOptions,
  fetchCifar,
  type FetchOptions,
  folderLines,
  type ImageReader,
  type ImageSpec,
  type KeptPictures,
  type KnownFile,
  limit,
  listPictures,
  loadCifar,
  type LoadedPart,
  type LoadedPictures,
  type LoadOptions,
  loadPictures,
  mapParts,
  MAX_PIXELS,
  type Normalize,
  type NpmPackage,
  outputShape,
  type PartCounts,
  type Picture,
  pictureData,
  type PictureFile,
  type PictureFiles,
  type PictureFolder,
  type Pictures,
  type PictureSource,
  type RandomView,
  type Readable,
  type Resize,
  sharedPictures,
  shuffledOrder,
  type Skipped,
  type SkipReason,
  split,
  type Step,
  type StoredImages,
  type Transform,
  type Turn,
  type View,
} from "./pipeline/data/mod.ts";
export {
  evaluate,
  type EvaluateOptions,
  type Evaluation,
  type Evaluator,
  evaluator,
  type EvaluatorOptions,
  type Images,
  predict,
  type Prediction,
  type Predictor,
  predictor,
  type PredictorOptions,
  type Testing,
  type TrainedModel,
} from "./pipeline/inference/mod.ts";
export { pipe } from "./pipeline/pipe.ts";
export {
  type CheckpointNotes,
  type EpochMetrics,
  loadCheckpoint,
  loadModel,
  type LoadModelOptions,
  loadStart,
  loadWeights,
  readMetrics,
  readRunInfo,
  type RunInfo,
  runSession,
  type RunSettings,
  saveCheckpoint,
  saveModel,
  saveWeights,
  type SessionEnd,
  type SessionEvent,
  type SessionOptions,
  type SessionStart,
  type Start,
} from "./pipeline/runs/mod.ts";
export {
  type AdamW,
  buildModel,
  disposeState,
  type EpochReport,
  findRecipe,
  initialVariables,
  learningRate,
  loadRecipe,
  type Lookahead,
  modelFor,
  type Muon,
  type Network,
  optimize,
  type OptimizeInput,
  type Optimizer,
  type OptState,
  optStateShapes,
  prepare,
  type Recipe,
  recipes,
  type Schedule,
  type Sgd,
  type Shapes,
  startState,
  type StateSettings,
  type StateTensors,
  type StepBatch,
  type StepReport,
  type StepState,
  type TestResults,
  train,
  type Training,
  type TrainOptions,
  type TrainState,
  type TrainStep,
  trainStep,
} from "./pipeline/training/mod.ts";
export {
  applyTransforms,
  augment,
  type ChannelStats,
  CIFAR10_STATS,
  crop,
  IMAGENET_STATS,
  normalize,
  resize,
  TUTORIAL_STATS,
} from "./pipeline/transforms/mod.ts";
