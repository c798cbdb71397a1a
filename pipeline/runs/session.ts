/** The life of a run: begun or gone on with, kept in its folder, stopped or tested at its end. */
import { join, resolve } from "@std/path";
import type { Model } from "../../layers/mod.ts";
import {
  choosePrecision,
  type Cpu,
  type Precision,
  readCpu,
  runtimeInfo,
  tree,
  workers,
} from "../../runtime/mod.ts";
import { UsageError, UserError } from "../../runtime/system/errors.ts";
import { isFolder } from "../../runtime/system/files.ts";
import { withoutLockLine } from "../../runtime/system/lock.ts";
import { taskCommand } from "../../runtime/system/package.ts";
import { type Progress, silent } from "../../runtime/system/progress.ts";
import { check } from "../../runtime/system/schema.ts";
import { shellFlags } from "../../runtime/system/shell.ts";
import type { Data } from "../data/dataset.ts";
import type { Recipe, Training } from "../training/recipe.ts";
import { findRecipe } from "../training/recipes.ts";
import {
  disposeState,
  initialVariables,
  notFiniteProblem,
  startState,
  type TrainState,
} from "../training/state.ts";
import { type TestResults, testResults } from "../training/test_results.ts";
import { type EpochReport, stepsPerEpoch, train } from "../training/train.ts";
import { agree } from "./agree.ts";
import { bestEpoch, epochsThatFit, isPatienceOver } from "./best_epoch.ts";
import { loadCheckpoint } from "./checkpoint.ts";
import {
  checkVacant,
  createRun,
  epochMetrics,
  filesIn,
  makeRunFolder,
  readMetrics,
  readRunInfo,
  removeLeftovers,
  RUN_FILES,
  type RunInfo,
  runName,
  type RunSettings,
  settingsSchema,
  writeRunInfo,
} from "./folder.ts";
import { type OwnedFolder, ownFolder } from "./owner.ts";
import { checkResumed, checkSameData } from "./resume.ts";
import { refusal, runSaver } from "./saving.ts";
import { setUp } from "./set_up.ts";
import { codeVersion, versions } from "./versions.ts";
import { loadStart, loadWeights } from "./weights.ts";

/** A run before the first step of a session. */
export interface SessionStart {
  /** The run's folder. */
  readonly dir: string;
  /** What is trained. */
  readonly model: Model;
  /** How. */
  readonly recipe: Recipe;
  /** Number format of the convolutions. */
  readonly precision: Precision;
  /** Training images. */
  readonly images: number;
  /** Classes that they are of. */
  readonly classes: number;
  /** Of the batch size, the last, smaller one included. */
  readonly stepsPerEpoch: number;
  /** What TensorFlow sees, e.g. `["CPU:0"]`. */
  readonly devices: readonly string[];
  /** Whether what computes, the GPU where there is one, has instructions for bfloat16. */
  readonly hasBfloat16: boolean;
  /** Whether XLA compiles the steps. */
  readonly xla: boolean;
  /** The processor. */
  readonly cpu: Pick<Cpu, "model" | "instructions">;
  /** The step that a resumed run goes on from. */
  readonly resumedAt?: number;
  /** The weights that a run starts from, if they are for other classes: how many, 0 if for none, in which file. */
  readonly replacedHead?: { readonly file: string; readonly classes: number };
}

/** What happens in a session, in this order. */
export type SessionEvent =
  /** Everything is there, the first step comes next; from here on stopping saves. */
  | { readonly kind: "start"; readonly start: SessionStart }
  /** An epoch is done, and saved unless `unsaved` came before. */
  | { readonly kind: "epoch"; readonly report: EpochReport }
  /** What could not be written, why, and what stands in the folder, in a line. Training goes on, and saves again. */
  | { readonly kind: "unsaved"; readonly problem: string }
  /**
   * The last step is done. `seconds`: over all sessions; `firstLoss`: of those, until this session knew its first loss,
   * most of which is compiling; `weights`: the file, if it could be written.
   */
  | {
    readonly kind: "trained";
    readonly seconds: number;
    readonly firstLoss: number;
    readonly weights?: string;
  }
  /**
   * The test images are measured, or where a folder of pictures has none, the validation images (`part`). `bestEpoch`:
   * whose weights these are, where the recipe keeps the best.
   */
  | {
    readonly kind: "tested";
    readonly results: TestResults;
    readonly part?: "validation";
    readonly bestEpoch?: number;
  };

/** Where a run lives, what ends it, and whom it tells what happens. */
export interface SessionOptions {
  /** Its folder; `runs/RECIPE-TIME` for a new one unless given. */
  readonly dir?: string;
  /** Goes on with the run in the folder. */
  readonly resume?: boolean;
  /** Starts over in a folder that holds a run. */
  readonly force?: boolean;
  /** Whether to measure on the test images at the end; unless given true, or as a resumed run was told. */
  readonly test?: boolean;
  /** Stops the run: the step under way is finished, then everything is saved. */
  readonly signal?: AbortSignal;
  /** Shows how far training and testing are; nothing unless given. */
  readonly progress?: Progress;
  /** Told what happens; an error of its own ends the session. */
  readonly onEvent?: (event: SessionEvent) => void;
}

/** How a session ended. */
export interface SessionEnd {
  /** The run's folder. */
  readonly dir: string;
  /** Steps done: fewer than all if it was stopped. */
  readonly step: number;
  /** Steps that the run has; those done, where it ended early since validation was no better any more. */
  readonly totalSteps: number;
}

/**
 * Begins a run or goes on with one, to its end or until it is stopped. What a session leaves in the folder is enough to
 * go on to the same weights, bit for bit, however it ended. The folder belongs to the session until it ends.
 *
 * @param data The images as loaded; or what gives them, once the settings are known and nothing is written yet: the
 *   place to start the runtime on their device with their threads, if it has not started.
 * @param settings Of a new run: `fast` and the seed 0 where they are left out. A resumed one has its own; they may be
 *   repeated.
 * @throws {UsageError} If the settings cannot be meant, contradict the resumed run or do not fit the images, or the folder
 *   holds a run.
 * @throws {UserError} If another session has the folder, a file cannot be read, memory runs out, or a step computes what
 *   is not finite; at the end, if the last of the run could not be saved. Until then a write that fails is told, and
 *   tried again after the next epoch.
 * @example
 * ```ts
 * import { loadCifar, recipes, runSession } from "@resnet/deno";
 *
 * async function trainFor(ms: number) {
 *   const signal = AbortSignal.timeout(ms);
 *   await runSession(await loadCifar("data"), { recipe: recipes.resnet20, seed: 1 }, { dir: "runs/a", signal });
 * }
 * ```
 */
export async function runSession(
  data: Data | ((settings: RunSettings) => Data | Promise<Data>),
  settings: Partial<RunSettings>,
  options: SessionOptions = {},
): Promise<SessionEnd> {
  const { progress = silent, signal } = options;
  await using held = new AsyncDisposableStack();
  const own = async (dir: string): Promise<OwnedFolder> => {
    const folder = held.use(await ownFolder(dir));
    if (folder.isLocked) await removeLeftovers(folder);
    else progress.message(withoutLockLine(dir, "trains"));
    return folder;
  };
  const { resumed, asked, folder } = await openRun(settings, options, own);

  const loaded = typeof data === "function" ? await data(asked) : data;
  if (resumed !== undefined) checkSameData(resumed, loaded, folder.dir);
  const cpu = readCpu();
  const { devices, hasBfloat16, xla } = runtimeInfo();
  const precision = choosePrecision(asked.precision ?? asked.recipe.training.precision);
  const skipTest = options.test === undefined ? resumed?.skipTest === true : !options.test;
  const info: RunInfo = {
    ...(resumed ?? {
      ...asked,
      // Whole paths: a run may be gone on with from another folder.
      ...(asked.init !== undefined && { init: resolve(asked.init) }),
      precision,
      cpu: { model: cpu.model, instructions: cpu.instructions, cores: cpu.cores },
      versions: versions(),
      ...await codeVersion(),
      started: new Date().toISOString(),
      classes: loaded.train.classes,
      ...(loaded.digest !== undefined && { digest: loaded.digest }),
    }),
    ...(asked.data !== undefined && { data: resolve(asked.data) }),
    ...(skipTest && { skipTest }),
  };

  if (workers().count > 1) {
    const { recipe, seed, limit, syncBatchNorm, precision } = info;
    const settings = { resume: resumed !== undefined, recipe, seed, limit, syncBatchNorm, precision };
    await agree({ settings, data: loaded, run: { ...info, skipTest } });
  }

  const { recipe, seed } = info;
  const { init } = asked;
  const { testing } = recipe;
  const { model, training, prepared, lastPart, test } = setUp({ ...info, precision, skipTest }, loaded);
  const classes = prepared.train.classes.length;

  const restored = resumed && await restore(folder.dir, model, training);
  const given = restored === undefined && init !== undefined
    ? await loadStart(init, model, seed, progress)
    : undefined;
  let state = restored?.state ??
    startState(model, given?.variables ?? initialVariables(model, prepared.train, training, seed), training);
  try {
    // Only now: a folder that is emptied by `force` may hold those weights.
    const owned = folder ??
      await own(options.dir ?? await makeRunFolder("runs", runName(recipe.name, new Date())));
    const { dir } = owned;
    const path = (file: keyof typeof RUN_FILES): string => join(dir, RUN_FILES[file]);
    if (resumed === undefined) await createRun(owned, info, options);
    else if (info.data !== resumed.data || info.skipTest !== resumed.skipTest) await writeRunInfo(dir, info);
    const images = prepared.train.indices.length;
    const perEpoch = stepsPerEpoch(images, training.batchSize);
    let record = info;
    const epochsOf = ({ epochs = training.epochs }: RunInfo): number => epochs;
    options.onEvent?.({
      kind: "start",
      start: {
        ...{
          dir,
          model,
          recipe,
          precision,
          images,
          classes,
          stepsPerEpoch: perEpoch,
          devices,
          hasBfloat16,
          xla,
          cpu,
        },
        ...(resumed !== undefined && { resumedAt: state.step }),
        ...(init !== undefined && given?.replacedHead !== undefined && {
          replacedHead: { file: init, classes: given.replacedHead },
        }),
      },
    });

    const metrics = (await readMetrics(dir)).filter(({ step }) => step <= state.step);
    const epochs = Math.floor(state.step / perEpoch);
    if (metrics.length < epochs) {
      progress.message(`${path("metrics")} has ${metrics.length} of the ${epochs} epochs that are done`);
    }
    const before = restored?.notes.seconds ?? 0;
    const began = performance.now();
    const seconds = (): number => before + (performance.now() - began) / 1000;
    const saver = runSaver(dir, model, prepared.train, perEpoch, restored?.state.step);
    const { stopping } = recipe;
    const lost = new Set<number>(); // steps whose weights could not be written
    /** The epoch whose weights are kept, where the recipe keeps the best. */
    const best = () => stopping && bestEpoch(metrics.filter(({ step }) => !lost.has(step)));
    let unsaved: string | undefined;
    const save = async (state: TrainState): Promise<void> => {
      const weights = (best()?.step ?? state.step) === state.step;
      unsaved = await saver.save(state, metrics, { seconds: seconds() }, { weights });
      if (unsaved !== undefined) lost.add(state.step);
      else lost.delete(state.step);
    };
    const over = new AbortController();
    const { minutes } = stopping ?? {};
    const secondsLeft = (): number => minutes === undefined ? Infinity : 60 * minutes - seconds();
    const endIfOver = (): void => {
      if (secondsLeft() <= 0 || (stopping !== undefined && isPatienceOver(metrics, stopping))) over.abort();
    };
    endIfOver();
    using _timer = minutes === undefined ? undefined : after(secondsLeft(), () => over.abort());
    // Whoever was killed in a save may have left the weights of an epoch that was not as good.
    if (restored !== undefined && best()?.step === state.step) await save(state);

    const begun = (state: TrainState) => {
      const left = epochsOf(record) * images - imagesDone(state, images, training.batchSize);
      return progress.start("Training", left, "images");
    };
    let bar = begun(state);
    /** Ends the first epoch of a run whose minutes are limited: it shows how many there is time for. */
    const measured = new AbortController();
    const epoch = { images: 0, start: began, end: began };
    let done = 0;
    let firstLoss = 0;
    const trainOn = (state: TrainState, signals: readonly AbortSignal[]): Promise<TrainState> =>
      train(model, prepared, { ...training, epochs: epochsOf(record) }, {
        seed,
        state,
        testing,
        signal: AbortSignal.any([over.signal, ...signals, ...(signal ? [signal] : [])]),
        syncBatchNorm: info.syncBatchNorm,
        onStep({ images, loss }) {
          epoch.images += images;
          epoch.end = performance.now();
          firstLoss ||= (epoch.end - began) / 1000;
          bar.update(done += images, `loss ${loss.toFixed(4)}`);
        },
        async onEpoch(report, state) {
          const imagesPerSecond = epoch.images / ((epoch.end - epoch.start) / 1000);
          metrics.push(epochMetrics(report, { seconds: seconds(), imagesPerSecond }));
          await save(state);
          if (unsaved !== undefined) {
            const problem =
              `${unsaved}; training goes on, and saves again after the next epoch and at its end`;
            options.onEvent?.({ kind: "unsaved", problem });
          }
          options.onEvent?.({ kind: "epoch", report });
          endIfOver();
          if (minutes !== undefined && record.epochs === undefined) {
            const whole = Math.max(1, done - training.batchSize);
            const pace = ((epoch.end - began) / 1000 - (done > training.batchSize ? firstLoss : 0)) / whole;
            const each = pace * images + (performance.now() - epoch.end) / 1000;
            const epochs = epochsThatFit(training.epochs, report.epoch, { each, left: secondsLeft() });
            record = { ...record, epochs };
            const said = await refusal(() => writeRunInfo(dir, record));
            progress.message(
              `An epoch takes ${
                each.toFixed(1)
              } s: ${epochs} of ${training.epochs} fit into ${minutes} minutes` +
                (said === undefined ? "" : ` (not written to ${path("info")}: ${said})`),
            );
            measured.abort();
          }
          Object.assign(epoch, { images: 0, start: performance.now() });
        },
      });
    try {
      state = await trainOn(state, [measured.signal]);
      if (measured.signal.aborted && state.step < epochsOf(record) * perEpoch) {
        bar.stop();
        done = 0;
        bar = begun(state);
        state = await trainOn(state, []);
      }
    } catch (error) {
      const standing = saver.standing();
      if (!(error instanceof UserError) || standing === undefined) throw error;
      throw new UserError(`${error.message}; ${standing}`);
    } finally {
      bar.stop();
    }

    let untold: string | undefined;
    const totalSteps = epochsOf(record) * perEpoch;
    const isEnded = state.step === totalSteps || over.signal.aborted;
    if (!isEnded) {
      await save(state);
    } else {
      // Whoever was killed in its last save may have left the weights of the epoch before.
      const isInside = state.step % perEpoch !== 0; // the minutes were over in an epoch
      if (unsaved !== undefined || isInside || restored?.state.step === state.step) await save(state);
      const weights = unsaved === undefined ? path("weights") : undefined;
      options.onEvent?.({ kind: "trained", seconds: seconds(), firstLoss, weights });
      if (test !== undefined) {
        const kept = best();
        const isLast = kept === undefined || kept.step === state.step;
        const variables = isLast ? state.variables : await loadWeights(path("weights"), model);
        let results: TestResults;
        try {
          const byClass = loaded.digest !== undefined;
          results = testResults(model, variables, test, testing, { precision, progress, byClass });
        } finally {
          if (!isLast) tree.dispose(variables);
        }
        options.onEvent?.({
          ...{ kind: "tested", results },
          ...(lastPart === "validation" && { part: lastPart }),
          ...(kept && { bestEpoch: kept.epoch }),
        });
        const { test: found, tta, byClass } = results;
        const tested = {
          ...{ ...record, [lastPart]: found },
          ...(tta && lastPart === "test" && { testTta: tta }),
          ...(byClass && { byClass }),
        };
        untold = await refusal(() => writeRunInfo(dir, tested));
      }
      if (unsaved !== undefined) await save(state);
    }
    if (unsaved !== undefined) throw new UserError(unsaved);
    if (untold !== undefined) {
      const again = taskCommand("test-accuracy", { run: dir });
      throw new UserError(
        `Cannot write the test results to ${
          path("info")
        }: ${untold}; ${saver.standing()}, "${again}" measures again`,
      );
    }
    return { dir, step: state.step, totalSteps: isEnded ? state.step : totalSteps };
  } finally {
    disposeState(state);
  }
}

/** Does something after so many seconds, unless disposed before. */
function after(seconds: number, work: () => void): Disposable {
  const timer = setTimeout(work, Math.min(Math.max(0, 1000 * seconds), 2 ** 31 - 1)); // the longest there is
  return { [Symbol.dispose]: () => clearTimeout(timer) };
}

/** A run whose folder is there, or one whose folder may have to be made. */
type Opened =
  | { readonly resumed: RunInfo; readonly asked: RunSettings; readonly folder: OwnedFolder }
  | { readonly resumed?: undefined; readonly asked: RunSettings; readonly folder?: OwnedFolder };

/** Which run it is: what is asked of it, and its record if there is one already. A folder that is there is taken. */
async function openRun(
  settings: Partial<RunSettings>,
  { dir, resume, force }: SessionOptions,
  own: (dir: string) => Promise<OwnedFolder>,
): Promise<Opened> {
  const checked = check(settingsSchema, settings, (problem) => new UsageError(`Cannot run: ${problem}`));
  if (resume) {
    if (dir === undefined) throw new UsageError("Cannot resume a run without its folder: give dir");
    if (force) throw new UsageError(`Cannot resume ${dir} and start over in it: leave one of them out`);
    await readRunInfo(dir); // before a file is made there: it may be no run's folder
    const folder = await own(dir);
    const resumed = await readRunInfo(dir);
    const asked = Object.entries(checked).map(([name, value]) => ({ name, path: name, value }));
    checkResumed(asked.filter(({ value }) => value !== undefined), resumed, dir);
    return { resumed, asked: { ...resumed, data: checked.data ?? resumed.data }, folder };
  }
  const { recipe = findRecipe("fast"), seed = 0 } = checked;
  const folder = dir !== undefined && await isFolder(dir) ? await own(dir) : undefined;
  if (dir !== undefined && !force) await checkVacant(dir);
  return { asked: { ...checked, recipe, seed }, folder };
}

/**
 * The last checkpoint; nothing if the run was stopped before its first one: it then begins again.
 * @throws {UserError} If there was one, and it is missing or cannot be gone on from.
 */
async function restore(dir: string, model: Model, training: Training) {
  const path = join(dir, RUN_FILES.checkpoint);
  const files = await filesIn(dir);
  const hasWeights = files.includes(RUN_FILES.weights);
  const wayOut = hasWeights
    ? `start another run from its weights with ${shellFlags({ init: join(dir, RUN_FILES.weights) })}`
    : `start over with ${shellFlags({ run: dir })} --force`;
  if (!files.includes(RUN_FILES.checkpoint)) {
    if (!hasWeights) return undefined; // a save writes the checkpoint before them
    throw new UserError(
      `Cannot resume ${dir}: ${RUN_FILES.weights} is there, ${RUN_FILES.checkpoint} is not; put it back, or ${wayOut}`,
    );
  }
  const restored = await loadCheckpoint(path, model, training).catch((error) => {
    if (!(error instanceof UserError)) throw error;
    throw new UserError(`${error.message}; put the run's own back, or ${wayOut}`, { cause: error });
  });
  const problem = notFiniteProblem(restored.state);
  if (problem === undefined) return restored;
  disposeState(restored.state);
  throw new UserError(`Cannot resume from ${path}: ${problem}; start over with --force`);
}

/** Images that the steps of a state have seen; the last step of an epoch is smaller. */
function imagesDone({ step }: TrainState, images: number, batchSize: number): number {
  const perEpoch = stepsPerEpoch(images, batchSize);
  return Math.floor(step / perEpoch) * images + (step % perEpoch) * batchSize;
}
