/** The life of a run: begun or gone on with, kept in its folder, stopped or tested at its end. */
import { join } from "@std/path";
import type { Model } from "../../layers/mod.ts";
import { type Cpu, type Precision, readCpu, runtimeInfo, type RuntimeOptions } from "../../runtime/mod.ts";
import { UsageError, UserError } from "../../runtime/system/errors.ts";
import { exists } from "../../runtime/system/files.ts";
import type { Progress } from "../../runtime/system/progress.ts";
import type { Data } from "../data/dataset.ts";
import { changeRecipe, choosePrecision, prepareData } from "../training/prepare.ts";
import { buildModel, findRecipe, type Recipe } from "../training/recipes.ts";
import { type TestResults, testResults } from "../training/test_results.ts";
import {
  disposeState,
  type EpochReport,
  initialState,
  stepsPerEpoch,
  train,
  type TrainState,
} from "../training/train.ts";
import { loadCheckpoint, loadStart, saveCheckpoint, saveWeights } from "./checkpoint.ts";
import {
  checkVacant,
  createRun,
  epochMetrics,
  readMetrics,
  readRunInfo,
  RUN_FILES,
  type RunInfo,
  runName,
  writeMetrics,
  writeRunInfo,
} from "./folder.ts";
import { checkResumed, type RunFlags } from "./resume.ts";
import { codeVersion, versions } from "./versions.ts";

/** What is asked for. A run that is gone on with has its own settings; they may be repeated. */
export type SessionSettings = RunFlags & {
  /** Folder of a new run; `runs/RECIPE-TIME` unless given. */
  readonly run?: string;
  /** Folder of the run to go on with. */
  readonly resume?: string;
  /** Starts over in a folder that holds a run. */
  readonly force?: boolean;
  /** Whether to measure on the test images at the end; true unless given. */
  readonly test?: boolean;
};

/** A run before the first step of a session. */
export interface SessionStart {
  readonly dir: string;
  readonly model: Model;
  readonly recipe: Recipe;
  readonly precision: Precision;
  /** Training images. */
  readonly images: number;
  /** Classes that they are of. */
  readonly classes: number;
  readonly stepsPerEpoch: number;
  readonly devices: readonly string[];
  readonly cpu: Cpu;
  /** The step that a resumed run goes on from. */
  readonly resumedAt?: number;
  /** The weights that a run starts from, if they are for other classes: how many, in which file. */
  readonly replacedHead?: { readonly file: string; readonly classes: number };
}

/** What a session needs, and whom it tells what happens. */
export interface SessionOptions {
  /** Gives the images; called first, so that nothing is started without them. */
  readonly load: () => Promise<Data>;
  /** Starts the runtime on a run's device with its threads. */
  readonly startRuntime: (options: Pick<RuntimeOptions, "device" | "threads">) => Promise<void>;
  /** Shows how far training and testing are. */
  readonly progress: Progress;
  /** Stops the run: the step under way is finished, then everything is saved. */
  readonly signal?: AbortSignal;
  readonly onStart?: (start: SessionStart) => void;
  /** After each epoch, when it is saved. */
  readonly onEpoch?: (report: EpochReport) => void;
  /** After the last step. `seconds`: over all sessions; `weights`: the file. */
  readonly onTrained?: (trained: { seconds: number; weights: string }) => void;
  readonly onTest?: (results: TestResults) => void;
}

/** How a session ended. */
export interface SessionEnd {
  readonly dir: string;
  /** Steps done, of all steps: fewer if it was stopped. */
  readonly step: number;
  readonly totalSteps: number;
}

/**
 * Begins a run or goes on with one, to its end or until it is stopped. What a session leaves in the folder is enough to
 * go on to the same weights, bit for bit, however it ended.
 * @throws {UsageError} If the settings contradict a resumed run, or the folder holds a run.
 * @throws {UserError} If a file cannot be read, or the loss is not finite.
 */
export async function runSession(settings: SessionSettings, options: SessionOptions): Promise<SessionEnd> {
  const { progress, signal } = options;
  const cpu = readCpu();
  const resumed = settings.resume === undefined ? undefined : await readResumed(settings, settings.resume);
  const { seed = 0, limit, init, threads, device } = resumed ?? settings;
  const recipe = resumed?.recipe ?? changeRecipe(findRecipe(settings.recipe ?? "fast"), settings);
  const dir = settings.resume ?? settings.run ?? join("runs", runName(recipe.name, new Date()));
  const path = (file: keyof typeof RUN_FILES): string => join(dir, RUN_FILES[file]);

  if (resumed === undefined && !settings.force) await checkVacant(dir);

  const loaded = await options.load();
  await options.startRuntime({ device, threads });
  const { devices } = runtimeInfo();
  const precision = resumed?.precision ?? choosePrecision(settings.precision, recipe, { ...cpu, devices });
  const info: RunInfo = resumed ?? {
    recipe,
    seed,
    precision,
    ...(limit !== undefined && { limit }),
    ...(init !== undefined && { init }),
    ...(threads !== undefined && { threads }),
    ...(device !== undefined && { device }),
    cpu: { model: cpu.model, instructions: cpu.instructions, cores: cpu.cores },
    versions: versions(),
    ...await codeVersion(),
    started: new Date().toISOString(),
  };

  const data = prepareData(loaded, recipe, limit);
  const model = buildModel(recipe.model, data.train.classes.length);
  const restored = resumed === undefined ? undefined : await restore(path("checkpoint"), model);
  const given = restored === undefined && init !== undefined ? await loadStart(init, model, seed) : undefined;
  const start = restored?.state ?? initialState(model, recipe, data.train, seed, given?.variables);
  // Only now: a folder that is emptied by `force` may hold those weights.
  if (resumed === undefined) await createRun(dir, info, settings);

  const images = data.train.indices.length;
  const perEpoch = stepsPerEpoch(images, recipe.batchSize);
  const totalSteps = recipe.epochs * perEpoch;
  options.onStart?.({
    dir,
    model,
    recipe,
    precision,
    images,
    classes: data.train.classes.length,
    stepsPerEpoch: perEpoch,
    devices,
    cpu,
    ...(resumed !== undefined && { resumedAt: start.step }),
    ...(given?.replacedHead !== undefined && { replacedHead: { file: init!, classes: given.replacedHead } }),
  });

  const metrics = (await readMetrics(dir)).filter(({ step }) => step <= start.step);
  const before = restored?.notes.seconds ?? 0;
  const began = performance.now();
  const seconds = (): number => before + (performance.now() - began) / 1000;
  const save = async (state: TrainState): Promise<void> => {
    await saveWeights(path("weights"), model, state.variables, state.step);
    await saveCheckpoint(path("checkpoint"), model, state, { seconds: seconds() });
  };

  const left = recipe.epochs * images - imagesDone(start, images, recipe.batchSize);
  const bar = progress.start("Training", left, "images");
  const epoch = { images: 0, start: began, end: began };
  let done = 0;
  let final: TrainState;
  try {
    final = await train(model, data, recipe, {
      seed,
      state: start,
      precision,
      signal,
      onStep({ images, loss }) {
        epoch.images += images;
        epoch.end = performance.now();
        bar.update(done += images, `loss ${loss.toFixed(4)}`);
      },
      async onEpoch(report, state) {
        const imagesPerSecond = epoch.images / ((epoch.end - epoch.start) / 1000);
        metrics.push(epochMetrics(report, { seconds: seconds(), imagesPerSecond }));
        // Metrics first: a resumed run drops the lines after its checkpoint, but cannot write one before it again.
        await writeMetrics(dir, metrics);
        await save(state);
        options.onEpoch?.(report);
        Object.assign(epoch, { images: 0, start: performance.now() });
      },
    });
  } catch (error) {
    if (!(error instanceof UserError) || metrics.length === 0) throw error;
    throw new UserError(`${error.message}; the weights of epoch ${metrics.length} are in ${dir}`);
  } finally {
    bar.stop();
  }

  const end: SessionEnd = { dir, step: final.step, totalSteps };
  if (end.step < totalSteps) {
    await save(final);
  } else {
    options.onTrained?.({ seconds: seconds(), weights: path("weights") });
    if (settings.test !== false && data.test !== undefined) {
      const results = testResults(model, final.variables, data.test, recipe, { precision, progress });
      options.onTest?.(results);
      await writeRunInfo(dir, { ...info, test: results.test, ...(results.tta && { testTta: results.tta }) });
    }
  }
  disposeState(final);
  return end;
}

/** A run's own settings, which those asked for must not contradict. */
async function readResumed(settings: SessionSettings, dir: string): Promise<RunInfo> {
  const info = await readRunInfo(dir);
  checkResumed(settings, info, dir);
  if (settings.run !== undefined || settings.force) {
    throw new UsageError(`Cannot resume ${dir} with --run or --force: a resumed run stays in its folder`);
  }
  return info;
}

/** The last checkpoint, or nothing if the run was stopped before its first one: it then begins again. */
async function restore(path: string, model: Model) {
  return await exists(path) ? await loadCheckpoint(path, model) : undefined;
}

/** Images that the steps of a state have seen; the last step of an epoch is smaller. */
function imagesDone({ step }: TrainState, images: number, batchSize: number): number {
  const perEpoch = stepsPerEpoch(images, batchSize);
  return Math.floor(step / perEpoch) * images + (step % perEpoch) * batchSize;
}
