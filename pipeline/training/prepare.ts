/** From what was asked for to what is run: recipe, data and precision. */
import type { Precision } from "../../runtime/mod.ts";
import { UsageError } from "../../runtime/system/errors.ts";
import type { Data } from "../data/dataset.ts";
import { limit, split } from "../data/split.ts";
import { pipe } from "../pipe.ts";
import type { RunInfo } from "../runs/folder.ts";
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

/** Flags of `train` that a run is made of. */
export type RunFlags = Changes & {
  readonly recipe?: string;
  readonly seed?: number;
  readonly precision?: Precision;
  readonly limit?: number;
  readonly init?: string;
  readonly threads?: number;
  readonly device?: "cpu" | "gpu";
};

/**
 * Checks the flags of a resumed run against its own settings: they may repeat them, not change them.
 * @throws {UsageError} Naming the first flag that contradicts.
 */
export function checkResumed(flags: RunFlags, info: RunInfo, dir: string): void {
  const { recipe } = info;
  const settings: Required<{ [K in keyof RunFlags]: unknown }> = {
    recipe: recipe.name,
    epochs: recipe.epochs,
    batch: recipe.batchSize,
    lr: recipe.schedule.rate,
    seed: info.seed,
    precision: info.precision,
    limit: info.limit,
    init: info.init,
    threads: info.threads,
    device: info.device,
  };
  for (const [flag, value] of Object.entries(settings)) {
    const given = flags[flag as keyof RunFlags];
    if (given !== undefined && given !== value) {
      throw new UsageError(
        `Cannot resume ${dir} with --${flag} ${given}: the run has ${
          value ?? "none"
        }; leave the flag out, or start a new run`,
      );
    }
  }
}
