/** From loaded images to those that a recipe trains and tests on. */
import { UsageError } from "../../runtime/system/errors.ts";
import type { Data } from "../data/dataset.ts";
import { split } from "../data/split.ts";
import { transform } from "../transforms/transforms.ts";
import type { Recipe } from "./recipe.ts";

/**
 * The data that a recipe describes: its transforms in their order, then its split. Validation and test images have the
 * same transforms but for the random ones.
 *
 * @param data As loaded: without transforms, and not split. Validation images that were loaded on their own are taken.
 * @param recipe Its name is for messages.
 * @throws {UsageError} If the recipe's transforms do not fit the images, or there are too few to split.
 * @example
 * ```ts
 * import { loadCifar, prepare, recipes } from "@resnet/deno";
 *
 * const load = async () => prepare(await loadCifar("data"), recipes.tutorial);
 * ```
 */
export function prepare(
  data: Data,
  { name, transforms, validation }: Pick<Recipe, "name" | "transforms" | "validation">,
): Data {
  try {
    const transformed = transforms.reduce((data, step) => transform(step)(data), data);
    if (validation === undefined || hasOwnValidation(data)) return transformed;
    return split(validation.fraction, validation)(transformed);
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof RangeError)) throw error;
    throw new UsageError(`Cannot prepare the images as the recipe ${name} says: ${error.message}`);
  }
}

/** Whether the validation images are not some of the training images that were split off. */
function hasOwnValidation({ train, validation }: Data): boolean {
  return validation !== undefined && validation.labels !== train.labels;
}
