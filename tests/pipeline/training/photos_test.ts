/** The recipe for photos: the size of its images. */
import { assertEquals } from "@std/assert";
import { photosAt, photoSize } from "../../../pipeline/training/photos.ts";
import { modelFor, recipeSchema } from "../../../pipeline/training/recipe.ts";
import { recipes } from "../../../pipeline/training/recipes.ts";
import { check } from "../../../runtime/system/schema.ts";

Deno.test("photoSize: the largest size that half of the photos fill, by hand", () => {
  const cases: [sides: number[], size: number, median: number][] = [
    [[], 64, 64],
    [[20, 30, 40], 64, 30],
    [[100, 3024, 100], 96, 100],
    [[96], 96, 96],
    [[95], 64, 95],
    [[300, 100, 200, 400], 192, 200],
    [[1080, 720], 224, 720],
  ];
  for (const [sides, size, median] of cases) assertEquals(photoSize(sides), { size, median });
});

Deno.test("photosAt: images of that size, the network for them, any other recipe as it is", () => {
  for (const size of [64, 96]) {
    const recipe = check(recipeSchema, photosAt(recipes.photos, size), Error);
    const [crop] = recipe.transforms;
    assertEquals(crop.kind === "crop" && [crop.size, crop.shorter], [size, size]);
    const images = { imageShape: [size, size, 3] as const, transforms: [], classes: ["cat", "dog"] };
    const { input, output } = modelFor(recipe.network, images);
    assertEquals([[...input.shape], [...output.shape]], [[size, size, 3], [2]]);
  }
  assertEquals(photosAt(recipes.fast, 64), recipes.fast);
});
