/** The recipes that come with the project. */
import type { BlockName } from "../../layers/mod.ts";
import { closest } from "../../runtime/system/closest.ts";
import { UsageError } from "../../runtime/system/errors.ts";
import { CIFAR10_STATS, IMAGENET_STATS, TUTORIAL_STATS } from "../transforms/transforms.ts";
import { photosRecipe } from "./photos.ts";
import type { Recipe, Training } from "./recipe.ts";

/** He et al. 2015, section 4.2: n blocks a stage make 6n + 2 layers; 64,000 steps of 128 images. */
function cifarResnet(blocks: number): Recipe {
  const depth = 6 * blocks + 2;
  return {
    name: `resnet${depth}`,
    about: `ResNet-${depth} as in He et al. 2015: option-A shortcuts, 64,000 steps of 128 images`,
    network: {
      kind: "resnet",
      depths: [blocks, blocks, blocks],
      cfg: { stem: "cifar", widths: [16, 32, 64], shortcut: "padding", bias: false },
    },
    transforms: [
      { kind: "augment", flip: true, crop: 4, padding: "zero" },
      { kind: "normalize", ...CIFAR10_STATS },
    ],
    validation: { fraction: 0.1, seed: 42 },
    training: {
      epochs: 182, // 45,000 images make 352 steps an epoch
      batchSize: 128,
      optimizer: { kind: "sgd", momentum: 0.9, nesterov: false, weightDecay: 1e-4, offsetScale: 1 },
      schedule: {
        kind: "steps",
        rate: 0.1,
        boundaries: [32_000, 48_000],
        factor: 0.1,
        ...(depth === 110 && { warmUp: { factor: 0.1, steps: 400 } }),
      },
      labelSmoothing: 0,
      whiten: false,
      precision: "auto",
    },
    testing: { statistics: "running", batchSize: 500, tta: false },
  };
}

/** torchvision's network, to go on from weights published for it: a small rate, few epochs, its normalisation. */
function torchvisionResnet(depth: number, depths: readonly number[], block: BlockName): Recipe {
  return {
    name: `resnet${depth}`,
    about: `torchvision's ResNet-${depth} at 224 x 224, to be fine-tuned with --init`,
    network: { kind: "resnet", depths, cfg: { block, naming: "torchvision" } },
    transforms: [
      { kind: "augment", flip: true, crop: 4, padding: "reflect" },
      { kind: "resize", size: 224, quantize: true },
      { kind: "normalize", ...IMAGENET_STATS },
    ],
    validation: { fraction: 0.1, seed: 42 },
    training: {
      epochs: 3,
      batchSize: 32,
      optimizer: { kind: "sgd", momentum: 0.9, nesterov: false, weightDecay: 1e-4, offsetScale: 1 },
      schedule: { kind: "linear", rate: 0.01, knots: [[0, 0], [0.1, 1], [1, 0]] },
      labelSmoothing: 0,
      whiten: false,
      precision: "auto",
    },
    testing: { statistics: "running", batchSize: 100, tta: false },
  };
}

/** What is done to the images of the small residual networks. */
const QUICK_TRANSFORMS: Recipe["transforms"] = [
  { kind: "augment", flip: "alternate", crop: 2, padding: "reflect" },
  { kind: "normalize", ...CIFAR10_STATS },
];

/** How they are trained: what the fast CIFAR trainers have found, on Muon. */
const QUICK: Omit<Training, "epochs"> = {
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
  whiten: true,
  frozen: ["stem.0"],
  precision: "auto",
};

const RECIPES: readonly Recipe[] = [
  {
    name: "fast",
    about: "a small residual network that trains in minutes on two CPU cores (the default)",
    network: { kind: "fast", cfg: { stemFilters: 24, widths: [48, 128, 160], headScale: 1 / 9 } },
    transforms: QUICK_TRANSFORMS,
    validation: { fraction: 0.1, seed: 42 },
    training: { epochs: 9, ...QUICK },
    testing: { statistics: "running", batchSize: 500, tta: false },
  },
  {
    name: "accurate",
    about: "a wider one, trained for half an hour on all 50,000 images and looked at from six views",
    network: {
      kind: "fast",
      cfg: { stemFilters: 24, widths: [64, 256, 256], celuAlpha: 0.3, headScale: 1 / 9 },
    },
    transforms: QUICK_TRANSFORMS,
    training: { epochs: 14, ...QUICK },
    testing: { statistics: "running", batchSize: 500, tta: true },
  },
  {
    name: "tutorial",
    about: "the tutorial's ResNet-34 at 224 x 224, with its split, optimizer and 20 epochs",
    network: { kind: "resnet", depths: [3, 4, 6, 3], cfg: {} },
    transforms: [{ kind: "resize", size: 224, quantize: true }, { kind: "normalize", ...TUTORIAL_STATS }],
    validation: { fraction: 0.1, seed: 42 },
    training: {
      epochs: 20,
      batchSize: 64,
      optimizer: { kind: "sgd", momentum: 0.9, nesterov: false, weightDecay: 1e-3, offsetScale: 1 },
      schedule: { kind: "steps", rate: 0.01, boundaries: [], factor: 1 },
      labelSmoothing: 0,
      whiten: false,
      precision: "auto",
    },
    testing: { statistics: "batch", batchSize: 64, tta: false },
  },
  photosRecipe(224),
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

/**
 * The recipe of that name.
 * @throws {UsageError} If there is none.
 * @example
 * ```ts
 * import { findRecipe } from "@resnet/deno";
 *
 * findRecipe("resnet20").training.batchSize; // 128
 * ```
 */
export function findRecipe(name: string): Recipe {
  if (Object.hasOwn(recipes, name)) return recipes[name];
  const known = Object.keys(recipes);
  const near = closest(name, known);
  const meant = near === undefined ? "" : `did you mean ${near}? `;
  throw new UsageError(
    `Unknown recipe "${name}": ${meant}there are ${known.join(", ")}, or give a .json file`,
  );
}
