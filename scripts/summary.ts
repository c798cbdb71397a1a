/** `deno task summary`: the table of a recipe's network, in the layout of torchsummary. */
import { summary } from "../layers/mod.ts";
import { buildModel, findRecipe, recipes } from "../pipeline/training/mod.ts";
import { runTask } from "./cli/task.ts";

const task = {
  name: "summary",
  summary: "Prints the layers of a recipe's network with their shapes and parameters.",
  flags: {
    recipe: { type: "string", choices: Object.keys(recipes), default: "fast", help: "whose network" },
  },
  examples: ["--recipe tutorial"],
} as const;

/** Runs the task. */
export function main(args: readonly string[]): Promise<void> {
  return runTask(task, ({ recipe }) => console.log(summary(buildModel(findRecipe(recipe).model))), args);
}

if (import.meta.main) await main(Deno.args);
