/** Training as a fold: `(state, batch) -> [state, metrics]`, compiled into one TensorFlow function. */
import { apply, init, type Model, parameters, type Tensors, type Variables } from "../../layers/mod.ts";
import {
  crossEntropy,
  jit,
  type Jitted,
  type Precision,
  tf,
  UserError,
  valueAndGrads,
  withScope,
} from "../../runtime/mod.ts";
import { eventGate } from "../../runtime/system/events.ts";
import { alternateFlips, type Batch, batches, shuffledOrder } from "../data/batches.ts";
import type { Data, Dataset } from "../data/dataset.ts";
import { evaluate, type Evaluation } from "../inference/evaluate.ts";
import { applyTransforms } from "../transforms/apply.ts";
import { batchTensors } from "../transforms/batch_tensors.ts";
import { cloneVariables, pullAfter, pullStep } from "./lookahead.ts";
import { optimize } from "./optimizer.ts";
import type { Recipe } from "./recipes.ts";
import { learningRate } from "./schedule.ts";
import { whiteningKernel } from "./whitening.ts";

/** Everything that a run carries from step to step. */
export interface TrainState {
  /** The network's weights and statistics. */
  readonly variables: Variables;
  /** The optimizer's velocities, of the shapes of the trained parameters. */
  readonly velocities: Tensors;
  /** The slow weights and statistics of lookahead, if the recipe has it. */
  readonly slow?: Variables;
  /** Steps done. */
  readonly step: number;
  /** Sum over the images of this epoch so far of their loss, in nats. */
  readonly lossSum: number;
  /** Mean loss of the last step's images, in nats; NaN before the first. */
  readonly lastLoss: number;
}

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

/** How to run, beside the recipe. */
export interface TrainOptions {
  /** Seed of weights, order and augmentation, in [0, 2^31). */
  readonly seed?: number;
  /** Where to go on; a new state unless given. It is given away: its tensors are disposed. */
  readonly state?: TrainState;
  /** Number format of convolutions and matrix products; float32 unless given. */
  readonly precision?: Precision;
  /** Ends the run after the step that is under way. */
  readonly signal?: AbortSignal;
  /** Called after each step. */
  readonly onStep?: (report: StepReport) => void;
  /** Called after each epoch, with the state as it stands; the state must not be disposed. */
  readonly onEpoch?: (report: EpochReport, state: TrainState) => void | Promise<void>;
}

/** One step, compiled: the state's tensors and a batch in, the next tensors and the loss out. */
export type TrainStep = Jitted<
  [
    state: { variables: Variables; velocities: Tensors },
    batch: {
      images: tf.Tensor4D;
      labels: tf.Tensor1D;
      learningRate: tf.Scalar;
      seed: tf.Tensor1D;
    },
  ],
  { variables: Variables; velocities: Tensors; loss: tf.Scalar }
>;

/**
 * Compiles one training step: transforms, forward pass, backward pass, optimizer and batch statistics.
 *
 * images `[n, H, W, C]` float32 0 to 255, labels `[n]` int32, learningRate `[]`, seed `[2]` int32.
 */
export function trainStep(
  model: Model,
  recipe: Recipe,
  transforms: Dataset["transforms"],
  precision: Precision,
): TrainStep {
  const roles = Object.fromEntries(parameters(model).map(({ name, role }) => [name, role]));
  return jit(function trainStep({ variables, velocities }, { images, labels, learningRate, seed }) {
    const { params, batchStats } = variables;
    const trained = Object.fromEntries(Object.keys(velocities).map((name) => [name, params[name]]));
    const x = applyTransforms(transforms, images, { train: true, seed });
    const { value: loss, grads, aux } = valueAndGrads((trained) => {
      const all = { params: { ...params, ...trained }, batchStats };
      const [logits, stats] = apply(model, all, x, { train: true, seed });
      return [withScope("loss", () => crossEntropy(logits, labels, recipe)), stats];
    }, trained);
    const next = withScope(
      "optimizer",
      () => optimize(recipe.optimizer, { params, velocities, grads, learningRate, roles }),
    );
    return { variables: { params: next.params, batchStats: aux }, velocities: next.velocities, loss };
  }, { precision });
}

/**
 * The state before the first step: weights drawn from the seed, velocities of zero. If the recipe
 * says so, the first layer whitens, without a bias, and has no velocities: it stays as it is.
 *
 * @param start Weights to start from instead; they are given away.
 */
export function initialState(
  model: Model,
  recipe: Recipe,
  train: Dataset,
  seed: number,
  start?: Variables,
): TrainState {
  const variables = start ?? init(model, seed);
  const [first] = parameters(model);
  const frozen = recipe.whiten ? parameters(model).filter(({ layer }) => layer === first.layer) : [];
  for (const { name, role, shape } of start === undefined ? frozen : []) {
    variables.params[name].dispose();
    variables.params[name] = role === "convKernel"
      ? tf.tensor(whiteningKernel(train, recipe.stats), [...shape])
      : tf.zeros([...shape]);
  }
  const names = new Set(frozen.map(({ name }) => name));
  const trained = Object.entries(variables.params).filter(([name]) => !names.has(name));
  const velocities = Object.fromEntries(
    trained.map(([name, value]): [string, tf.Tensor] => [name, tf.zerosLike(value)]),
  );
  return { variables, velocities, step: 0, lossSum: 0, lastLoss: NaN };
}

/** Disposes of a state's tensors. */
export function disposeState({ variables, velocities, slow }: TrainState): void {
  tf.dispose([variables.params, variables.batchStats, velocities, slow?.params, slow?.batchStats]);
}

/** Steps of an epoch over `images` images: the last, smaller batch counts. */
export function stepsPerEpoch(images: number, batchSize: number): number {
  return Math.ceil(images / batchSize);
}

/**
 * Trains a model: folds `trainStep` over the batches of every epoch. Everything random is a function of (seed, epoch,
 * step), so a run that goes on from a saved state ends in the same weights as one that was never stopped.
 *
 * @returns The last state, its tensors owned by the caller.
 * @throws {UserError} If the loss is not finite. The state before is disposed; what was saved at the last epoch stands.
 * @example
 * ```ts
 * import { resnet } from "../../layers/mod.ts";
 * import { loadCifar } from "../data/cifar/load.ts";
 * import { pipe } from "../pipe.ts";
 * import { recipes } from "./recipes.ts";
 * import { split } from "../data/split.ts";
 * import { train } from "./train.ts";
 * import { CIFAR10_STATS, normalize } from "../transforms/transforms.ts";
 *
 * async function run() {
 *   const model = resnet([3, 3, 3], { stem: "cifar" });
 *   const data = pipe(await loadCifar("data"), normalize(CIFAR10_STATS), split(0.1, { seed: 42 }));
 *   const onEpoch = (report: object) => console.log(report);
 *   return await train(model, data, recipes.resnet20, { onEpoch });
 * }
 * ```
 */
export async function train(
  model: Model,
  data: Data,
  recipe: Recipe,
  options: TrainOptions = {},
): Promise<TrainState> {
  const { seed = 0, precision = "float32", signal, onStep, onEpoch } = options;
  const { epochs, batchSize } = recipe;
  const images = data.train.indices.length;
  const perEpoch = stepsPerEpoch(images, batchSize);
  const totalSteps = epochs * perEpoch;
  const compiled = trainStep(model, recipe, data.train.transforms, precision);
  const pull = pullStep();
  const letEventsIn = eventGate();
  const alternate = data.train.transforms.some((transform) =>
    transform.kind === "augment" && transform.flip === "alternate"
  );
  let state = options.state ?? initialState(model, recipe, data.train, seed);
  if (recipe.lookahead && !state.slow) state = { ...state, slow: cloneVariables(state.variables) };
  try {
    for (let epoch = Math.floor(state.step / perEpoch); epoch < epochs && !signal?.aborted; epoch++) {
      const done = (state.step - epoch * perEpoch) * batchSize;
      const order = shuffledOrder(images, seed, epoch).subarray(done);
      const mirrored = alternate ? alternateFlips(data.train.labels.length, seed, epoch) : undefined;
      for (const batch of batches(data.train, batchSize, { order, mirrored })) {
        const rate = learningRate(recipe.schedule, state.step, totalSteps);
        const at = { ...batch, imageShape: data.train.imageShape, rate, seed };
        state = runStep(compiled, state, at);
        if (!Number.isFinite(state.lastLoss)) throw notFinite(state, epoch, rate);
        const keep = recipe.lookahead && pullAfter(recipe.lookahead, state.step, totalSteps);
        if (keep !== undefined) state = pullBack(pull, state, keep);
        const stepOfEpoch = state.step - epoch * perEpoch;
        onStep?.({
          epoch,
          stepOfEpoch,
          stepsPerEpoch: perEpoch,
          step: state.step,
          totalSteps,
          images: batch.size,
          loss: state.lastLoss,
        });
        await letEventsIn();
        if (signal?.aborted) break;
      }
      if (state.step < (epoch + 1) * perEpoch) break;
      const report: EpochReport = {
        epoch: epoch + 1,
        epochs,
        step: state.step,
        loss: state.lossSum / images,
        lastLoss: state.lastLoss,
        learningRate: learningRate(recipe.schedule, state.step - 1, totalSteps),
        ...validate(model, data, recipe, state.variables, precision),
      };
      state = { ...state, lossSum: 0 };
      await onEpoch?.(report, state);
    }
    return state;
  } catch (error) {
    disposeState(state);
    throw error;
  } finally {
    compiled.dispose();
    pull.dispose();
  }
}

/** Moves the slow variables and starts again from there. The old ones are disposed. */
function pullBack(pull: ReturnType<typeof pullStep>, state: TrainState, keep: number): TrainState {
  const { variables } = state;
  const before = state.slow!; // `train` starts with them where the recipe has lookahead
  const kept = tf.scalar(keep);
  const slow = pull(before, variables, kept);
  tf.dispose([kept, variables.params, variables.batchStats, before.params, before.batchStats]);
  return { ...state, variables: cloneVariables(slow), slow };
}

/** One step of the fold. The old state's tensors are disposed, but for the slow ones, which go on. */
function runStep(
  compiled: TrainStep,
  state: TrainState,
  batch: Batch & {
    imageShape: Dataset["imageShape"];
    rate: number;
    seed: number;
  },
): TrainState {
  const input = {
    ...batchTensors(batch, batch.imageShape),
    learningRate: tf.scalar(batch.rate),
    seed: tf.tensor1d([batch.seed, state.step], "int32"),
  };
  const { variables, velocities, loss } = compiled({
    variables: state.variables,
    velocities: state.velocities,
  }, input);
  const [lastLoss] = loss.dataSync();
  tf.dispose([input, loss, state.variables.params, state.variables.batchStats, state.velocities]);
  const lossSum = state.lossSum + lastLoss * batch.size;
  return { ...state, variables, velocities, step: state.step + 1, lossSum, lastLoss };
}

function validate(
  model: Model,
  { validation }: Data,
  recipe: Recipe,
  variables: Variables,
  precision: Precision,
): Pick<EpochReport, "validation" | "validationRunning"> {
  if (validation === undefined) return {};
  const measure = (statistics: "running" | "batch"): Evaluation =>
    evaluate(model, variables, validation, { batchSize: recipe.evaluationBatchSize, statistics, precision });
  return {
    validation: measure(recipe.evaluation),
    ...(recipe.evaluation === "batch" && { validationRunning: measure("running") }),
  };
}

function notFinite({ step, lastLoss }: TrainState, epoch: number, rate: number): UserError {
  return new UserError(
    `Cannot go on training: the loss is ${lastLoss} at step ${step} (epoch ${
      epoch + 1
    }, learning rate ${rate}); ` +
      `try a lower --lr, or --precision float32`,
  );
}
