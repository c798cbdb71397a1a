/** `deno task recipe`: a recipe as JSON, to start one's own from. */
import { loadRecipe, recipes } from "../pipeline/training/mod.ts";
import { taskSummary } from "../runtime/system/package.ts";
import { printNext } from "./cli/next.ts";
import { tableLines } from "./cli/table.ts";
import { runTask } from "./cli/task.ts";

const task = {
  name: "recipe",
  summary: taskSummary("recipe"),
  flags: {},
  argument: {
    placeholder: "NAME|FILE.json",
    help: "a recipe that comes with the project, or a file, which is then checked and shown whole",
  },
  examples: ["", "fast", "fast > my.json"],
} as const;

/** A recipe as a person would write it: JSON that is indented, with lists of plain values on one line. */
export function recipeText(value: unknown, indent = ""): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (isPlainList(value)) return `[${value.map((item) => recipeText(item)).join(", ")}]`;
  const inside = `${indent}  `;
  const entries = Object.entries(value).map(([key, item]) => {
    const name = Array.isArray(value) ? "" : `${JSON.stringify(key)}: `;
    return inside + name + recipeText(item, inside);
  });
  const [open, close] = Array.isArray(value) ? "[]" : "{}";
  return entries.length === 0 ? open + close : `${open}\n${entries.join(",\n")}\n${indent}${close}`;
}

/** Whether a value is a list without an object in it, at any depth. */
function isPlainList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value) &&
    value.every((item) => typeof item !== "object" || item === null || isPlainList(item));
}

/** Runs the task. */
export function main(args: readonly string[]): Promise<void> {
  return runTask(task, async (_, source?: string) => {
    if (source !== undefined) {
      console.log(recipeText(await loadRecipe(source)));
      printNext("train", { recipe: source });
      return;
    }
    const rows = Object.values(recipes).map(({ name, about }) => [name, about]);
    const columns = [{ title: "recipe", align: "left" }, { title: "", align: "left" }] as const;
    for (const line of tableLines(columns, rows)) console.log(line);
    printNext("recipe", {}, "fast > my.json");
  }, args);
}

if (import.meta.main) await main(Deno.args);
