/** How a run is done again. */
import { taskCommand } from "../../runtime/system/package.ts";
import type { RunInfo } from "../runs/folder.ts";
import { difference } from "../runs/resume.ts";
import type { Recipe } from "../training/recipe.ts";
import { recipes } from "../training/recipes.ts";

/** What it takes to do a run again. */
export interface Repetition {
  /** As a person types it. */
  readonly command: string;
  /** The file that the command names, where flags cannot say what was trained. */
  readonly recipeFile?: { readonly name: string; readonly json: string };
}

/** Name of that file. */
const RECIPE_FILE = "recipe.json";

/**
 * The command that trains what a run trained. A recipe that came from a file needs that file again.
 * @example
 * ```ts
 * import { readRunInfo, repetition } from "@resnet/deno/reports";
 *
 * const show = async (run: string) => console.log(repetition(await readRunInfo(run)).command);
 * ```
 */
export function repetition(info: RunInfo): Repetition {
  const { recipe, seed, precision, limit, init, data, device, threads, xla, skipTest } = info;
  const flags = recipeFlags(recipe);
  const given = { seed, precision, limit, init, data, device, threads, xla };
  const texts = Object.entries({ ...(flags ?? { recipe: RECIPE_FILE }), ...given })
    .flatMap(([name, value]) => value === undefined ? [] : [[name, String(value)]]);
  return {
    command: taskCommand(skipTest ? "train --no-test" : "train", Object.fromEntries(texts)),
    ...(flags === undefined && { recipeFile: { name: RECIPE_FILE, json: JSON.stringify(recipe, null, 2) } }),
  };
}

/** The flags that make a recipe of the one that has its name; nothing if none do. */
function recipeFlags(recipe: Recipe): Readonly<Record<string, unknown>> | undefined {
  if (!Object.hasOwn(recipes, recipe.name)) return undefined;
  const base = recipes[recipe.name];
  const { epochs, batchSize, schedule: { rate } } = recipe.training;
  const changed = {
    ...base,
    training: { ...base.training, epochs, batchSize, schedule: { ...base.training.schedule, rate } },
  };
  if (difference(changed, recipe) !== undefined) return undefined;
  const { training } = base;
  return {
    recipe: recipe.name,
    epochs: epochs === training.epochs ? undefined : epochs,
    batch: batchSize === training.batchSize ? undefined : batchSize,
    lr: rate === training.schedule.rate ? undefined : rate,
  };
}
