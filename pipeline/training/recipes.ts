/** What a training run is made of, as plain data: network, data, optimizer, schedule. */
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
import type { Augment } from "../data/dataset.ts";
import {
  type ChannelStats,
  CIFAR10_STATS,
  IMAGENET_STATS,
  TUTORIAL_STATS,
} from "../transforms/transforms.ts";
import type { Lookahead } from "./lookahead.ts";
import type { Optimizer } from "./optimizer.ts";
import type { Schedule } from "./schedule.ts";

/** Which network to build. */
export type ModelSpec =
  | {
    readonly kind: "resnet";
    readonly depths: readonly number[];
    readonly cfg: Omit<ResnetCfg, "block" | "numClasses"> & { readonly block?: BlockName };
  }
  | { readonly kind: "fast"; readonly cfg: Omit<FastResnetCfg, "numClasses"> };

/** One training recipe. */
export interface Recipe {
  /** What `--recipe` calls it. */
  readonly name: string;
  /** One line for `--help` and the README. */
  readonly about: string;
  /** The network. */
  readonly model: ModelSpec;
  /** Side that images are resized to, in pixels, and whether to round as an 8-bit image does; absent keeps them. */
  readonly resize?: { readonly size: number; readonly quantize: boolean };
  /** What the images are normalised by. */
  readonly stats: ChannelStats;
  /** Random changes of the training images; absent leaves them as they are. */
  readonly augment?: Pick<Augment, "flip" | "crop" | "padding">;
  /** Share of the training images held out, and the seed of that choice; absent trains on all of them. */
  readonly validation?: { readonly fraction: number; readonly seed: number };
  /** Whether the first layer whitens 2 x 2 patches of the training images instead of being trained. */
  readonly whiten: boolean;
  /** Passes over the training images. */
  readonly epochs: number;
  /** Images a step; the last step of an epoch takes what is left. */
  readonly batchSize: number;
  /** What makes the next weights of the gradients. */
  readonly optimizer: Optimizer;
  /** The learning rate by step. */
  readonly schedule: Schedule;
  /** Share of each label that is spread evenly over all classes, in [0, 1). */
  readonly labelSmoothing: number;
  /** Pulls the weights back towards their own slow average as the run goes on; absent leaves them to the optimizer. */
  readonly lookahead?: Lookahead;
  /** "auto" is bfloat16 where the processor multiplies it itself, float32 elsewhere. */
  readonly precision: Precision | "auto";
  /**
   * Which statistics the batch norms use in evaluation. "running" is what evaluation means; "batch" is what the
   * tutorial does by never calling `model.eval()`, and reports both.
   */
  readonly evaluation: "running" | "batch";
  /** Whether the test images are looked at with test-time augmentation too, beside without. */
  readonly tta?: boolean;
  /** Images a step of evaluation: it matters to the result with "batch" only. */
  readonly evaluationBatchSize: number;
}

/** He et al. 2015, section 4.2: n blocks a stage make 6n + 2 layers; 64,000 steps of 128 images. */
function cifarResnet(blocks: number): Recipe {
  const depth = 6 * blocks + 2;
  return {
    name: `resnet${depth}`,
    about: `ResNet-${depth} as in He et al. 2015: option-A shortcuts, 64,000 steps of 128 images`,
    model: {
      kind: "resnet",
      depths: [blocks, blocks, blocks],
      cfg: { stem: "cifar", shortcut: "padding", bias: false, widths: [16, 32, 64] },
    },
    stats: CIFAR10_STATS,
    augment: { flip: true, crop: 4, padding: "zero" },
    validation: { fraction: 0.1, seed: 42 },
    whiten: false,
    epochs: 182, // 45,000 images make 352 steps an epoch
    batchSize: 128,
    optimizer: { kind: "sgd", momentum: 0.9, nesterov: false, weightDecay: 1e-4, offsetScale: 1 },
    schedule: {
      kind: "steps",
      rate: 0.1,
      boundaries: [32_000, 48_000],
      factor: 0.1,
      ...(depth === 110 && { warmUp: { rate: 0.01, steps: 400 } }),
    },
    labelSmoothing: 0,
    precision: "auto",
    evaluation: "running",
    evaluationBatchSize: 500,
  };
}

/** torchvision's network, to go on from weights published for it: a small rate, few epochs, its normalisation. */
function torchvisionResnet(depth: number, depths: readonly number[], block: BlockName): Recipe {
  return {
    name: `resnet${depth}`,
    about: `torchvision's ResNet-${depth} at 224 x 224, to be fine-tuned with --init`,
    model: { kind: "resnet", depths, cfg: { block, naming: "torchvision" } },
    resize: { size: 224, quantize: true },
    stats: IMAGENET_STATS,
    augment: { flip: true, crop: 4, padding: "reflect" },
    validation: { fraction: 0.1, seed: 42 },
    whiten: false,
    epochs: 3,
    batchSize: 32,
    optimizer: { kind: "sgd", momentum: 0.9, nesterov: false, weightDecay: 1e-4, offsetScale: 1 },
    schedule: { kind: "linear", rate: 0.01, knots: [[0, 0], [0.1, 1], [1, 0]] },
    labelSmoothing: 0,
    precision: "auto",
    evaluation: "running",
    evaluationBatchSize: 100,
  };
}

/** How the small residual networks are trained: what the fast CIFAR trainers have found, on Muon. */
const QUICK: Omit<Recipe, "name" | "about" | "model" | "epochs"> = {
  stats: CIFAR10_STATS,
  augment: { flip: "alternate", crop: 2, padding: "reflect" },
  whiten: true,
  batchSize: 512,
  optimizer: {
    kind: "muon",
    momentum: 0.6,
    // Momentum and decay of airbench94 (Jordan 2024), its rate written for a mean loss and 512 images a step.
    others: { kind: "sgd", momentum: 0.85, nesterov: true, weightDecay: 1.33e-3, offsetScale: 16 },
    othersRate: 5,
  },
  schedule: { kind: "linear", rate: 0.12, knots: [[0, 0.5], [0.1, 1], [1, 0]] },
  labelSmoothing: 0.2,
  lookahead: { every: 8, keep: 0.95 ** 5 },
  precision: "auto",
  evaluation: "running",
  evaluationBatchSize: 500,
};

const RECIPES: readonly Recipe[] = [
  {
    name: "fast",
    about: "a small residual network that trains in minutes on two CPU cores (the default)",
    model: { kind: "fast", cfg: { stemFilters: 24, widths: [48, 128, 160], headScale: 1 / 9 } },
    ...QUICK,
    validation: { fraction: 0.1, seed: 42 },
    epochs: 9,
  },
  {
    name: "accurate",
    about: "a wider one, trained for half an hour on all 50,000 images and looked at from six views",
    model: {
      kind: "fast",
      cfg: { stemFilters: 24, widths: [64, 256, 256], celuAlpha: 0.3, headScale: 1 / 9 },
    },
    ...QUICK,
    epochs: 14,
    tta: true,
  },
  {
    name: "tutorial",
    about: "the tutorial's ResNet-34 at 224 x 224, with its split, optimizer and 20 epochs",
    model: { kind: "resnet", depths: [3, 4, 6, 3], cfg: {} },
    resize: { size: 224, quantize: true },
    stats: TUTORIAL_STATS,
    validation: { fraction: 0.1, seed: 42 },
    whiten: false,
    epochs: 20,
    batchSize: 64,
    optimizer: { kind: "sgd", momentum: 0.9, nesterov: false, weightDecay: 1e-3, offsetScale: 1 },
    schedule: { kind: "steps", rate: 0.01, boundaries: [], factor: 1 },
    labelSmoothing: 0,
    precision: "auto",
    evaluation: "batch",
    evaluationBatchSize: 64,
  },
  ...[3, 5, 7, 9, 18].map(cifarResnet),
  torchvisionResnet(18, [2, 2, 2, 2], "basic"),
  torchvisionResnet(34, [3, 4, 6, 3], "basic"),
  torchvisionResnet(50, [3, 4, 6, 3], "bottleneck"),
  torchvisionResnet(101, [3, 4, 23, 3], "bottleneck"),
  torchvisionResnet(152, [3, 8, 36, 3], "bottleneck"),
];

/** All recipes, by name. */
export const recipes: Readonly<Record<string, Recipe>> = Object.fromEntries(
  RECIPES.map((recipe) => [recipe.name, recipe]),
);

/** The recipe of that name. @throws {UsageError} If there is none. */
export function findRecipe(name: string): Recipe {
  if (!Object.hasOwn(recipes, name)) {
    throw new UsageError(`Unknown recipe "${name}": there are ${Object.keys(recipes).join(", ")}`);
  }
  return recipes[name];
}

/** The network of a recipe, for so many classes. */
export function buildModel(spec: ModelSpec, numClasses = 10): Model {
  switch (spec.kind) {
    case "resnet":
      return resnet(spec.depths, { ...spec.cfg, numClasses });
    case "fast":
      return fastResnet({ ...spec.cfg, numClasses });
  }
}
