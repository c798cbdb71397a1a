/** `deno task curve`: draws how a run went. */
import { join } from "@std/path";
import { drawCurve } from "../pipeline/reports/curve.ts";
import { latestRun, readMetrics, readRunInfo } from "../pipeline/runs/mod.ts";
import { UserError } from "../runtime/mod.ts";
import { explainFileErrors } from "../runtime/system/file_errors.ts";
import { writeFileAtomic } from "../runtime/system/files.ts";
import { taskCommand, taskSummary } from "../runtime/system/package.ts";
import { printNext } from "./cli/next.ts";
import { runFlag, runTask, type Values } from "./cli/task.ts";
import { terminalProgress } from "./cli/terminal.ts";

const task = {
  name: "curve",
  summary: taskSummary("curve"),
  flags: {
    run: runFlag,
    out: {
      type: "string",
      placeholder: "FILE.svg",
      help: "the picture (default: curve.svg in the run's folder)",
    },
  },
  examples: ["", "--run runs/fast-20261125-093000"],
} as const;

async function drawRun({ run, out }: Values<typeof task.flags>): Promise<void> {
  const dir = run ?? await latestRun("runs", terminalProgress());
  const [info, metrics] = [await readRunInfo(dir), await readMetrics(dir)];
  if (metrics.length === 0) {
    throw new UserError(
      `Cannot draw ${dir}: no epoch of it is done; go on with ${taskCommand("train", { resume: dir })}`,
    );
  }
  const path = out ?? join(dir, "curve.svg");
  const svg = await drawCurve(info, metrics);
  await explainFileErrors(
    `Cannot write ${path}`,
    "choose another file with --out",
    () => writeFileAtomic(path, svg),
  );
  console.log(`Wrote ${path}: ${metrics.length} epochs`);
  printNext("report", { run: dir });
}

/** Runs the task. */
export function main(args: readonly string[]): Promise<void> {
  return runTask(task, drawRun, args);
}

if (import.meta.main) await main(Deno.args);
