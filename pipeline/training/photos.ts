/** The recipe for a folder of photos, and how large its images are. */
import { IMAGENET_STATS } from "../transforms/transforms.ts";
import type { Recipe } from "./recipe.ts";

/** What it is called. */
export const PHOTOS = "photos";

/** Sides of its images, in pixels: each halves five times to a map of 2 to 7 pixels. */
export const PHOTO_SIZES = [64, 96, 128, 160, 192, 224] as const;

/**
 * A ResNet-18 of half the width, for images of a size: trained from nothing on some hundreds or thousands of photos.
 * @param size The side of the images, in pixels.
 */
export function photosRecipe(size: number): Recipe {
  return {
    name: PHOTOS,
    about: "a residual network for a folder of photos, 64 to 224 pixels by their sizes (the default there)",
    network: {
      kind: "resnet",
      depths: [2, 2, 2, 2],
      cfg: { widths: [32, 64, 128, 256], naming: "torchvision" },
    },
    transforms: [
      // The whole middle in evaluation; the ranges are torchvision's, but that small parts of a photo are left out.
      {
        kind: "crop",
        size,
        shorter: size,
        scale: [0.35, 1],
        ratio: [3 / 4, 4 / 3],
        augment: "trivialAugment",
      },
      { kind: "augment", flip: true, crop: 0, padding: "zero" },
      { kind: "normalize", ...IMAGENET_STATS },
    ],
    validation: { fraction: 0.2, seed: 42, stratify: true },
    training: {
      epochs: 40,
      batchSize: 32,
      optimizer: { kind: "sgd", momentum: 0.9, nesterov: true, weightDecay: 5e-4, offsetScale: 1 },
      schedule: { kind: "linear", rate: 0.05, knots: [[0, 0.1], [0.1, 1], [1, 0]] },
      labelSmoothing: 0.1,
      whiten: false,
      precision: "auto",
    },
    testing: { statistics: "running", batchSize: 100, tta: false },
    stopping: { patience: 15 },
  };
}

/**
 * How large the images of photos are made: the largest of `PHOTO_SIZES` that half of the photos fill, the smallest if they
 * fill none.
 * @param sides The shorter side of each photo, in pixels.
 * @returns The size, and the middle one of the sides.
 */
export function photoSize(sides: readonly number[]): { readonly size: number; readonly median: number } {
  const median = sides.toSorted((a, b) => a - b)[Math.floor((sides.length - 1) / 2)] ?? PHOTO_SIZES[0];
  return { size: PHOTO_SIZES.findLast((size) => size <= median) ?? PHOTO_SIZES[0], median };
}

/** A recipe `photos` with images of another size; any other stays as it is. */
export function photosAt(recipe: Recipe, size: number): Recipe {
  if (recipe.name !== PHOTOS) return recipe;
  const transforms = recipe.transforms.map((step) =>
    step.kind === "crop" ? { ...step, size, shorter: size } : step
  );
  return { ...recipe, transforms };
}
