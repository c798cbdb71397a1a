/** `deno task load`: reads the data set and shows it. */
import { taskSummary } from "../runtime/system/package.ts";
import { showStage, stageFlags } from "./cli/stage.ts";
import { MAX_SIDE, runTask } from "./cli/task.ts";

const task = {
  name: "load",
  summary: taskSummary("load"),
  flags: {
    ...stageFlags,
    size: {
      type: "integer",
      min: 1,
      max: MAX_SIDE,
      default: 32,
      help: "side of each image in the contact sheet, in pixels",
    },
  },
  examples: ["", "--out sheet.png --size 128"],
} as const;

/** Runs the task. */
export function main(args: readonly string[]): Promise<void> {
  return runTask(
    task,
    (flags) => showStage({ name: "load", before: (data) => data, side: flags.size }, flags),
    args,
  );
}

if (import.meta.main) await main(Deno.args);
