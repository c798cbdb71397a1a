/** From what was asked for to what is run: recipe, data and precision. */
import type { Precision } from "../../runtime/mod.ts";
import type { Data } from "../data/dataset.ts";
import { limit, split } from "../data/split.ts";
import { pipe } from "../pipe.ts";
import { augment, normalize, resize } from "../transforms/transforms.ts";
import type { Recipe } from "./recipes.ts";
import { withRate } from "./schedule.ts";

/** What a user may change of a recipe. */
export interface Changes {
  readonly epochs?: number;
  /** Images a step. */
  readonly batch?: number;
  /** Peak learning rate. */
  readonly lr?: number;
}

/** The recipe with the changes. */
export function changeRecipe(recipe: Recipe, { epochs, batch, lr }: Changes): Recipe {
  return {
    ...recipe,
    ...(epochs !== undefined && { epochs }),
    ...(batch !== undefined && { batchSize: batch }),
    ...(lr !== undefined && { schedule: withRate(recipe.schedule, lr) }),
  };
}

/**
 * A recipe's data: the first `count` training images or all, split, with the recipe's transforms. The test images have
 * the same transforms but for the augmentation.
 * @throws {UsageError} If there are not so many images, or too few to split.
 */
export function prepareData(data: Data, recipe: Recipe, count?: number): Data {
  const { augment: changes, resize: size, stats, validation } = recipe;
  const unchanged = (data: Data): Data => data;
  return pipe(
    data,
    count === undefined ? unchanged : limit(count),
    changes ? augment(changes) : unchanged,
    size ? resize(size.size, size) : unchanged,
    normalize(stats),
    validation ? split(validation.fraction, { seed: validation.seed }) : unchanged,
  );
}

/** The precision to run in: what was asked for, else what the recipe says, "auto" by what the processor can do. */
export function choosePrecision(
  asked: Precision | undefined,
  recipe: Recipe,
  { hasBfloat16 }: { hasBfloat16: boolean },
): Precision {
  if (asked !== undefined) return asked;
  if (recipe.precision !== "auto") return recipe.precision;
  return hasBfloat16 ? "bfloat16" : "float32";
}
