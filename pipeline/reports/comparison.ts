/** Several runs side by side: those that differ in nothing but the seed are taken together. */
import type { TopLevelSpec } from "vega-lite";
import { bestEpoch } from "../runs/best_epoch.ts";
import type { EpochMetrics, RunInfo } from "../runs/folder.ts";
import { difference } from "../runs/resume.ts";
import { drawSpec } from "./curve.ts";

/** A run that is compared. */
export interface ComparedRun {
  /** What it is called. */
  readonly name: string;
  /** What was asked for. */
  readonly info: RunInfo;
  /** How it went. */
  readonly metrics: readonly EpochMetrics[];
}

/** What is compared of a run; what was not measured is missing. Accuracies are in [0, 1]. */
export interface Figures {
  /** Mean training loss of the last epoch, in nats. */
  readonly loss?: number;
  /** On the validation images: after the last epoch, or the best one where its weights are kept. */
  readonly validation?: number;
  /** On the test images, as the recipe measures. */
  readonly test?: number;
  /** On the test images with test-time augmentation. */
  readonly testTta?: number;
  /** Seconds since the run began. */
  readonly seconds?: number;
}

/** The names of the figures. */
export const FIGURES = ["loss", "validation", "test", "testTta", "seconds"] as const;

/** Runs that differ in nothing but the seed, and where they were trained. */
export interface RunGroup {
  /** The recipe's name; where another group has that too, with what is different. No two groups have the same. */
  readonly label: string;
  /** In the order in which they were given. */
  readonly runs: readonly ComparedRun[];
  /** Of the runs that have the figure. */
  readonly mean: Figures;
  /** Standard deviation of the sample (divided by n - 1); missing where fewer than two have the figure. */
  readonly deviation: Figures;
}

/** What is compared of a run. */
export function figuresOf({ info, metrics }: ComparedRun): Figures {
  const last = metrics.at(-1);
  const kept = info.recipe.stopping ? bestEpoch(metrics) : last;
  return {
    loss: last?.loss,
    validation: kept?.validationAccuracy ?? undefined,
    test: info.test?.accuracy,
    testTta: info.testTta?.accuracy,
    seconds: last?.seconds,
  };
}

/**
 * Takes runs together that differ in nothing but the seed, with mean and deviation.
 * @returns In the order of their first runs.
 * @example
 * ```ts
 * import { groupRuns, readMetrics, readRunInfo } from "@resnet/deno/reports";
 *
 * async function seeds(dirs: string[]) {
 *   const runs = dirs.map(async (name) => ({
 *     name,
 *     info: await readRunInfo(name),
 *     metrics: await readMetrics(name),
 *   }));
 *   for (const { label, mean, deviation } of groupRuns(await Promise.all(runs))) {
 *     console.log(label, mean.test, deviation.test);
 *   }
 * }
 * ```
 */
export function groupRuns(runs: readonly ComparedRun[]): RunGroup[] {
  const groups: ComparedRun[][] = [];
  for (const run of runs) {
    const own = groups.find(([first]) => difference(settingsOf(first), settingsOf(run)) === undefined);
    if (own === undefined) groups.push([run]);
    else own.push(run);
  }
  const labels: string[] = [];
  for (const [first] of groups) labels.push(labelOf(first, groups, labels));
  return groups.map((runs, i) => {
    const figures = runs.map(figuresOf);
    return { label: labels[i], runs, mean: each(figures, mean), deviation: each(figures, deviation) };
  });
}

/** What two runs of different seeds have in common. */
function settingsOf({ info: { recipe, precision, limit, init, digest } }: ComparedRun) {
  return { recipe, precision, limit, init, digest };
}

/** The name of the group that a run is the first of; `taken` have those before it. */
function labelOf(
  run: ComparedRun,
  groups: readonly (readonly ComparedRun[])[],
  taken: readonly string[],
): string {
  const { name } = run.info.recipe;
  const [before] = groups.find(([other]) => other.info.recipe.name === name)!;
  const found = difference(settingsOf(before), settingsOf(run));
  if (found === undefined) return name;
  const path = found.path.join(".").replace(/^recipe\./, "");
  const value = typeof found.other === "string" ? found.other : JSON.stringify(found.other) ?? "none";
  // The digest of pictures tells nobody which they are.
  const label = `${name}, ${path === "digest" ? `data ${run.info.data ?? "none"}` : `${path} ${value}`}`;
  return taken.includes(label) ? `${label} (${run.name})` : label;
}

/** The figures of several runs as one. */
function each(
  figures: readonly Figures[],
  of: (values: readonly number[]) => number | undefined,
): Figures {
  return Object.fromEntries(
    FIGURES.map((name) => [name, of(figures.map((one) => one[name]).filter((value) => value !== undefined))]),
  );
}

function mean(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0) / values.length;
}

function deviation(values: readonly number[]): number | undefined {
  if (values.length < 2) return undefined;
  const middle = mean(values)!;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / (values.length - 1));
}

/**
 * What the picture of a comparison shows, as data for Vega-Lite: loss and validation accuracy of each run by epoch, thin;
 * the mean of each group, thick; and across it the mean of its test accuracies, dashed.
 */
export function comparisonSpec(groups: readonly RunGroup[]): TopLevelSpec {
  const lines = groups.flatMap(({ label, runs }) =>
    runs.flatMap(({ name, metrics }) =>
      metrics.map(({ epoch, loss, validationAccuracy }) => ({
        ...{ of: label, run: name, epoch, loss },
        ...(validationAccuracy !== null && { validation: validationAccuracy }),
      }))
    )
  );
  const tests = groups.flatMap(({ label, mean: { test } }) =>
    test === undefined ? [] : [{ of: label, test }]
  );
  const size = { width: 640, height: 240 };
  const epochs = Math.max(...lines.map(({ epoch }) => epoch));
  const x = {
    ...{ field: "epoch", type: "quantitative" as const, title: "epoch" },
    ...{ scale: { domain: [1, epochs], nice: false }, axis: { tickMinStep: 1 } },
  };
  const color = {
    field: "of",
    type: "nominal",
    title: null,
    sort: groups.map(({ label }) => label),
  } as const;
  const scale = { zero: false };
  const y = (field: string, title: string, format: string) =>
    ({ field, title, type: "quantitative", scale, axis: { format } }) as const;
  const means = (field: string, title: string, format: string) => {
    const data = { values: lines.filter((line) => field in line) };
    return [
      {
        data,
        mark: { type: "line", strokeWidth: 1, opacity: 0.4 },
        encoding: { x, y: y(field, title, format), color, detail: { field: "run" } },
      },
      {
        data,
        mark: { type: "line", strokeWidth: 2.5 },
        encoding: { x, y: { ...y(field, title, format), aggregate: "mean" }, color },
      },
    ] as const;
  };
  return {
    vconcat: [
      { ...size, layer: [...means("loss", "training loss (nats)", "")] },
      {
        ...size,
        layer: [
          ...means("validation", "accuracy", ".1%"),
          {
            data: { values: tests },
            mark: { type: "rule", strokeDash: [4, 4] },
            encoding: { y: y("test", "accuracy", ".1%"), color },
          },
        ],
      },
    ],
    title: "thin: each run, thick: the mean of a recipe's, dashed: on the test images",
    config: { background: "white", legend: { labelLimit: 0, symbolOpacity: 1 } }, // whole names
  };
}

/**
 * Draws several runs.
 * @returns An SVG document.
 * @example
 * ```ts
 * import { drawComparison, type RunGroup } from "@resnet/deno/reports";
 *
 * async function draw(groups: RunGroup[]) {
 *   await Deno.writeTextFile("compare.svg", await drawComparison(groups));
 * }
 * ```
 */
export async function drawComparison(groups: readonly RunGroup[]): Promise<string> {
  return await drawSpec(comparisonSpec(groups)) + "\n";
}
