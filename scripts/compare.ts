/** `deno task compare`: several runs side by side. */
import { dirname, join, resolve } from "@std/path";
import { drawComparison } from "../pipeline/reports/comparison.ts";
import {
  type ComparedRun,
  figuresOf,
  groupRuns,
  readComparedRun,
  type RunGroup,
} from "../pipeline/runs/mod.ts";
import { explainFileErrors } from "../runtime/system/file_errors.ts";
import { writeFileAtomic } from "../runtime/system/files.ts";
import { taskSummary } from "../runtime/system/package.ts";
import { comparisonLines } from "./cli/comparison_lines.ts";
import { printNext } from "./cli/next.ts";
import { runTask, type Values } from "./cli/task.ts";
import { printNote } from "./cli/terminal.ts";

const task = {
  name: "compare",
  summary: taskSummary("compare"),
  flags: {
    out: {
      type: "string",
      placeholder: "FILE.svg",
      help: "the picture (default: compare.svg beside the first run; with --json none)",
    },
    json: { type: "boolean", help: "one JSON object instead of the table" },
  },
  argument: { placeholder: "RUN", help: "folders of runs", many: true },
  examples: ["runs/fast-*", "--json runs/a runs/b"],
} as const;

async function compare({ out, json }: Values<typeof task.flags>, ...dirs: string[]): Promise<void> {
  const runs: ComparedRun[] = [];
  for (const dir of new Map(dirs.map((dir) => [resolve(dir), dir])).values()) {
    runs.push(await readComparedRun(dir));
  }
  const groups = groupRuns(runs);
  if (json) console.log(JSON.stringify({ groups: groups.map(groupJson) }));
  else comparisonLines(groups).forEach((line) => console.log(line));

  const path = out ?? (json ? undefined : join(dirname(resolve(dirs[0])), "compare.svg"));
  if (path === undefined) return;
  if (runs.every(({ metrics }) => metrics.length === 0)) {
    printNote(`There is nothing to draw in ${path}: no epoch of them is done`);
    return;
  }
  const svg = await drawComparison(groups);
  await explainFileErrors(
    `Cannot write ${path}`,
    "choose another file with --out",
    () => writeFileAtomic(path, svg),
  );
  if (json) return;
  console.log(`Wrote ${path}`);
  printNext("report", { run: bestOf(runs).name });
}

/** The run with the highest accuracy, on the test images where it was tested. */
function bestOf(runs: readonly ComparedRun[]): ComparedRun {
  const accuracyOf = (run: ComparedRun): number => {
    const { test, validation } = figuresOf(run);
    return test ?? validation ?? 0;
  };
  return runs.reduce((best, run) => accuracyOf(run) > accuracyOf(best) ? run : best);
}

function groupJson({ label, runs, mean, deviation }: RunGroup) {
  return {
    label,
    runs: runs.map((run) => ({
      run: run.name,
      seed: run.info.seed,
      epochs: run.metrics.length,
      ...figuresOf(run),
    })),
    mean,
    deviation,
  };
}

/** Runs the task. */
export function main(args: readonly string[]): Promise<void> {
  return runTask(task, compare, args);
}

if (import.meta.main) await main(Deno.args);
