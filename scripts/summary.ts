/** `deno task summary`: the table of a recipe's network, in the layout of torchsummary. */
import { summary } from "../layers/mod.ts";
import { CIFAR10_IMAGE_SHAPE, outputShape } from "../pipeline/data/mod.ts";
import { buildModel, loadRecipe } from "../pipeline/training/mod.ts";
import { taskSummary } from "../runtime/system/package.ts";
import { printNext } from "./cli/next.ts";
import { runTask } from "./cli/task.ts";

const task = {
  name: "summary",
  summary: taskSummary("summary"),
  flags: {
    recipe: {
      type: "string",
      placeholder: "NAME|FILE.json",
      default: "fast",
      help: "whose network",
    },
  },
  examples: ["--recipe tutorial"],
} as const;

async function showNetwork(source: string): Promise<void> {
  const { network, transforms } = await loadRecipe(source);
  const [inputSize] = outputShape({ imageShape: CIFAR10_IMAGE_SHAPE, transforms });
  console.log(summary(buildModel(network, { inputSize })));
  printNext("train", { recipe: source });
}

/** Runs the task. */
export function main(args: readonly string[]): Promise<void> {
  return runTask(task, ({ recipe }) => showNetwork(recipe), args);
}

if (import.meta.main) await main(Deno.args);
