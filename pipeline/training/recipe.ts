/** What a training run is made of, as plain data: network, transforms, training and testing. */
import * as v from "valibot";
import {
  type BlockName,
  fastResnet,
  type FastResnetCfg,
  type Model,
  resnet,
  type ResnetCfg,
} from "../../layers/mod.ts";
import type { Precision } from "../../runtime/mod.ts";
import { UsageError } from "../../runtime/system/errors.ts";
import {
  check,
  fields,
  kinds,
  list,
  mismatch,
  number,
  oneOf,
  type Schema,
  text,
  textThat,
  truth,
} from "../../runtime/system/schema.ts";
import { type Dataset, outputShape, type Step } from "../data/dataset.ts";
import type { Testing } from "../inference/evaluate.ts";
import { stepSchema } from "../transforms/transforms.ts";
import { type ClassWeights, classWeightsSchema } from "./class_weights.ts";
import { type Lookahead, lookaheadSchema } from "./lookahead.ts";
import { type Optimizer, optimizerSchema } from "./optimizer.ts";
import { type Schedule, scheduleSchema } from "./schedule.ts";

/** Which network to build; the number of classes comes from the data. */
export type Network =
  | {
    readonly kind: "resnet";
    /** Blocks of each stage. */
    readonly depths: readonly number[];
    readonly cfg: Omit<ResnetCfg, "block" | "numClasses"> & { readonly block?: BlockName };
  }
  | { readonly kind: "fast"; readonly cfg: Omit<FastResnetCfg, "numClasses"> };

/** How a network is trained: all that `train` reads beside network and data. */
export interface Training {
  /** Passes over the training images. */
  readonly epochs: number;
  /** Images a step; the last step of an epoch takes what is left. */
  readonly batchSize: number;
  /** What makes the next weights of the gradients. */
  readonly optimizer: Optimizer;
  /** The learning rate by step. */
  readonly schedule: Schedule;
  /**
   * Images a step that the schedule is for, where `batchSize` is another: the rate is scaled by their ratio, after a warm-up
   * (see `learningRate`). For SGD, whose rate that rule is about. Absent takes the schedule as it is.
   */
  readonly scheduleBatch?: number;
  /** Share of each label that is spread evenly over all classes, in [0, 1). */
  readonly labelSmoothing: number;
  /**
   * How much an image of each class counts in the training loss; all the same unless given. What is measured on validation
   * and test images has none.
   */
  readonly classWeights?: ClassWeights;
  /** Pulls the weights back towards their own slow average as the run goes on; absent leaves them to the optimizer. */
  readonly lookahead?: Lookahead;
  /** Whether the first layer starts as the one that whitens 2 x 2 patches of the training images. */
  readonly whiten: boolean;
  /**
   * What keeps the weights that it starts with: names of parameters, or what several begin with, such as `conv1` or
   * `layer0.1`. The statistics of batch norms go on. Absent trains everything.
   */
  readonly frozen?: readonly string[];
  /**
   * The trunk keeps the weights that it starts with and its batch statistics, and runs as in evaluation; what learns is the
   * head, behind the last map (`trunkAndHead`). It takes weights to start from.
   */
  readonly freeze?: "trunk";
  /** Number format of convolutions and matrix products; "auto" leaves it to the machine (`choosePrecision`). */
  readonly precision: Precision | "auto";
}

/** When a run ends before its last epoch. With it a run keeps the weights of the epoch that is best in validation. */
export interface Stopping {
  /** Epochs without a better accuracy on the validation images, after which it ends; absent goes on. */
  readonly patience?: number;
  /**
   * Minutes that training may take, all sessions together. After the first epoch the schedule is laid over as many epochs as
   * there is time for; whatever they take then, it ends when the minutes are over.
   */
  readonly minutes?: number;
}

/** One recipe. */
export interface Recipe {
  /** What `--recipe` calls it. */
  readonly name: string;
  /** One line for `--help` and the README. */
  readonly about: string;
  /** The network. */
  readonly network: Network;
  /** What is done to the images, in order; `augment` to those that are trained on only. */
  readonly transforms: readonly Step[];
  /**
   * Share of the training images held out, the seed of that choice, and whether it is the same share of each class; absent
   * trains on all of them. Data that come with validation images are taken as they are.
   */
  readonly validation?: { readonly fraction: number; readonly seed: number; readonly stratify?: boolean };
  /** How it is trained. */
  readonly training: Training;
  /** How it is measured, on validation and test images. */
  readonly testing: Testing;
  /** When a run ends before its last epoch; absent trains all of them, and keeps the weights of the last. */
  readonly stopping?: Stopping;
}

const count = number({ whole: true, min: 1 });

/** Blocks of a stage: what a file asks for is built, and the deepest that was ever published has 333 (ResNet-1001). */
const MAX_DEPTH = 1000;

/** What both networks may be told of the images. */
const imageSchema = {
  inputSize: v.optional(
    v.union(
      [count, v.strictTuple([count, count])],
      ({ input }) => mismatch(input, "a whole number of at least 1, or the two of [height, width]"),
    ),
  ),
  channels: v.optional(count),
};

/** What a network looks like in a file. */
export const networkSchema: Schema<Network> = kinds([
  fields({
    kind: v.literal("resnet"),
    depths: list(number({ whole: true, min: 1, max: MAX_DEPTH }), { min: 1 }),
    cfg: fields({
      stem: v.optional(oneOf(["imagenet", "deep", "cifar"])),
      ...imageSchema,
      widths: v.optional(list(count, { min: 1 })),
      stemFilters: v.optional(count),
      groups: v.optional(count),
      widthPerGroup: v.optional(count),
      block: v.optional(oneOf(["basic", "bottleneck", "preActivation", "preActivationBottleneck"])),
      naming: v.optional(oneOf(["tutorial", "torchvision"])),
      shortcut: v.optional(oneOf(["projection", "padding", "average"])),
      bias: v.optional(truth),
      dropout: v.optional(number({ min: 0, below: 1 })),
      stochasticDepth: v.optional(number({ min: 0, below: 1 })),
    }),
  }),
  fields({
    kind: v.literal("fast"),
    cfg: fields({
      ...imageSchema,
      stemFilters: v.optional(count),
      widths: v.optional(list(count, { min: 1 })),
      celuAlpha: v.optional(number({ above: 0 })),
      headScale: v.optional(number({ above: 0 })),
    }),
  }),
]);

const trainingSchema: Schema<Training> = fields({
  epochs: count,
  batchSize: count,
  optimizer: optimizerSchema,
  schedule: scheduleSchema,
  scheduleBatch: v.optional(count),
  labelSmoothing: number({ min: 0, below: 1 }),
  classWeights: v.optional(classWeightsSchema),
  lookahead: v.optional(lookaheadSchema),
  whiten: truth,
  frozen: v.optional(list(text)),
  freeze: v.optional(oneOf(["trunk"])),
  precision: oneOf(["auto", "float32", "tf32", "bfloat16"]),
});

/** What a recipe looks like in a file. */
export const recipeSchema: Schema<Recipe> = fields({
  name: textThat("letters, digits, dots, dashes and underscores", (name) => /^[\w.-]+$/.test(name)),
  about: text,
  network: networkSchema,
  transforms: list(stepSchema),
  validation: v.optional(fields({
    fraction: number({ above: 0, below: 1 }),
    seed: number({ whole: true, min: 0, max: 2 ** 32 - 1 }),
    stratify: v.optional(truth),
  })),
  training: trainingSchema,
  testing: fields({ statistics: oneOf(["running", "batch"]), batchSize: count, tta: truth }),
  stopping: v.optional(fields({ patience: v.optional(count), minutes: v.optional(number({ above: 0 })) })),
});

/** @throws {UsageError} Naming the first setting that cannot be meant. */
export function checkTraining(training: Training): void {
  const refuse = (problem: string): UsageError => new UsageError(`Cannot train: ${problem}`);
  const { scheduleBatch, optimizer } = check(trainingSchema, training, refuse);
  if (scheduleBatch !== undefined && optimizer.kind !== "sgd") {
    throw refuse(
      `the rate of ${optimizer.kind} does not grow with the batch as that of sgd: leave out --scale-lr (scheduleBatch), ` +
        `and give --lr`,
    );
  }
}

/**
 * The network of a recipe for a data set's classes and images.
 * @param network A recipe's.
 * @param data `numClasses`: 10 unless given. `inputSize` and `channels` of the images, where the network leaves them open;
 *   its family's own unless given. `action`: the beginning of a message, `Cannot build the network` unless given.
 * @throws {UsageError} If its settings contradict each other, or the images are too small for it.
 * @example
 * ```ts
 * import { buildModel, recipes } from "@resnet/deno";
 *
 * const model = buildModel(recipes.resnet20.network, { numClasses: 100, inputSize: 64 });
 * model.input.shape; // [64, 64, 3]
 * model.output.shape; // [100]
 * ```
 */
export function buildModel(
  network: Network,
  data: {
    numClasses?: number;
    inputSize?: ResnetCfg["inputSize"];
    channels?: number;
    action?: string;
  } = {},
): Model {
  const { numClasses = 10, inputSize, channels, action = "Cannot build the network" } = data;
  const images = { inputSize, channels };
  try {
    switch (network.kind) {
      case "resnet":
        return resnet(network.depths, { ...images, ...network.cfg, numClasses });
      case "fast":
        return fastResnet({ ...images, ...network.cfg, numClasses });
    }
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof RangeError)) throw error;
    throw new UsageError(`${action}: ${error.message}`);
  }
}

/**
 * The network of a recipe for the classes of a data set, and for its images as they come out of the transforms.
 * @example
 * ```ts
 * import { modelFor, recipes } from "@resnet/deno";
 *
 * const model = modelFor(recipes.resnet20.network, {
 *   imageShape: [48, 32, 1],
 *   transforms: [],
 *   classes: ["cat", "dog", "frog"],
 * });
 * model.input.shape; // [48, 32, 1]
 * model.output.shape; // [3]
 * ```
 */
export function modelFor(
  network: Network,
  dataset: Pick<Dataset, "imageShape" | "transforms" | "classes">,
): Model {
  const [height, width, channels] = outputShape(dataset);
  return buildModel(network, { numClasses: dataset.classes.length, inputSize: [height, width], channels });
}
