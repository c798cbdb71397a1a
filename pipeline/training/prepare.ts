/** From what was asked for to what is run: recipe, data and precision. */
import { hasGpu, type Precision } from "../../runtime/mod.ts";
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

/** What the choice of a precision depends on. */
export interface Machine {
  /** Whether the processor has instructions for bfloat16. */
  readonly hasBfloat16: boolean;
  /** What TensorFlow sees, e.g. `["CPU:0"]`. */
  readonly devices: readonly string[];
}

/**
 * The precision to run in: what was asked for, else what the recipe says. "auto" is bfloat16 on a processor that has
 * it, float32 on others and on a GPU.
 */
export function choosePrecision(
  asked: Precision | undefined,
  recipe: Pick<Recipe, "precision">,
  { hasBfloat16, devices }: Machine,
): Precision {
  if (asked !== undefined) return asked;
  if (recipe.precision !== "auto") return recipe.precision;
  return hasBfloat16 && !hasGpu(devices) ? "bfloat16" : "float32";
}
