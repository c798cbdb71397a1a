/** The life of a run from the first step of a session on: trained, saved after each epoch, measured at its end. */
import { basename, join, resolve } from "@std/path";
import { tree, workers } from "../../runtime/mod.ts";
import { UserError } from "../../runtime/system/errors.ts";
import { taskCommand } from "../../runtime/system/package.ts";
import { silent } from "../../runtime/system/progress.ts";
import type { TrainState } from "../training/state.ts";
import { type TestResults, testResults } from "../training/test_results.ts";
import { stepsPerEpoch, train } from "../training/train.ts";
import { fromWorker0 } from "./agree.ts";
import type { Clock } from "./clock.ts";
import type { Ending } from "./ending.ts";
import type { SessionEnd, SessionOptions } from "./events.ts";
import { epochMetrics, RUN_FILES, type RunInfo, writeRunInfo } from "./folder.ts";
import { refusal, type Saver } from "./saving.ts";
import type { SetUp } from "./set_up.ts";
import { type TensorBoard, tensorBoard } from "./tensorboard.ts";
import { loadWeights } from "./weights.ts";

/** A session after everything is there, before its first step. */
export interface Underway extends SetUp {
  /** The run's folder. */
  readonly dir: string;
  /** Its record. */
  readonly info: RunInfo;
  /** The step that it goes on from, if it was resumed. */
  readonly resumedAt?: number;
  /** Steps of an epoch. */
  readonly steps: number;
  readonly clock: Clock;
  readonly saver: Saver;
  readonly ending: Ending;
  readonly options: SessionOptions;
}

/** How many epochs a run has. */
function epochsOf({ training, ending }: Pick<Underway, "training" | "ending">): number {
  return ending.fitting() ?? training.epochs;
}

/** Trains until the run is at its end or is stopped, and saves each epoch. */
export async function trainOn(run: Underway, start: TrainState): Promise<TrainState> {
  const { dir, info, model, training, prepared, clock, saver, ending, options } = run;
  const { progress = silent, signal, onEvent = () => {} } = options;
  const images = prepared.train.indices.length;
  const begun = (state: TrainState) => {
    const left = epochsOf(run) * images - imagesDone(state, images, training.batchSize);
    return progress.start("Training", left, "images");
  };
  using log = startLog(run);
  let [bar, done] = [begun(start), 0];
  try {
    return await train(model, prepared, training, {
      seed: info.seed,
      state: start,
      testing: info.recipe.testing,
      syncBatchNorm: info.syncBatchNorm,
      epochs: () => epochsOf(run),
      signal: AbortSignal.any([ending.signal, ...(signal ? [signal] : [])]),
      onStep(report) {
        const { images, loss } = report;
        clock.step(images);
        bar.update(done += images, `loss ${loss.toFixed(4)}`);
        log?.onStep(report);
      },
      async onEpoch(report, state) {
        const times = { seconds: clock.seconds(), imagesPerSecond: clock.imagesPerSecond() };
        await saver.saveEpoch(state, epochMetrics(report, times));
        const unsaved = saver.unsaved();
        if (unsaved !== undefined) {
          const problem = `${unsaved}; training goes on, and saves again after the next epoch and at its end`;
          onEvent({ kind: "unsaved", problem });
        }
        onEvent({ kind: "epoch", report });
        log?.onEpoch(report, state);
        ending.look(saver.metrics);
        const fit = ending.fit(report.epoch, clock.epochSeconds(images));
        if (fit !== undefined) {
          const said = await refusal(() => writeRunInfo(dir, { ...info, epochs: ending.fitting() }));
          const path = join(dir, RUN_FILES.info);
          progress.message(fit + (said === undefined ? "" : ` (not written to ${path}: ${said})`));
          bar.stop();
          [bar, done] = [begun(state), 0];
        }
        clock.nextEpoch();
      },
    });
  } catch (error) {
    const standing = saver.standing();
    if (!(error instanceof UserError) || standing === undefined) throw error;
    throw new UserError(`${error.message}; ${standing}`);
  } finally {
    bar.stop();
  }
}

/** What writes a run down for TensorBoard, if it is to: a problem of that ends nothing. */
function startLog({ dir, info, model, prepared, options: { onEvent } }: Underway): TensorBoard | undefined {
  if (info.tensorboard === undefined) return undefined;
  const { precision, recipe: { testing: { batchSize } } } = info;
  return tensorBoard(join(info.tensorboard, basename(resolve(dir))), {
    mistakes: prepared.validation && { model, images: prepared.validation, batchSize, precision },
    onProblem(line) {
      const problem = `${line}; training goes on, and they are written again after the next epoch`;
      onEvent?.({ kind: "unsaved", problem });
    },
  });
}

/** Saves what a run has come to, and measures it if it is at its end. */
export async function finish(run: Underway, state: TrainState): Promise<SessionEnd> {
  const { dir, resumedAt, steps, clock, saver, ending, options: { onEvent = () => {} } } = run;
  const totalSteps = epochsOf(run) * steps;
  const isEnded = state.step === totalSteps || ending.signal.aborted;
  const end = { step: state.step, totalSteps: isEnded ? state.step : totalSteps };
  if (workers().count > 1) fromWorker0(end);
  let untold: string | undefined;
  if (isEnded) {
    const isInside = state.step % steps !== 0; // the minutes were over in an epoch
    // Whoever was killed in its last save may have left the weights of the epoch before.
    if (saver.unsaved() !== undefined || isInside || resumedAt === state.step) await saver.save(state);
    const weights = saver.unsaved() === undefined ? join(dir, RUN_FILES.weights) : undefined;
    onEvent({ kind: "trained", seconds: clock.seconds(), firstLoss: clock.firstLoss(), weights });
    untold = await testKept(run, state);
  }
  if (!isEnded || saver.unsaved() !== undefined) await saver.save(state);
  const unsaved = saver.unsaved();
  if (unsaved !== undefined) throw new UserError(unsaved);
  if (untold !== undefined) {
    const again = taskCommand("test-accuracy", { run: dir });
    throw new UserError(
      `Cannot write the test results to ${
        join(dir, RUN_FILES.info)
      }: ${untold}; ${saver.standing()}, "${again}" measures again`,
    );
  }
  return { dir, ...end };
}

/** Measures the weights that a run keeps, if it is to. Returns what the system said against writing what came of it. */
async function testKept(run: Underway, state: TrainState): Promise<string | undefined> {
  const { dir, info, model, lastPart, test, saver, ending, options } = run;
  const { progress = silent, onEvent = () => {} } = options;
  if (test === undefined) return undefined;
  const kept = saver.best();
  const isLast = kept === undefined || kept.step === state.step;
  const variables = isLast ? state.variables : await loadWeights(join(dir, RUN_FILES.weights), model);
  let results: TestResults;
  try {
    results = testResults(model, variables, test, info.recipe.testing, {
      ...{ precision: info.precision, progress },
      byClass: info.digest !== undefined,
    });
  } finally {
    if (!isLast) tree.dispose(variables);
  }
  onEvent({
    ...{ kind: "tested", results },
    ...(lastPart === "validation" && { part: lastPart }),
    ...(kept && { bestEpoch: kept.epoch }),
  });
  const { test: found, tta, byClass } = results;
  const fitting = ending.fitting();
  return await refusal(() =>
    writeRunInfo(dir, {
      ...{ ...info, [lastPart]: found },
      ...(fitting !== undefined && { epochs: fitting }),
      ...(tta && lastPart === "test" && { testTta: tta }),
      ...(byClass && { byClass }),
    })
  );
}

/** Images that the steps of a state have seen; the last step of an epoch is smaller. */
function imagesDone({ step }: TrainState, images: number, batchSize: number): number {
  const perEpoch = stepsPerEpoch(images, batchSize);
  return Math.floor(step / perEpoch) * images + (step % perEpoch) * batchSize;
}
