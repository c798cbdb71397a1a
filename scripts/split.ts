/** `deno task split`: the pipeline up to the split into training and validation images. */
import { split } from "../pipeline/data/mod.ts";
import { pipe } from "../pipeline/pipe.ts";
import { CIFAR10_STATS, normalize, resize } from "../pipeline/transforms/mod.ts";
import { taskSummary } from "../runtime/system/package.ts";
import { resizeFlags, showStage, stageFlags } from "./cli/stage.ts";
import { runTask } from "./cli/task.ts";

const task = {
  name: "split",
  summary: taskSummary("split"),
  flags: {
    ...stageFlags,
    ...resizeFlags,
    fraction: {
      type: "number",
      min: 0.0001,
      max: 0.9999,
      default: 0.1,
      help: "share of the training images kept for validation",
    },
    seed: {
      type: "integer",
      min: 0,
      max: 2 ** 32 - 1,
      default: 42,
      help: "seed of the shuffle before the split",
    },
  },
  examples: ["", "--size 32 --seed 1 --json"],
} as const;

/** Runs the task. */
export function main(args: readonly string[]): Promise<void> {
  return runTask(task, (flags) =>
    showStage({
      name: "split",
      before: (data) =>
        pipe(data, resize(flags.size, { quantize: flags.quantize }), normalize(CIFAR10_STATS)),
      stage: split(flags.fraction, { seed: flags.seed }),
    }, flags), args);
}

if (import.meta.main) await main(Deno.args);
