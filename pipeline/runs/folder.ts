/** A run's folder: what was asked for, how it went, and the weights. */
import { join } from "@std/path";
import * as v from "valibot";
import type { Precision } from "../../runtime/mod.ts";
import { UsageError, UserError } from "../../runtime/system/errors.ts";
import { explainFileErrors, systemError } from "../../runtime/system/file_errors.ts";
import { exists, PARTIAL, removeIfThere, writeFileAtomic } from "../../runtime/system/files.ts";
import { taskCommand } from "../../runtime/system/package.ts";
import { type Progress, silent } from "../../runtime/system/progress.ts";
import {
  decodeJson,
  fields,
  list,
  number,
  oneOf,
  recordOf,
  type Schema,
  text,
  truth,
} from "../../runtime/system/schema.ts";
import { shellFlags } from "../../runtime/system/shell.ts";
import { MAX_THREADS } from "../../runtime/system/threads.ts";
import type { ClassAccuracy, Evaluation } from "../inference/evaluate.ts";
import { type Recipe, recipeSchema } from "../training/recipe.ts";
import type { EpochReport } from "../training/train.ts";
import { currentRecipe } from "./earlier.ts";
import type { OwnedFolder } from "./owner.ts";

/** The files of a run. */
export const RUN_FILES = {
  info: "run.json",
  metrics: "metrics.jsonl",
  weights: "model.safetensors",
  checkpoint: "checkpoint.safetensors",
} as const;

/** What a run is asked to be. */
export interface RunSettings {
  /** What is trained, and how. */
  readonly recipe: Recipe;
  /** Of weights, order and augmentation, in [0, 2^31). */
  readonly seed: number;
  /** Number format of the convolutions, instead of the recipe's. */
  readonly precision?: Precision;
  /** The first so many training images, or all. */
  readonly limit?: number;
  /** File of the weights that it starts from. */
  readonly init?: string;
  /** Of one kernel, where they are asked for. */
  readonly threads?: number;
  /** Where it runs, where that is asked for. */
  readonly device?: "cpu" | "gpu";
  /** Whether XLA compiles the steps, where that is asked for. */
  readonly xla?: "on" | "off";
  /** Whether batch norms take the statistics of the whole batch where several workers train. */
  readonly syncBatchNorm?: boolean;
  /** Folder of the data set, where that is asked for. */
  readonly data?: string;
  /** Folder in which TensorBoard finds this run, in one of the name that the run's folder has; none unless given. */
  readonly tensorboard?: string;
}

/** What a run is made of: with it, the same code and the same kind of machine, the run can be done again. */
export interface RunInfo extends RunSettings {
  /** Number format that the convolutions have. */
  readonly precision: Precision;
  /** Processor, its instruction set and cores. */
  readonly cpu: { readonly model: string; readonly instructions: string; readonly cores: number };
  /** Of what computes, by name: Deno, TensorFlow, TensorFlow.js. */
  readonly versions: Readonly<Record<string, string>>;
  /** Of this package; run folders of before it was kept have none. */
  readonly version?: string;
  /** Git commit of the code, where it is a checkout of this project. */
  readonly commit?: string;
  /** When it began, ISO 8601. */
  readonly started: string;
  /** Whether the test images are left alone. */
  readonly skipTest?: boolean;
  /** How many epochs there is time for, where the minutes are limited and one was measured. */
  readonly epochs?: number;
  /** Names of the classes, by class number; run folders of before it was kept have none. */
  readonly classes?: readonly string[];
  /** Of data from a folder of pictures: SHA-256 of all files and their classes, in base 64. */
  readonly digest?: string;
  /** On the test images, once they have been looked at. */
  readonly test?: Evaluation;
  /** On the validation images, where they are the last figure, since there are no test images. */
  readonly validation?: Evaluation;
  /** Of data from a folder of pictures: by class, what the last figure is made of. */
  readonly byClass?: readonly ClassAccuracy[];
  /** The same with test-time augmentation, where the recipe has it. */
  readonly testTta?: Evaluation;
}

const count = number({ whole: true, min: 0 });
const atLeastOne = number({ whole: true, min: 1 });
const share = number({ min: 0, max: 1 });

const settings = {
  recipe: v.pipe(v.unknown(), v.transform(currentRecipe), recipeSchema),
  seed: number({ whole: true, min: 0, max: 2 ** 31 - 1 }),
  precision: oneOf(["float32", "tf32", "bfloat16"]),
  limit: v.optional(atLeastOne),
  init: v.optional(text),
  threads: v.optional(number({ whole: true, min: 1, max: MAX_THREADS })),
  device: v.optional(oneOf(["cpu", "gpu"])),
  xla: v.optional(oneOf(["on", "off"])),
  syncBatchNorm: v.optional(truth),
  data: v.optional(text),
  tensorboard: v.optional(text),
};

/** What may be asked of a run; what is left out is decided for a new one, and as it was in one that goes on. */
export const settingsSchema: Schema<Partial<RunSettings>> = v.partial(fields(settings));

const evaluation: Schema<Evaluation> = fields({
  accuracy: share,
  correct: count,
  images: atLeastOne,
  // JSON writes a loss that is not finite as `null`: that of weights that went astray in the last step.
  loss: v.pipe(v.nullable(number()), v.transform((loss) => loss ?? NaN)),
});

const infoSchema: Schema<RunInfo> = fields({
  ...settings,
  cpu: fields({ model: text, instructions: text, cores: number() }),
  versions: recordOf(text),
  version: v.optional(text),
  commit: v.optional(text),
  started: text,
  skipTest: v.optional(truth),
  epochs: v.optional(atLeastOne),
  classes: v.optional(list(text)),
  digest: v.optional(text),
  test: v.optional(evaluation),
  validation: v.optional(evaluation),
  byClass: v.optional(list(fields({ name: text, correct: count, images: count }))),
  testTta: v.optional(evaluation),
});

/** One line of `metrics.jsonl`: an epoch. */
export interface EpochMetrics {
  /** 1-based. */
  readonly epoch: number;
  /** Steps done in the run. */
  readonly step: number;
  /** Seconds since the run began, without the time between sessions. */
  readonly seconds: number;
  /** Training images a second in this epoch, evaluation left out; since the last resume, if there was one. */
  readonly imagesPerSecond: number;
  /** Mean over the epoch's images, in nats. */
  readonly loss: number;
  /** Of its last step, in nats. */
  readonly lastLoss: number;
  /** In [0, 1], as the recipe measures; `null` without validation images. */
  readonly validationAccuracy: number | null;
  /** With running statistics, where the recipe measures with batch statistics. */
  readonly validationAccuracyRunning?: number;
  /** Of its last step. */
  readonly learningRate: number;
}

const metricsSchema: Schema<EpochMetrics> = fields({
  epoch: atLeastOne,
  step: atLeastOne,
  seconds: number({ min: 0 }),
  imagesPerSecond: number({ min: 0 }),
  loss: number(),
  lastLoss: number(),
  validationAccuracy: v.nullable(share),
  validationAccuracyRunning: v.optional(share),
  learningRate: number({ min: 0 }),
});

/** The line of an epoch. */
export function epochMetrics(
  report: EpochReport,
  times: { seconds: number; imagesPerSecond: number },
): EpochMetrics {
  const { epoch, step, loss, lastLoss, validation, validationRunning, learningRate } = report;
  return {
    epoch,
    step,
    seconds: round(times.seconds, 3),
    imagesPerSecond: round(times.imagesPerSecond, 1),
    loss,
    lastLoss,
    validationAccuracy: validation?.accuracy ?? null,
    ...(validationRunning && { validationAccuracyRunning: validationRunning.accuracy }),
    learningRate,
  };
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

/** A name for a run: recipe and time, e.g. `fast-20261125-093000`; what would part folders becomes a dash. */
export function runName(recipe: string, date: Date): string {
  const [day, time] = date.toISOString().replace(/[-:]/g, "").split("T");
  return `${recipe.replaceAll(/[/\\]/g, "-")}-${day}-${time.slice(0, 6)}`;
}

/**
 * Makes a folder that nobody else has: where the name is taken, by a run of the same second, a number follows it.
 * @param root The folder of all runs; made if missing.
 * @returns Its path.
 */
export function makeRunFolder(root: string, name: string): Promise<string> {
  return explainFileErrors(`Cannot make a folder in ${root}`, "choose one with --run", async () => {
    await Deno.mkdir(root, { recursive: true });
    for (let i = 1;; i++) {
      const dir = join(root, i === 1 ? name : `${name}-${i}`);
      try {
        await Deno.mkdir(dir); // fails if it is there: whoever makes it has it
        return dir;
      } catch (error) {
        if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
      }
    }
  });
}

/** Removes what a process that was killed while it wrote a file of the run has left of that. */
export async function removeLeftovers({ dir }: OwnedFolder): Promise<void> {
  const files: string[] = Object.values(RUN_FILES);
  for await (const { name } of Deno.readDir(dir)) {
    const isLeft = files.some((file) => name.startsWith(`${file}.`)) && name.endsWith(PARTIAL);
    if (isLeft) await removeIfThere(join(dir, name)).catch(() => {}); // it is in nobody's way
  }
}

/** The files of a run that a folder holds. */
export async function filesIn(dir: string): Promise<string[]> {
  const files: string[] = Object.values(RUN_FILES);
  const there = await Promise.all(files.map((file) => exists(join(dir, file))));
  return files.filter((_, i) => there[i]);
}

/** @throws {UsageError} If a folder holds a run already, or what is left of one. */
export async function checkVacant(dir: string): Promise<void> {
  const files = await explainFileErrors(
    `Cannot look into ${dir}`,
    "choose another folder with --run",
    () => filesIn(dir),
  );
  if (files.length === 0) return;
  const holdsRun = files.includes(RUN_FILES.info);
  throw new UsageError(
    `Cannot start a run in ${dir}: it holds ${holdsRun ? "one" : files.join(" and ")}; ` +
      (holdsRun ? `go on with ${shellFlags({ resume: dir })}, ` : "") +
      "start over with --force, or name another",
  );
}

/**
 * Begins a run in a folder.
 * @param options `force` empties a folder that already holds a run.
 * @throws {UsageError} If it holds a run already.
 */
export async function createRun({ dir }: OwnedFolder, info: RunInfo, { force = false } = {}): Promise<void> {
  if (!force) await checkVacant(dir);
  // The checkpoint first: without it nobody takes the rest for a run to go on with.
  for (const file of [RUN_FILES.checkpoint, RUN_FILES.weights, RUN_FILES.metrics]) {
    await explainFileErrors(
      `Cannot start over in ${dir}`,
      "choose another folder with --run",
      () => removeIfThere(join(dir, file)),
    );
  }
  await writeRunInfo(dir, info);
}

/** Writes `run.json`. */
export function writeRunInfo(dir: string, info: RunInfo): Promise<void> {
  return explainFileErrors(
    `Cannot write the run ${dir}`,
    "choose another folder with --run",
    () => writeFileAtomic(join(dir, RUN_FILES.info), JSON.stringify(info, null, 2) + "\n"),
  );
}

/**
 * Reads `run.json`.
 * @throws {UserError} If there is none, or it is not the record of a run; the message names the field.
 * @example
 * ```ts
 * import { readRunInfo } from "@resnet/deno";
 *
 * async function describe(dir: string): Promise<string> {
 *   const { recipe, seed, test } = await readRunInfo(dir);
 *   return `${recipe.name}, seed ${seed}: ${test?.accuracy ?? "not tested"}`;
 * }
 * ```
 */
export async function readRunInfo(dir: string): Promise<RunInfo> {
  const path = join(dir, RUN_FILES.info);
  const json = await explainFileErrors(
    `Cannot read ${path}`,
    `name the folder of a run, such as those in runs/`,
    () => Deno.readTextFile(path),
  );
  return decodeJson(infoSchema, json, path, "mend the file, or name another run");
}

/**
 * The lines of `metrics.jsonl`; none if there is no file yet.
 * @throws {UserError} If a line is not that of an epoch.
 * @example
 * ```ts
 * import { readMetrics } from "@resnet/deno";
 *
 * await readMetrics("runs/not-begun-yet"); // []
 * const lastLoss = async (dir: string) => (await readMetrics(dir)).at(-1)?.loss;
 * ```
 */
export async function readMetrics(dir: string): Promise<EpochMetrics[]> {
  const path = join(dir, RUN_FILES.metrics);
  const text = await explainFileErrors(
    `Cannot read ${path}`,
    "mend what is there, or name another run",
    async () => await exists(path) ? await Deno.readTextFile(path) : "",
  );
  return text.split(/\r?\n/).flatMap((line, i) =>
    line === ""
      ? []
      : [decodeJson(metricsSchema, line, `${path}, line ${i + 1}`, "mend the line, or take it out")]
  );
}

/** Writes all lines of `metrics.jsonl`. */
export function writeMetrics(dir: string, lines: readonly EpochMetrics[]): Promise<void> {
  return writeFileAtomic(
    join(dir, RUN_FILES.metrics),
    lines.map((line) => JSON.stringify(line) + "\n").join(""),
  );
}

/**
 * The folder of the run that was begun last, of those that have weights; it may be a link. What is no run is left out.
 * @param root The folder of all runs.
 * @param progress Told of a run that is left out because its record cannot be read.
 * @throws {UserError} If there is none, or one may not look into the folder.
 */
export async function latestRun(root: string, progress: Progress = silent): Promise<string> {
  const names = await explainFileErrors(
    `Cannot look into ${root}`,
    "name a run with --run DIR",
    async () => await exists(root) ? await Array.fromAsync(Deno.readDir(root), ({ name }) => name) : [],
  );
  const runs: { dir: string; started: string }[] = [];
  for (const name of names.sort()) {
    const dir = join(root, name);
    try {
      const isRun = await exists(join(dir, RUN_FILES.info)) && await exists(join(dir, RUN_FILES.weights));
      if (isRun) runs.push({ dir, started: (await readRunInfo(dir)).started });
    } catch (error) {
      const said = error instanceof UserError ? error.message : systemError(error)?.said;
      if (said === undefined) throw error;
      progress.message(`Leaving out ${dir}: ${said}`);
    }
  }
  if (runs.length === 0) {
    throw new UserError(
      `Cannot find a trained run in ${root}: run "${taskCommand("train")}" first, or name one with --run DIR`,
    );
  }
  return runs.reduce((latest, run) => run.started > latest.started ? run : latest).dir;
}
