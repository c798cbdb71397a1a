/** What is said of several runs side by side. */
import { type Figures, figuresOf, type RunGroup } from "../../pipeline/runs/mod.ts";
import { type Column, tableLines } from "./table.ts";
import { duration } from "./terminal.ts";

/** A table with a line a run, and a line with mean and deviation for runs of several seeds. */
export function comparisonLines(groups: readonly RunGroup[]): string[] {
  return [...runLines(groups), ...groups.flatMap(groupLines)];
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
