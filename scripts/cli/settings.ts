/** From flags to the settings of a run. A flag says itself where in them its value goes. */
import {
  type Asked,
  changesOf,
  checkResumed,
  pictureRecipe,
  readRunInfo,
  recipeLikeThatOf,
  type RunSettings,
} from "../../pipeline/runs/mod.ts";
import { loadRecipe, PHOTOS, type Recipe } from "../../pipeline/training/mod.ts";
import { UsageError } from "../../runtime/system/errors.ts";
import type { Flag, Values } from "./task.ts";

/** The flags that say which run is meant. */
export interface RunFlags {
  /** Name or file of what is trained. */
  readonly recipe: string | undefined;
  /** Folder of a new run. */
  readonly run: string | undefined;
  /** Folder of a run that goes on. */
  readonly resume: string | undefined;
  /** Whether to start over in a folder that holds a run. */
  readonly force: boolean;
}

/**
 * The settings of a new run, or of a resumed one those that it has: flags may repeat these.
 * @param flags The task's; `sets` of a flag is the place of its value, e.g. `recipe.training.epochs`.
 * @param pictures Of a new run on a folder of pictures: the size that the recipe `photos` gives its images.
 * @throws {UsageError} If there is no such recipe, or a flag contradicts the resumed run.
 * @throws {UserError} If a file of the recipe or the run cannot be read.
 */
export async function settingsOf<const F extends Record<string, Flag>>(
  flags: F,
  values: Values<F> & RunFlags,
  pictures?: { readonly size: number },
): Promise<Partial<RunSettings>> {
  const askedOf = (settings: Partial<RunSettings>) =>
    Object.entries<Flag>(flags).flatMap(([name, { sets, ...flag }]): Asked[] => {
      const given = (values as Readonly<Record<string, unknown>>)[name];
      if (sets === undefined || given === undefined || given === false) return [];
      const value = "takes" in flag && flag.takes !== undefined
        ? inside(settings, sets) ?? inside(settings, flag.takes)
        : given;
      return [{ name: `--${name}`, path: sets, value }];
    });
  const { recipe, run, resume, force } = values;
  const settings = async (
    recipe: string,
    changed: (recipe: Recipe) => Recipe,
  ): Promise<Partial<RunSettings>> => {
    const before = { recipe: changed(await loadRecipe(recipe)) };
    return askedOf(before).reduce<Partial<RunSettings>>(
      (settings, { path, value }) => replaced(settings, path.split("."), value),
      before,
    );
  };
  if (resume === undefined) {
    if (pictures === undefined) return await settings(recipe ?? "fast", (recipe) => recipe);
    return await settings(recipe ?? PHOTOS, (recipe) => pictureRecipe(recipe, pictures.size));
  }

  const info = await readRunInfo(resume);
  const asked = askedOf(info);
  checkResumed(asked, info, resume);
  if (recipe !== undefined) {
    const { recipe: whole } = await settings(recipe, (recipe) => recipeLikeThatOf(info, recipe));
    checkResumed([{ name: `--recipe ${recipe}`, path: "recipe", value: whole }], info, resume);
  }
  if (run !== undefined || force) {
    throw new UsageError(`Cannot resume ${resume} with --run or --force: a resumed run stays in its folder`);
  }
  return changesOf(asked);
}

/** What stands in one place of data. */
function inside(data: unknown, path: string): unknown {
  return path.split(".").reduce((at, key) => Object(at)[key], data);
}

/** The same data with another value in one place. */
function replaced<T>(data: T, [key, ...rest]: readonly string[], value: unknown): T {
  if (key === undefined) return value as T;
  const inside = (data as Readonly<Record<string, unknown>> | undefined)?.[key];
  return { ...data, [key]: replaced(inside, rest, value) };
}
