/** `deno task resize`: the pipeline up to the resized images. */
import { resize } from "../pipeline/transforms/mod.ts";
import { taskSummary } from "../runtime/system/package.ts";
import { resizeFlags, showStage, stageFlags } from "./cli/stage.ts";
import { runTask } from "./cli/task.ts";

const task = {
  name: "resize",
  summary: taskSummary("resize"),
  flags: { ...stageFlags, ...resizeFlags },
  examples: ["", "--size 64 --out sheet.png", "--quantize --json"],
} as const;

/** Runs the task. */
export function main(args: readonly string[]): Promise<void> {
  return runTask(task, (flags) =>
    showStage({
      name: "resize",
      before: (data) => data,
      stage: resize(flags.size, { quantize: flags.quantize }),
    }, flags), args);
}

if (import.meta.main) await main(Deno.args);
