/** What a recipe becomes where it is trained on a folder of pictures. */
import { photosAt } from "../training/photos.ts";
import type { Recipe } from "../training/recipe.ts";
import type { RunInfo } from "./folder.ts";

/**
 * A recipe for a folder of pictures, which are few, and in the order of the classes: the same share of each is kept back.
 * @param size The side of the images that the recipe `photos` makes, in pixels; as it stands unless given.
 */
export function pictureRecipe(recipe: Recipe, size?: number): Recipe {
  const sized = size === undefined ? recipe : photosAt(recipe, size);
  const { validation } = sized;
  return validation === undefined ? sized : { ...sized, validation: { ...validation, stratify: true } };
}

/** A recipe, changed as that of a run on a folder of pictures was when it began; as it stands for other runs. */
export function recipeLikeThatOf(
  { digest, recipe: { transforms } }: Pick<RunInfo, "digest" | "recipe">,
  recipe: Recipe,
): Recipe {
  return digest === undefined
    ? recipe
    : pictureRecipe(recipe, transforms.find((step) => step.kind === "crop")?.size);
}
