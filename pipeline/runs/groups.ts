/** Several runs side by side: those that differ in nothing but the seed are taken together. */
import { bestEpoch } from "./best_epoch.ts";
import { type EpochMetrics, readMetrics, readRunInfo, type RunInfo } from "./folder.ts";
import { difference } from "./resume.ts";

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

/**
 * Reads what a run's folder says of it.
 * @throws {UserError} As `readRunInfo` and `readMetrics` do.
 */
export async function readComparedRun(dir: string): Promise<ComparedRun> {
  return { name: dir, info: await readRunInfo(dir), metrics: await readMetrics(dir) };
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
