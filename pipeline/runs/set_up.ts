/** What a run's settings make of the images: what is trained on what, and measured on what. */
import type { Model } from "../../layers/mod.ts";
import { choosePrecision } from "../../runtime/mod.ts";
import type { Data, Dataset } from "../data/dataset.ts";
import { checkFit } from "../data/fit.ts";
import { limit as limitTo } from "../data/split.ts";
import { prepare } from "../training/prepare.ts";
import { modelFor, type Training } from "../training/recipe.ts";
import { checkRun } from "../training/train.ts";
import type { RunInfo } from "./folder.ts";

/** A run before its first step, without its state. */
export interface SetUp {
  readonly model: Model;
  readonly training: Training;
  /** Training and validation images, with their transforms. */
  readonly prepared: Data;
  /** What the last figure is measured on: the validation images, where a folder of pictures has none to test on. */
  readonly lastPart: "test" | "validation";
  /** Its images, if they are to be measured on. */
  readonly test?: Dataset;
}

/**
 * The images that a run's settings make of a data set: as many as they take, as the recipe prepares them.
 * @throws {UsageError} If there are fewer, or the recipe does not fit them.
 */
export function preparedFor({ recipe, limit }: Pick<RunInfo, "recipe" | "limit">, loaded: Data): Data {
  return prepare(limit === undefined ? loaded : limitTo(limit)(loaded), recipe);
}

/**
 * @param loaded The images as loaded.
 * @throws {UsageError} If the settings cannot be meant here, or do not fit the images.
 */
export function setUp(
  { recipe, limit, skipTest, precision }: Pick<RunInfo, "recipe" | "limit" | "skipTest" | "precision">,
  loaded: Data,
): SetUp {
  const { testing } = recipe;
  const training = { ...recipe.training, precision: choosePrecision(precision) };
  const prepared = preparedFor({ recipe, limit }, loaded);
  const model = modelFor(recipe.network, prepared.train);
  checkRun(model, prepared, training, testing);
  const lastPart = loaded.digest !== undefined && prepared.test === undefined ? "validation" : "test";
  const test = skipTest && lastPart === "test" ? undefined : prepared[lastPart];
  if (test !== undefined) checkFit(model, test, { action: "Cannot test", part: "test images", ...testing });
  return { model, training, prepared, lastPart, test };
}
