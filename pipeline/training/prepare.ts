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
 * @param data As loaded: without transforms, not split.
 * @throws {UsageError} If the recipe's transforms do not fit the images, or there are too few to split.
 * @example
 * ```ts
 * import { loadCifar } from "../data/cifar/load.ts";
 * import { prepare } from "./prepare.ts";
 * import { recipes } from "./recipes.ts";
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
    return validation ? split(validation.fraction, { seed: validation.seed })(transformed) : transformed;
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof RangeError)) throw error;
    throw new UsageError(`Cannot prepare the images as the recipe ${name} says: ${error.message}`);
  }
}
