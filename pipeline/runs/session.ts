/** A session of a run: begun or gone on with, in a folder that is its own until it ends. */
import { join, resolve } from "@std/path";
import { choosePrecision, readCpu, runtimeInfo, workers } from "../../runtime/mod.ts";
import { withoutLockLine } from "../../runtime/system/lock.ts";
import { type Progress, silent } from "../../runtime/system/progress.ts";
import type { Data } from "../data/dataset.ts";
import { disposeState, initialVariables, startState } from "../training/state.ts";
import { stepsPerEpoch } from "../training/train.ts";
import { agree } from "./agree.ts";
import { startClock } from "./clock.ts";
import { finish, trainOn, type Underway } from "./life.ts";
import { runEnding } from "./ending.ts";
import type { SessionEnd, SessionOptions, SessionStart } from "./events.ts";
import {
  createRun,
  type EpochMetrics,
  makeRunFolder,
  readMetrics,
  removeLeftovers,
  RUN_FILES,
  type RunInfo,
  runName,
  type RunSettings,
  writeRunInfo,
} from "./folder.ts";
import { openRun, restore } from "./opening.ts";
import { type OwnedFolder, ownFolder } from "./owner.ts";
import { checkSameData, difference } from "./resume.ts";
import { runSaver } from "./saving.ts";
import { type SetUp, setUp } from "./set_up.ts";
import { codeVersion, versions } from "./versions.ts";
import { loadStart } from "./weights.ts";

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
  const { progress = silent } = options;
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
  const skipTest = options.test === undefined ? resumed?.skipTest === true : !options.test;
  const info: RunInfo = {
    ...(resumed ?? await newRecord(asked, loaded)),
    ...(asked.data !== undefined && { data: resolve(asked.data) }),
    ...(asked.tensorboard !== undefined && { tensorboard: resolve(asked.tensorboard) }),
    ...(skipTest && { skipTest }),
  };
  const told = { ...info, skipTest };
  if (workers().count > 1) await agree({ resume: resumed !== undefined, settings: info, data: loaded }, told);
  const run = setUp(told, loaded);
  const { model, training, prepared } = run;
  const { recipe, seed } = info;

  const restored = resumed && await restore(folder.dir, model, training);
  const { init } = asked;
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
    if (resumed === undefined) await createRun(owned, info, options);
    else if (difference(info, resumed) !== undefined) await writeRunInfo(dir, info);
    const resumedAt = resumed && state.step;
    const steps = stepsPerEpoch(prepared.train.indices.length, training.batchSize);
    const start = startOf(run, info, { dir, steps, resumedAt });
    const before = given?.replacedHead;
    const head = before !== undefined && { replacedHead: { file: init!, classes: before } };
    options.onEvent?.({ kind: "start", start: { ...start, ...head } });

    const clock = startClock(restored?.notes.seconds ?? 0);
    const { seconds } = clock;
    const { stopping } = recipe;
    const saver = runSaver(dir, {
      ...{ model, images: prepared.train, stepsPerEpoch: steps, seconds },
      keepsBest: stopping !== undefined,
      metrics: await metricsUntil(state.step, dir, steps, progress),
      saved: restored?.state.step,
    });
    using ending = runEnding({ stopping, most: training.epochs, fitting: info.epochs, seconds });
    ending.look(saver.metrics);
    // Whoever was killed in a save may have left the weights of an epoch that was not as good.
    if (restored !== undefined && saver.best()?.step === state.step) await saver.save(state);
    const underway = { ...run, dir, info, resumedAt, steps, clock, saver, ending, options };
    state = await trainOn(underway, state);
    return await finish(underway, state);
  } finally {
    disposeState(state);
  }
}

/** The record of a run that begins. */
async function newRecord(asked: RunSettings, { train, digest }: Data): Promise<RunInfo> {
  const { model, instructions, cores } = readCpu();
  return {
    ...asked,
    // Whole paths: a run may be gone on with from another folder.
    ...(asked.init !== undefined && { init: resolve(asked.init) }),
    precision: choosePrecision(asked.precision ?? asked.recipe.training.precision),
    cpu: { model, instructions, cores },
    versions: versions(),
    ...await codeVersion(),
    started: new Date().toISOString(),
    classes: train.classes,
    ...(digest !== undefined && { digest }),
  };
}

/** What is said of a run before its first step. */
function startOf(
  { model, prepared: { train } }: SetUp,
  { recipe, precision }: RunInfo,
  { dir, steps, resumedAt }: Pick<Underway, "dir" | "steps" | "resumedAt">,
): SessionStart {
  const { devices, hasBfloat16, xla } = runtimeInfo();
  return {
    ...{ dir, model, recipe, precision, devices, hasBfloat16, xla, cpu: readCpu() },
    ...{ images: train.indices.length, classes: train.classes.length, stepsPerEpoch: steps },
    ...(resumedAt !== undefined && { resumedAt }),
  };
}

/** The epochs that are done; says so if some are missing. */
async function metricsUntil(
  step: number,
  dir: string,
  steps: number,
  progress: Progress,
): Promise<EpochMetrics[]> {
  const metrics = (await readMetrics(dir)).filter((epoch) => epoch.step <= step);
  const epochs = Math.floor(step / steps);
  if (metrics.length < epochs) {
    const path = join(dir, RUN_FILES.metrics);
    progress.message(`${path} has ${metrics.length} of the ${epochs} epochs that are done`);
  }
  return metrics;
}
