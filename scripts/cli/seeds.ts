/** Several seeds of one run, trained in turn. */
import { join } from "@std/path";
import {
  checkVacant,
  groupRuns,
  readComparedRun,
  runName,
  type SessionEnd,
} from "../../pipeline/runs/mod.ts";
import type { Recipe } from "../../pipeline/training/mod.ts";
import { UsageError } from "../../runtime/system/errors.ts";
import type { Progress } from "../../runtime/system/progress.ts";
import { comparisonLines } from "./comparison_lines.ts";
import { printLine, printNote } from "./terminal.ts";

/** The most that one command trains: `0..1e9` is a slip. */
const MOST = 1000;

/**
 * The seeds that a text names: `0..4`, `0,3,7`, or both.
 * @throws {UsageError} If it names none, one twice, one that is no seed, or more than `MOST`.
 */
export function seedsIn(text: string): number[] {
  const fail = (problem: string) =>
    new UsageError(`Cannot use --seeds "${text}": ${problem}; give seeds such as 0..4 or 0,3,7`);
  const seeds: number[] = [];
  for (const part of text.split(",")) {
    const { from, to = from } = /^\s*(?<from>\d+)(\.\.(?<to>\d+))?\s*$/.exec(part)?.groups ?? {};
    const [first, last] = [Number(from), Number(to)];
    if (from === undefined) throw fail(`"${part.trim()}" is no whole number and no range of them`);
    if (last < first) throw fail(`${part.trim()} goes down`);
    if (last >= 2 ** 31) throw fail(`seeds are below ${2 ** 31}`);
    if (last - first >= MOST) throw fail(`that is more than ${MOST}`);
    for (let seed = first; seed <= last; seed++) seeds.push(seed);
  }
  const twice = seeds.find((seed, i) => seeds.indexOf(seed) < i);
  if (twice !== undefined) throw fail(`${twice} is in it twice`);
  if (seeds.length > MOST) throw fail(`that is more than ${MOST}`);
  return seeds;
}

/**
 * The folder of each seed: `runs/RECIPE-TIME-sSEED`, or a number behind the folder that is named.
 * @throws {UsageError} If one of them holds a run, unless they are to be started over.
 */
export async function seedFolders(
  seeds: readonly number[],
  { run, force }: { readonly run: string | undefined; readonly force: boolean },
  recipe: Recipe,
): Promise<(seed: number) => string> {
  const begin = run === undefined
    ? `${join("runs", runName(recipe.name, new Date()))}-s`
    : `${run.replace(/[/\\]+$/, "")}-`;
  const dirOf = (seed: number): string => `${begin}${seed}`;
  if (!force) { for (const seed of seeds) await checkVacant(dirOf(seed)); }
  return dirOf;
}

/** How the runs of several seeds are trained. */
export interface SeedRuns {
  /** In their order. */
  readonly seeds: readonly number[];
  /** The folder of each. */
  readonly dirOf: (seed: number) => string;
  /** Trains one, to its end or until it is told to stop. */
  readonly train: (seed: number, dir: string) => Promise<SessionEnd>;
  /** Told to stop, none is begun any more. */
  readonly signal: AbortSignal;
  /** What a person types to train some of them. */
  readonly commandFor: (seeds: string) => string;
  /** Hears which one it is. */
  readonly progress: Progress;
}

/**
 * Trains them one after the other, and ends with a line a run, and mean and deviation.
 * @returns How the last one ended that was begun, and where not all of them are trained what is done and what is left, as
 *   lines. An error of one is thrown, and these lines are noted.
 */
export async function trainSeeds(runs: SeedRuns): Promise<SessionEnd & { readonly left: readonly string[] }> {
  const { seeds, dirOf, train, signal, progress } = runs;
  for (const [i, seed] of seeds.entries()) {
    progress.message(`Seed ${seed}, ${i + 1} of ${seeds.length}`);
    const end = await train(seed, dirOf(seed)).catch((error) => {
      leftLines(runs, i, i + 1).forEach(printNote);
      throw error;
    });
    const isDone = end.step === end.totalSteps;
    if (isDone && i + 1 === seeds.length) {
      const groups = groupRuns(await Promise.all(seeds.map((seed) => readComparedRun(dirOf(seed)))));
      comparisonLines(groups).forEach(printLine);
      return { ...end, left: [] };
    }
    if (!isDone || signal.aborted) return { ...end, left: leftLines(runs, isDone ? i + 1 : i, i + 1) };
  }
  throw new TypeError("trainSeeds: there are no seeds");
}

/** Which seeds are done and which were not begun; the one between them is told by whoever stopped it. */
function leftLines({ seeds, commandFor }: SeedRuns, done: number, begun: number): string[] {
  const [before, after] = [seeds.slice(0, done), seeds.slice(begun)].map((some) => some.join(","));
  return [
    ...(before === "" ? [] : [`Done: seeds ${before}`]),
    ...(after === "" ? [] : [`Not begun: seeds ${after}; train them with: ${commandFor(after)}`]),
  ];
}
