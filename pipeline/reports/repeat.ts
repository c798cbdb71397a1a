/** How a run is done again. */
import { taskCommand } from "../../runtime/system/package.ts";
import type { RunInfo } from "../runs/folder.ts";
import { recipeLikeThatOf } from "../runs/picture_recipe.ts";
import { difference } from "../runs/resume.ts";
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
  const { recipe, seed, precision, limit, init, data, device, threads, xla, skipTest, syncBatchNorm } = info;
  const flags = recipeFlags(info);
  const switches = [
    skipTest && "--no-test",
    syncBatchNorm && "--sync-batch-norm",
    flags && recipe.training.scheduleBatch !== undefined && "--scale-lr",
  ].filter((name) => name);
  const given = { seed, precision, limit, init, data, device, threads, xla };
  const texts = Object.entries({ ...(flags ?? { recipe: RECIPE_FILE }), ...given })
    .flatMap(([name, value]) => value === undefined ? [] : [[name, String(value)]]);
  return {
    command: taskCommand(["train", ...switches].join(" "), Object.fromEntries(texts)),
    ...(flags === undefined && { recipeFile: { name: RECIPE_FILE, json: JSON.stringify(recipe, null, 2) } }),
  };
}

/** The flags that make a run's recipe of the one that has its name; nothing if none do. */
function recipeFlags(info: RunInfo): Readonly<Record<string, unknown>> | undefined {
  const { recipe } = info;
  if (!Object.hasOwn(recipes, recipe.name)) return undefined;
  const base = recipeLikeThatOf(info, recipes[recipe.name]);
  const { epochs, batchSize, scheduleBatch, schedule: { rate }, classWeights, freeze } = recipe.training;
  const stopping = { ...base.stopping, ...recipe.stopping };
  const { training } = base;
  const changed = {
    ...base,
    training: {
      ...{ ...training, epochs, batchSize, schedule: { ...training.schedule, rate } },
      ...(scheduleBatch !== undefined && { scheduleBatch: training.batchSize }),
      ...(classWeights === "balanced" && { classWeights }),
      ...(freeze && { freeze }),
    },
    ...(recipe.stopping && { stopping }),
  };
  if (difference(changed, recipe) !== undefined) return undefined;
  const given = <T>(value: T, own: T): T | undefined => value === own ? undefined : value;
  return {
    recipe: recipe.name,
    epochs: given(epochs, training.epochs),
    batch: given(batchSize, training.batchSize),
    lr: given(rate, training.schedule.rate),
    "class-weights": classWeights,
    freeze,
    patience: given(stopping.patience, base.stopping?.patience),
    minutes: given(stopping.minutes, base.stopping?.minutes),
  };
}
