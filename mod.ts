/**
 * ResNet from scratch, in functional TypeScript on Deno: the model as pure data, training as a fold, one compiled
 * TensorFlow function a step.
 *
 * The example at the end is a whole program. What there is besides, by what one is after:
 *
 * ## Images
 *
 * {@linkcode createDataset} takes arrays from memory; {@linkcode fetchCifar} brings CIFAR-10 and {@linkcode loadCifar}
 * reads it, with its {@linkcode CIFAR10_CLASSES}. {@linkcode listPictures} finds the pictures of a folder,
 * {@linkcode folderLines} says what was found, {@linkcode loadPictures} decodes them as {@linkcode decodeImage} does, up to {@linkcode MAX_PIXELS} in
 * one; {@linkcode pictureData} makes data
 * of them and {@linkcode sharedPictures} counts those on both sides of a split. {@linkcode pipe} takes them through {@linkcode limit},
 * {@linkcode resize}, {@linkcode crop}, {@linkcode augment}, {@linkcode normalize} and {@linkcode split}; {@linkcode CIFAR10_STATS},
 * {@linkcode TUTORIAL_STATS} and {@linkcode IMAGENET_STATS} are means and deviations to normalise by.
 * {@linkcode mapParts} changes training, validation and test images alike, {@linkcode outputShape} and
 * {@linkcode classCounts} look at them. What `train` does with them itself: {@linkcode shuffledOrder},
 * {@linkcode alternateFlips}, {@linkcode batches}, {@linkcode applyTransforms}.
 *
 * ## Networks
 *
 * {@linkcode resnet} builds the tutorial's, torchvision's and those for CIFAR, {@linkcode fastResnet} a small one that
 * learns quickly. Their blocks are {@linkcode residualBlock}, {@linkcode bottleneckBlock},
 * {@linkcode preActivationBlock} and {@linkcode preActivationBottleneck}, each with a {@linkcode shortcut}.
 *
 * ## Layers, for a network of your own
 *
 * {@linkcode input}, {@linkcode conv}, {@linkcode batchNorm}, {@linkcode relu}, {@linkcode celu},
 * {@linkcode maxPool}, {@linkcode avgPool}, {@linkcode globalAvgPool}, {@linkcode flatten}, {@linkcode linear},
 * {@linkcode add}, {@linkcode dropout}, {@linkcode stochasticDepth}, {@linkcode padShortcut}, {@linkcode scale}.
 * {@linkcode sequential} puts one behind the other, {@linkcode customLayer} makes one that is not there,
 * {@linkcode defineModel} makes a network that ends in the last one, {@linkcode mapNodes} another one of each of its nodes.
 *
 * ## What reads a network
 *
 * {@linkcode init} draws its weights, {@linkcode apply} runs it, {@linkcode summary} prints its layers.
 * {@linkcode parameters}, {@linkcode parameterCount}, {@linkcode parameterRoles}, {@linkcode trunk}, {@linkcode trunkAndHead} and
 * {@linkcode forwardMultiplyAdds} say what is in it; {@linkcode foldBatchNorm} and {@linkcode foldArrays} make it smaller
 * for inference.
 * {@linkcode initArrays}, {@linkcode toTensors}, {@linkcode toArrays} and {@linkcode firstNotFinite} are for weights as
 * plain arrays.
 *
 * ## Training
 *
 * {@linkcode train} is all of it. What it is made of: {@linkcode trainStep}, {@linkcode optimize},
 * {@linkcode learningRate}, {@linkcode scheduleScale}, {@linkcode initialVariables}, {@linkcode startState},
 * {@linkcode optStateShapes}, {@linkcode disposeState}. {@linkcode rateRange} tests learning rates, {@linkcode RATE_STEPS}
 * of them unless told otherwise, and {@linkcode proposedRate} chooses one.
 *
 * ## Measuring and predicting
 *
 * {@linkcode evaluate} and {@linkcode predict}; {@linkcode evaluator} and {@linkcode predictor} are compiled once and
 * used often. {@linkcode explainer} says where a network sees what it takes an image for.
 *
 * ## Recipes
 *
 * {@linkcode recipes} has those that come with the package, {@linkcode findRecipe} and {@linkcode loadRecipe} find one
 * by its name or file; {@linkcode prepare} makes its data, {@linkcode buildModel} and {@linkcode modelFor} its network.
 *
 * ## Files
 *
 * {@linkcode saveModel} and {@linkcode loadModel} are for a network with all that it takes to use it,
 * {@linkcode saveWeights} and {@linkcode loadWeights} for its weights alone, {@linkcode loadStart} for weights to start
 * from. {@linkcode toPyTorch}, {@linkcode fromPyTorch}, {@linkcode fileNames}, {@linkcode encodeSafetensors} and
 * {@linkcode decodeSafetensors} are what they are made of. {@linkcode encodeOnnx}, {@linkcode encodeLayersModel} and
 * {@linkcode savedModelFiles} write a network for other programs, {@linkcode roundedToInt8} is for weights of 8 bits.
 *
 * ## Runs, which can be stopped and gone on with
 *
 * {@linkcode runSession} begins or resumes one in a folder, {@linkcode readRunInfo} and {@linkcode readMetrics} read
 * what is in it, {@linkcode saveCheckpoint} and {@linkcode loadCheckpoint} its states. {@linkcode tensorBoard} writes
 * down for TensorBoard how training goes.
 *
 * ## Tensors
 *
 * {@linkcode tf} is TensorFlow.js; `await tf.ready()` comes first. {@linkcode jit} compiles a function of tensors,
 * {@linkcode valueAndGrads} differentiates one, {@linkcode repeat} is a loop inside compiled code; {@linkcode ops} are
 * fused ops, {@linkcode random} draws from a seed, {@linkcode tree} is for nested records of tensors.
 *
 * ## The machine
 *
 * {@linkcode configure} chooses the device before the start, {@linkcode runtimeInfo}, {@linkcode readCpu} and
 * {@linkcode choosePrecision} say what there is; {@linkcode liveHandles} counts tensors, and {@linkcode silent} is
 * progress that nobody hears.
 *
 * ## Several processes, on one machine or on several
 *
 * {@linkcode clusterOf} reads `TF_CONFIG` for `configure`, {@linkcode workers} says how many there are. `train` shares
 * its work among them, {@linkcode followSession} is what all but the first do in a run; {@linkcode allReduce} and
 * {@linkcode allGather} join tensors, {@linkcode allArrived} comes before a worker ends.
 *
 * ## Errors
 *
 * {@linkcode UserError}, {@linkcode UsageError}, {@linkcode JitError}, {@linkcode TensorFlowError}.
 *
 * Two entries stand beside this one: `@resnet/deno/reports` draws runs and images, `@resnet/deno/cli` is the tasks as
 * one program.
 *
 * @example Train a small residual network on arrays in memory
 * ```ts
 * import { createDataset, evaluate, normalize, pipe } from "@resnet/deno";
 * import { recipes, resnet, split, tf, train } from "@resnet/deno";
 *
 * await tf.ready(); // finds or installs libtensorflow
 *
 * // 40 images of 8 x 8 pixels
 * const dataset = createDataset({
 *   images: new Uint8Array(40 * 8 * 8 * 3).map((_, i) => i % 251),
 *   labels: Array.from({ length: 40 }, (_, i) => i % 2),
 *   imageShape: [8, 8, 3],
 *   classes: ["cat", "dog"],
 * });
 * const stats = { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] };
 * const kept = split(0.25, { seed: 42 }); // a quarter for validation
 * const data = pipe({ train: dataset }, normalize(stats), kept);
 *
 * const images = { inputSize: 8, numClasses: 2 };
 * const model = resnet([1, 1], { stem: "cifar", widths: [4, 8], ...images });
 * const settings = { ...recipes.resnet20.training, epochs: 1, batchSize: 10 };
 * const { variables } = await train(model, data, settings);
 * console.log(evaluate(model, variables, data.validation!).accuracy);
 * ```
 * @module
 */
export * from "./layers/mod.ts";
export {
  allArrived,
  allGather,
  allReduce,
  type Bar,
  choosePrecision,
  type Cluster,
  clusterOf,
  configure,
  type Cpu,
  jit,
  JitError,
  type JitOptions,
  type Jitted,
  type Joint,
  liveHandles,
  type Machine,
  type Precision,
  type Progress,
  readCpu,
  repeat,
  type Rows,
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
  type Workers,
  workers,
} from "./runtime/mod.ts";
/**
 * TensorFlow.js, the whole of it ({@link https://js.tensorflow.org/api/latest/ its documentation}), with libtensorflow
 * behind it. `tf.ready()` finds or installs the library. `tf.node` is what tfjs-node has besides: it reads and writes
 * images, logs for TensorBoard and runs SavedModels. Models are saved at and loaded from `file://` addresses.
 *
 * @example
 * ```ts
 * import { tf } from "@resnet/deno";
 *
 * await tf.ready();
 * tf.matMul(tf.ones([2, 3]), tf.ones([3, 1])).arraySync(); // [[3], [3]]
 * ```
 */
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
  type ActivationMap,
  evaluate,
  type EvaluateOptions,
  type Evaluation,
  type Evaluator,
  evaluator,
  type EvaluatorOptions,
  type Explainer,
  explainer,
  type Images,
  type MapKind,
  predict,
  type Prediction,
  type Predictor,
  predictor,
  type PredictorOptions,
  type Testing,
  type TrainedModel,
} from "./pipeline/inference/mod.ts";
export type { ClassAccuracy } from "./pipeline/inference/mod.ts";
export { pipe } from "./pipeline/pipe.ts";
export {
  type CheckpointNotes,
  type EpochMetrics,
  followSession,
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
  type TensorBoard,
  tensorBoard,
  type TensorBoardOptions,
} from "./pipeline/runs/mod.ts";
export {
  type AdamW,
  buildModel,
  type ClassWeights,
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
  proposedRate,
  RATE_STEPS,
  type RatePoint,
  rateRange,
  type RateRangeOptions,
  type Recipe,
  recipes,
  type Schedule,
  type ScheduleScale,
  scheduleScale,
  type Sgd,
  type Shapes,
  type Share,
  startState,
  type StateSettings,
  type StateTensors,
  type StepBatch,
  type StepReport,
  type StepResult,
  type StepState,
  type Stopping,
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
