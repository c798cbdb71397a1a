/** `deno task compare`: several runs side by side. */
import { dirname, join, resolve } from "@std/path";
import {
  type ComparedRun,
  drawComparison,
  type Figures,
  figuresOf,
  groupRuns,
  type RunGroup,
} from "../pipeline/reports/comparison.ts";
import { readMetrics, readRunInfo } from "../pipeline/runs/mod.ts";
import { explainFileErrors } from "../runtime/system/file_errors.ts";
import { writeFileAtomic } from "../runtime/system/files.ts";
import { taskSummary } from "../runtime/system/package.ts";
import { printNext } from "./cli/next.ts";
import { type Column, tableLines } from "./cli/table.ts";
import { runTask, type Values } from "./cli/task.ts";
import { duration, printNote } from "./cli/terminal.ts";

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
    runs.push({ name: dir, info: await readRunInfo(dir), metrics: await readMetrics(dir) });
  }
  const groups = groupRuns(runs);
  if (json) console.log(JSON.stringify({ groups: groups.map(groupJson) }));
  else [...runLines(groups), ...groups.flatMap(groupLines)].forEach((line) => console.log(line));

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

/** How figures are said. */
const SAID: Readonly<Record<keyof Figures, { title: string; say: (value: number) => string }>> = {
  loss: { title: "loss", say: (value) => value.toFixed(4) },
  validation: { title: "validation", say: percent },
  test: { title: "test", say: percent },
  testTta: { title: "six views", say: percent },
  seconds: { title: "time", say: duration },
};

const NAMES = Object.keys(SAID) as (keyof Figures)[];

function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
}

/** A line a run. */
function runLines(groups: readonly RunGroup[]): string[] {
  const names = NAMES.filter((name) => groups.some(({ mean }) => mean[name] !== undefined));
  const columns: Column[] = [
    { title: "run", align: "left" },
    { title: "recipe", align: "left" },
    ...["seed", "epochs", ...names.map((name) => SAID[name].title)].map((title) =>
      ({ title, align: "right" }) as const
    ),
  ];
  const rows = groups.flatMap(({ label, runs }) =>
    runs.map((run) => {
      const { info: { seed, recipe: { training } }, metrics } = run;
      const figures = figuresOf(run);
      const epochs = metrics.length < training.epochs
        ? `${metrics.length} of ${training.epochs}`
        : `${metrics.length}`;
      const cells = names.map((name) => {
        const value = figures[name];
        return value === undefined ? "-" : SAID[name].say(value);
      });
      return [run.name, label, `${seed}`, epochs, ...cells];
    })
  );
  return tableLines(columns, rows);
}

/** The accuracies of several runs as one line. */
function groupLines({ label, runs, mean, deviation }: RunGroup): string[] {
  if (runs.length === 1) return [];
  const texts = (["test", "testTta", "validation"] as const).flatMap((name) => {
    const [middle, spread] = [mean[name], deviation[name]];
    if (middle === undefined || spread === undefined) return [];
    return [`${SAID[name].title} ${percent(middle)}, deviation ${(100 * spread).toFixed(2)}`];
  });
  const seeds = runs.map(({ info }) => info.seed).join(", ");
  return texts.length === 0 ? [] : [`${label}, n = ${runs.length} (seeds ${seeds}): ${texts.join("; ")}`];
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
