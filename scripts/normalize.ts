/** `deno task normalize`: the pipeline up to the normalised images. */
import { CIFAR10_STATS, normalize, resize, TUTORIAL_STATS } from "../pipeline/transforms/mod.ts";
import { taskSummary } from "../runtime/system/package.ts";
import { resizeFlags, showStage, stageFlags } from "./cli/stage.ts";
import { runTask } from "./cli/task.ts";

const task = {
  name: "normalize",
  summary: taskSummary("normalize"),
  flags: {
    ...stageFlags,
    ...resizeFlags,
    stats: {
      type: "string",
      choices: ["cifar10", "tutorial"],
      default: "cifar10",
      help: "whose mean and deviation: the training images' own, or the tutorial's",
    },
  },
  examples: ["", "--size 32 --out sheet.png", "--stats tutorial --json"],
} as const;

/** Runs the task. */
export function main(args: readonly string[]): Promise<void> {
  return runTask(task, (flags) =>
    showStage({
      name: "normalize",
      before: resize(flags.size, { quantize: flags.quantize }),
      stage: normalize(flags.stats === "tutorial" ? TUTORIAL_STATS : CIFAR10_STATS),
    }, flags), args);
}

if (import.meta.main) await main(Deno.args);
