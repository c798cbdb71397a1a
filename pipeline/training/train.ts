/** Training as a fold: `(state, batch) -> [state, metrics]`, compiled into one TensorFlow function. */
import type { Model, Variables } from "../../layers/mod.ts";
import {
  choosePrecision,
  explainLostWorker,
  gpuHolds,
  type Precision,
  tf,
  tree,
  UsageError,
  UserError,
  type Workers,
  workers,
} from "../../runtime/mod.ts";
import { eventGate } from "../../runtime/system/events.ts";
import { explainOutOfMemory } from "../../runtime/system/memory_errors.ts";
import { alternateFlips, shuffledOrder } from "../data/batches.ts";
import type { Data, Dataset } from "../data/dataset.ts";
import { checkFit } from "../data/fit.ts";
import type { Evaluation, Evaluator, Testing } from "../inference/evaluate.ts";
import { classWeightsOf } from "./class_weights.ts";
import { frozenNames } from "./freeze.ts";
import { pullAfter, pullStep } from "./lookahead.ts";
import { checkTraining, type Training } from "./recipe.ts";
import { AT_ONCE, deviceRunner, hostRunner, type Runner, type Steps } from "./runners.ts";
import { learningRate, scheduleScale } from "./schedule.ts";
import type { Share } from "./share.ts";
import {
  disposeState,
  initialVariables,
  notFiniteProblem,
  pathName,
  startState,
  stateProblem,
  trainedNames,
  type TrainState,
} from "./state.ts";
import { NOT_FINITE, trainStep } from "./step.ts";
import { agreeOn, type Course, sharedEvaluator, sharedRunner, shareState } from "./workers.ts";

/** What came of one step. */
export interface StepReport {
  /** 0-based. */
  readonly epoch: number;
  /** Steps done in this epoch. */
  readonly stepOfEpoch: number;
  /** Steps that an epoch has. */
  readonly stepsPerEpoch: number;
  /** Steps done in the run. */
  readonly step: number;
  /** Steps that the run has. */
  readonly totalSteps: number;
  /** Images of this step. */
  readonly images: number;
  /** Mean loss of this step's images, in nats. */
  readonly loss: number;
  /** What the step's direction was multiplied by. */
  readonly learningRate: number;
}

/** What came of one epoch. */
export interface EpochReport {
  /** 1-based, as people count. */
  readonly epoch: number;
  /** Epochs that the run has. */
  readonly epochs: number;
  /** Steps done in the run. */
  readonly step: number;
  /** Mean loss over the epoch's images, in nats. */
  readonly loss: number;
  /** Mean loss of the images of the epoch's last step, in nats: what the tutorial prints. */
  readonly lastLoss: number;
  /** Learning rate of the epoch's last step. */
  readonly learningRate: number;
  /** On the validation images, measured as the recipe says; absent if there are none. */
  readonly validation?: Evaluation;
  /** With running statistics, where the recipe measures with batch statistics. */
  readonly validationRunning?: Evaluation;
}

/** A step computed something that is not finite: training has gone astray. */
export class NotFiniteError extends UserError {}

/** How to run, beside the settings. */
export interface TrainOptions {
  /** Seed of weights, order and augmentation, in [0, 2^31); 0 unless given. */
  readonly seed?: number;
  /** Weights to start from; drawn from the seed unless given. They are given away: they are disposed. */
  readonly variables?: Variables;
  /** Where to go on; a new state unless given. It is given away: its tensors are disposed. */
  readonly state?: TrainState;
  /** How the validation images are measured; with running statistics, 500 images a step, unless given. */
  readonly testing?: Omit<Testing, "tta">;
  /**
   * Whether the training images are copied to the device once and many steps run a call; where a GPU has room for
   * them unless given. The weights are the same either way, but for rounding.
   */
  readonly onDevice?: boolean;
  /**
   * Whether batch norms take the statistics of the whole batch where several workers train; each those of its own share
   * unless given.
   */
  readonly syncBatchNorm?: boolean;
  /** Ends the run after the steps that are under way; of several workers, that of any ends it for all. */
  readonly signal?: AbortSignal;
  /**
   * How many epochs the run has, asked before its first step and after each epoch; what the settings say unless given. Of
   * several workers, all have those of worker 0.
   */
  readonly epochs?: () => number;
  /** Called after each step. */
  readonly onStep?: (report: StepReport) => void;
  /** Called after each epoch, with the state as it stands; the state must not be disposed. */
  readonly onEpoch?: (report: EpochReport, state: TrainState) => void | Promise<void>;
}

/** Steps of an epoch over `images` images: the last, smaller batch counts. */
export function stepsPerEpoch(images: number, batchSize: number): number {
  return Math.ceil(images / batchSize);
}

/**
 * Trains a model: folds `trainStep` over the batches of every epoch. Everything random is a function of (seed, epoch,
 * step), so a run that goes on from a saved state ends in the same weights as one that was never stopped.
 *
 * Where the runtime is one of several workers (`configure`'s `cluster`), all of them call this with the same arguments,
 * and train together: each computes its share of every batch, of every evaluation, and all have the same state, that of
 * worker 0 at the start. The settings, the batch size among them, mean what they mean to one.
 *
 * @param settings Such as `recipe.training`; every one of them is followed.
 * @returns The last state, its tensors owned by the caller.
 * @throws {UsageError} If a setting cannot be meant, or the model does not fit the data.
 * @throws {UserError} If the loss, or anything else that a step computes, is not finite, or memory runs out. What was
 *   saved at the last epoch stands.
 *   However it throws, no tensor is left, those of `options` included.
 * @example
 * ```ts
 * import { loadCifar, prepare, recipes, resnet, train } from "@resnet/deno";
 *
 * async function run() {
 *   const recipe = recipes.resnet20;
 *   const model = resnet([3, 3, 3], { stem: "cifar" });
 *   const data = prepare(await loadCifar("data"), recipe);
 *   return await train(model, data, recipe.training, { onEpoch: (report) => console.log(report) });
 * }
 * ```
 */
export async function train(
  model: Model,
  data: Data,
  settings: Training,
  options: TrainOptions = {},
): Promise<TrainState> {
  const { seed = 0, testing = RUNNING, syncBatchNorm = false, signal, onStep, onEpoch } = options;
  const { batchSize, schedule, lookahead } = settings;
  const { variables } = options;
  let state = options.state;
  const unread: Unread[] = [];
  const compiled: { dispose(): void }[] = [];
  try {
    checkSeed(seed);
    if (state !== undefined && variables !== undefined) {
      throw new UsageError("Cannot train from weights and from a state, which has its own: give one of them");
    }
    checkRun(model, data, settings, testing);
    const precision = choosePrecision(settings.precision);
    if (state !== undefined) {
      checkState(model, settings, state, "Cannot go on from the given state");
    } else {
      state = startState(model, variables ?? initialVariables(model, data.train, settings, seed), settings);
      if (variables !== undefined) checkState(model, settings, state, "Cannot start from the given weights");
    }
    const all = workers();
    if (all.count > 1) state = shareState(state, all);

    const images = data.train.indices.length;
    const perEpoch = stepsPerEpoch(images, batchSize);
    const scale = scheduleScale(settings, perEpoch);
    const weighed = { ...settings, classWeights: classWeightsOf(settings, data.train) };
    const stepOf = (share?: Share) => trainStep(model, weighed, data.train.transforms, precision, share);
    const whole = Math.floor(images / batchSize);
    const atOnce = Math.max(1, Math.min(lookahead?.every ?? AT_ONCE, whole));
    const runner = all.count > 1
      ? sharedRunner(stepOf, data.train, precision, { ...all, syncBatchNorm })
      : options.onDevice ?? canLieOnDevice(data.train)
      ? deviceRunner(stepOf(), data.train, precision, { batchSize, atOnce })
      : hostRunner(stepOf(), data.train, precision);
    const pull = pullStep(frozenNames(model, settings));
    const measures = data.validation && validators(model, data.validation, testing, precision, all);
    compiled.push(runner, pull, ...Object.values(measures ?? {}));
    const letEventsIn = eventGate();
    const isStopped = (): boolean => signal?.aborted ?? false;
    const course = (): Course =>
      agreeOn({ stops: isStopped(), epochs: options.epochs?.() ?? settings.epochs }, all);
    let { stops: anyStops, epochs } = course();
    const readAll = (state: TrainState): TrainState => {
      const run = { stepsPerEpoch: perEpoch, totalSteps: epochs * perEpoch };
      for (let next = unread.shift(); next !== undefined; next = unread.shift()) {
        if (readStops(next)) anyStops = true;
        state = readLosses(state, next, run, onStep);
      }
      return state;
    };
    // Several workers stop together, at what a step or the end of an epoch has told all of them.
    const stops = (): boolean => all.count > 1 ? anyStops : isStopped();
    const alternate = data.train.transforms.some((transform) =>
      transform.kind === "augment" && transform.flip === "alternate"
    );
    for (let epoch = Math.floor(state.step / perEpoch); epoch < epochs && !stops(); epoch++) {
      const [start, end] = [epoch * perEpoch, (epoch + 1) * perEpoch];
      const totalSteps = epochs * perEpoch;
      const order = shuffledOrder(images, seed, epoch);
      const mirrored = alternate ? alternateFlips(data.train.labels.length, seed, epoch) : undefined;
      while (state.step < end && !stops()) {
        const first = state.step;
        const count = stepsAtOnce(first, [start, end], images % batchSize !== 0, runner.atOnce, lookahead);
        const members = Array.from({ length: count }, (_, i) => {
          const from = (first + i - start) * batchSize;
          return order.subarray(from, from + batchSize);
        });
        const rates = members.map((_, i) => learningRate(schedule, first + i, totalSteps, scale));
        const coming = order.subarray((first + count - start) * batchSize);
        const stop = all.count > 1 ? isStopped() : undefined;
        const steps = { first, seed, epoch, members, coming, rates, mirrored, stop };
        const [next, told] = runSteps(runner, state, steps);
        state = next;
        unread.push({ steps, ...told });
        const keep = lookahead && pullAfter(lookahead, state.step, totalSteps);
        if (keep !== undefined) state = pullBack(pull, state, keep);
        if (unread.length === runner.unreadCalls) state = readAll(state);
        await letEventsIn();
      }
      state = readAll(state);
      if (state.step < end) break;
      const report: EpochReport = {
        epoch: epoch + 1,
        epochs,
        step: state.step,
        loss: state.lossSum / images,
        lastLoss: state.lastLoss,
        learningRate: learningRate(schedule, state.step - 1, totalSteps, scale),
        ...(measures && validate(measures, state.variables)),
      };
      state = { ...state, lossSum: 0 };
      await onEpoch?.(report, state);
      ({ stops: anyStops, epochs } = course());
    }
    return state;
  } catch (error) {
    if (state !== undefined) disposeState(state);
    tree.dispose(variables); // a state may have had them
    tree.dispose(unread.map(({ losses, stops }) => ({ losses, stops })));
    const lost = explainLostWorker(error, "Cannot go on training");
    throw explainOutOfMemory(lost, "Cannot train", batchSize, "--batch");
  } finally {
    compiled.forEach((fn) => fn.dispose());
  }
}

/** Whether a GPU has room for the images; those that are made anew in every epoch stay here. */
function canLieOnDevice({ images, pictures }: Dataset): boolean {
  return pictures === undefined && gpuHolds(images.length);
}

/** How validation images are measured unless told otherwise. */
const RUNNING = { statistics: "running", batchSize: 500 } as const;

/**
 * What `train` checks before its first step.
 * @throws {UsageError} If a setting cannot be meant, or the model does not fit the images.
 */
export function checkRun(
  model: Model,
  { train, validation }: Data,
  settings: Training,
  testing: Omit<Testing, "tta">,
): void {
  checkTraining(settings);
  trainedNames(model, settings);
  classWeightsOf(settings, train);
  const action = "Cannot train";
  checkFit(model, train, {
    action,
    part: "training images",
    batchSize: settings.batchSize,
    statistics: "batch",
  });
  if (validation !== undefined) {
    checkFit(model, validation, { action, part: "validation images", ...testing });
  }
}

function checkSeed(seed: number): void {
  if (Number.isInteger(seed) && seed >= 0 && seed < 2 ** 31) return;
  throw new UsageError(`Cannot train: seed is ${seed}: expected a whole number from 0 to ${2 ** 31 - 1}`);
}

/** Whether a state of which something was given is one of these settings. */
function checkState(
  model: Model,
  settings: Training,
  { variables, optState, slow }: TrainState,
  action: string,
): void {
  const found = tree.entries({ variables, optState, slow });
  const shapes = new Map(found.map(([path, { shape }]) => [pathName(path), shape]));
  const problem = stateProblem(model, settings, shapes) ?? notFiniteProblem({ variables, optState, slow });
  if (problem !== undefined) throw new UsageError(`${action}: ${problem}`);
}

/** Moves the slow variables and starts again from there. The old ones are disposed. */
function pullBack(pull: ReturnType<typeof pullStep>, state: TrainState, keep: number): TrainState {
  const { variables, slow: before } = state;
  if (before === undefined) return state;
  return tree.tidy(() => {
    const slow = pull(before, variables, tf.scalar(keep));
    tree.dispose([variables, before]);
    return { ...state, variables: tree.map((tensor) => tf.clone(tensor), slow), slow };
  });
}

/**
 * How many steps go at once: all of as many images, and a pull of lookahead comes after the last of them only. A run that
 * goes on rounds as one that was never stopped, wherever in a call that was: in it every step is the same code.
 */
function stepsAtOnce(
  step: number,
  [start, end]: readonly [number, number],
  hasSmallBatch: boolean,
  atOnce: number,
  lookahead: Training["lookahead"],
): number {
  const whole = end - step - (hasSmallBatch ? 1 : 0);
  const [done, group] = lookahead === undefined ? [step - start, atOnce] : [step, lookahead.every];
  return whole === 0 ? 1 : Math.min(whole, atOnce, group - done % group);
}

/** Steps that were run, or still run. */
interface Unread {
  readonly steps: Steps;
  /** The loss of each comes first in it. */
  readonly losses: tf.Tensor1D;
  /** How many of several workers were asked to stop, `[]`. */
  readonly stops?: tf.Scalar;
}

/** Some steps of the fold. The old state's tensors are disposed, but for the slow ones, which go on. */
function runSteps(
  runner: Runner,
  state: TrainState,
  steps: Steps,
): [state: TrainState, told: Omit<Unread, "steps">] {
  const { variables, optState } = state;
  const { losses, stops, ...next } = runner.run({ variables, optState }, steps);
  tree.dispose([variables, optState]);
  return [{ ...state, ...next, step: state.step + steps.members.length }, { losses, stops }];
}

/** Whether one of several workers was asked to stop. */
function readStops({ stops }: Unread): boolean {
  if (stops === undefined) return false;
  const [count] = stops.dataSync();
  stops.dispose();
  return count > 0;
}

/**
 * The losses of steps that were run: added to the state, each told.
 * @throws {UserError} If one is not finite, or says that something else is not.
 */
function readLosses(
  state: TrainState,
  { steps: { first, members, rates }, losses }: Unread,
  run: Pick<StepReport, "stepsPerEpoch" | "totalSteps">,
  tell: (report: StepReport) => void = () => {},
): TrainState {
  const found = Array.from(losses.dataSync().slice(0, members.length));
  losses.dispose();
  const epoch = Math.floor(first / run.stepsPerEpoch);
  found.forEach((loss, i) => {
    if (!Number.isFinite(loss)) throw notFinite(first + i + 1, loss, epoch, rates[i]);
  });
  found.forEach((loss, i) => {
    const step = first + i + 1;
    tell({
      epoch,
      stepOfEpoch: step - epoch * run.stepsPerEpoch,
      ...run,
      step,
      images: members[i].length,
      loss,
      learningRate: rates[i],
    });
  });
  const lossSum = found.reduce((sum, loss, i) => sum + loss * members[i].length, state.lossSum);
  return { ...state, lossSum, lastLoss: found.at(-1)! };
}

/** What measures the validation images. */
interface Validators {
  readonly validation: Evaluator;
  /** With running statistics, where the recipe measures with batch statistics. */
  readonly validationRunning?: Evaluator;
}

function validators(
  model: Model,
  validation: Dataset,
  { statistics, batchSize }: Omit<Testing, "tta">,
  precision: Precision,
  all: Workers,
): Validators {
  const by = (statistics: Testing["statistics"]): Evaluator =>
    sharedEvaluator(model, validation, { batchSize, statistics, precision }, all);
  return {
    validation: by(statistics),
    ...(statistics === "batch" && { validationRunning: by("running") }),
  };
}

function validate(
  { validation, validationRunning }: Validators,
  variables: Variables,
): Pick<EpochReport, "validation" | "validationRunning"> {
  return {
    validation: validation.evaluate(variables),
    ...(validationRunning && { validationRunning: validationRunning.evaluate(variables) }),
  };
}

function notFinite(step: number, loss: number, epoch: number, rate: number): NotFiniteError {
  const problem = loss === NOT_FINITE
    ? "weights, running statistics or what the optimizer keeps are not finite after"
    : `the loss is ${loss} at`;
  return new NotFiniteError(
    `Cannot go on training: ${problem} step ${step} (epoch ${epoch + 1}, learning rate ${rate}); ` +
      `try a lower --lr, or --precision float32`,
  );
}
