/** Recipes by name or from a file of one's own. */
import { basename } from "@std/path";
import * as v from "valibot";
import { UserError } from "../../runtime/system/errors.ts";
import { explainFileErrors } from "../../runtime/system/file_errors.ts";
import { check, checkJson, isObject, oneOf } from "../../runtime/system/schema.ts";
import { type Recipe, recipeSchema } from "./recipe.ts";
import { findRecipe, recipes } from "./recipes.ts";

/**
 * A recipe: one that comes with the project, by its name, or that of a JSON file. A file holds a whole recipe, or with
 * `"extends": "fast"` what is different from that one: objects are merged, field by field; everything else, lists and
 * objects of another `kind` included, takes the place of what was there; `null` takes a field away (JSON Merge Patch, RFC
 * 7396). Its name is the file's, unless it has one.
 *
 * @param source A name, or a path that ends in `.json`.
 * @throws {UsageError} If there is no recipe of that name.
 * @throws {UserError} If the file cannot be read, or what is in it is no recipe; the message names the field.
 * @example
 * ```ts
 * import { loadRecipe } from "@resnet/deno";
 *
 * const path = await Deno.makeTempFile({ suffix: ".json" });
 * await Deno.writeTextFile(path, JSON.stringify({ extends: "resnet20", training: { epochs: 20 } }));
 * const { training } = await loadRecipe(path);
 * training.epochs; // 20
 * training.batchSize; // 128
 * await Deno.remove(path);
 * ```
 */
export async function loadRecipe(source: string): Promise<Recipe> {
  if (!source.toLowerCase().endsWith(".json")) return findRecipe(source);
  const json = await explainFileErrors(
    `Cannot read ${source}`,
    "give the name of a recipe, or the path of a JSON file",
    () => Deno.readTextFile(source),
  );
  const fail = (problem: string, advice = "mend the file"): UserError =>
    new UserError(`Cannot use the recipe ${source}: ${problem}; ${advice}`);
  const value = checkJson(v.unknown(), json, fail);
  if (isObject(value) && "extends" in value) return check(recipeSchema, extended(value, source, fail), fail);
  const whole = isObject(value) ? { name: nameOf(source), ...value } : value;
  return check(
    recipeSchema,
    whole,
    (problem) => fail(problem, 'mend the file, or name in "extends" the recipe that it changes'),
  );
}

/** The recipe that a file makes of another. */
function extended(
  { extends: base, ...changes }: Record<string, unknown>,
  source: string,
  fail: (problem: string) => UserError,
): unknown {
  const names = Object.keys(recipes);
  const found =
    recipes[check(oneOf(names), base, (problem) => fail(`extends ${problem.replace(/^it /, "")}`))];
  const about = `${found.name}, changed by ${basename(source)}`;
  return merge(found, { name: nameOf(source), about, ...changes });
}

/** The name that a file gives its recipe. */
function nameOf(source: string): string {
  return basename(source).replace(/\.json$/i, "").replaceAll(/[^\w.-]+/g, "-");
}

/** JSON Merge Patch, but that an object of another `kind` is not merged with what was there. */
function merge(base: unknown, changes: unknown): unknown {
  if (!isObject(changes)) return changes;
  const isOther = !isObject(base) || ("kind" in changes && changes.kind !== base.kind);
  const merged = isOther ? {} : { ...base };
  for (const [key, change] of Object.entries(changes)) {
    if (change === null) delete merged[key];
    else merged[key] = merge(merged[key], change);
  }
  return merged;
}
