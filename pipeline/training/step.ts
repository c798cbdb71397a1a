/** One training step, compiled into one TensorFlow function: `(state, batch) -> [state, loss]`. */
import { apply, type Model, parameterRoles } from "../../layers/mod.ts";
import {
  crossEntropy,
  jit,
  type Jitted,
  type Precision,
  tf,
  tree,
  valueAndGrads,
  withScope,
} from "../../runtime/mod.ts";
import type { Dataset } from "../data/dataset.ts";
import { applyTransforms } from "../transforms/apply.ts";
import { frozenTrunk, variablesFor } from "./freeze.ts";
import { optimize } from "./optimizer.ts";
import type { Training } from "./recipe.ts";
import { countedImages, joinSums, meanOfSums, type Share } from "./share.ts";
import { trainedNames, type TrainState } from "./state.ts";

/** The tensors that a step changes. */
export type StepState = Pick<TrainState, "variables" | "optState">;

/** What a step is given beside the state, as `trainStep` says. */
export type StepBatch = {
  images: tf.Tensor4D;
  labels: tf.Tensor1D;
  learningRate: tf.Scalar;
  seed: tf.Tensor1D;
  flips?: tf.Tensor1D;
  stop?: tf.Scalar;
};

/** What a step tells. */
export type StepResult = StepState & {
  loss: tf.Scalar;
  /** How many of the workers were asked to stop, where there are several. */
  stops?: tf.Scalar;
};

/** One step, compiled: the state's tensors and a batch in, the next tensors and the loss out. */
export type TrainStep = Jitted<[state: StepState, batch: StepBatch], StepResult>;

/** The loss that a step tells where it is finite, but something else that the step computed is not: no loss is it. */
export const NOT_FINITE = -Infinity;

/**
 * Compiles one training step: transforms, forward pass, backward pass, optimizer and batch statistics. Of a frozen trunk
 * only the forward pass is left, as in evaluation.
 *
 * The loss, `[]`, is that of the batch, in nats. A fused kernel may turn NaN into 0 on the way to it, so it is not what
 * tells whether training has gone astray: where the loss is finite, but a weight, a statistic or what the optimizer
 * keeps is not, the step tells -Infinity instead.
 *
 * images `[n, H, W, C]` float32 0 to 255, labels `[n]` int32, learningRate `[]`, seed `[2]` int32, flips `[n]` int32 as
 * `applyTransforms` takes them.
 * @param share Which of the batch the images are, where several workers have one each: all then end in the same state,
 *   that of the whole batch. `stop`, `[]`, is then given too: 1 if this worker was asked to stop, else 0.
 * @throws {TypeError} If the class weights are `balanced`: those follow from the data, which `train` has.
 * @example
 * ```ts
 * import { init, recipes, resnet, startState, tf, trainStep } from "@resnet/deno";
 *
 * await tf.ready();
 * const { training } = recipes.resnet20;
 * const model = resnet([1, 1, 1], { stem: "cifar" });
 * const step = trainStep(model, training, [], "float32");
 * const { variables, optState } = startState(model, init(model, 42), training);
 * const { loss, ...next } = step({ variables, optState }, {
 *   images: tf.zeros([8, 32, 32, 3]),
 *   labels: tf.zeros([8], "int32"),
 *   learningRate: tf.scalar(0.1),
 *   seed: tf.tensor1d([0, 0], "int32"),
 * });
 * ```
 */
export function trainStep(
  model: Model,
  settings: Pick<Training, "optimizer" | "labelSmoothing" | "classWeights" | "frozen" | "freeze">,
  transforms: Dataset["transforms"],
  precision: Precision,
  share?: Share,
): TrainStep {
  const { labelSmoothing, classWeights } = settings;
  if (classWeights === "balanced") {
    throw new TypeError(
      "trainStep: what balances the classes follows from the data; give one number a class",
    );
  }
  const { rows, joint, weight = 1 } = share ?? {};
  const parts = frozenTrunk(model, settings);
  const learning = parts?.head ?? model;
  const roles = parameterRoles(model);
  const names = trainedNames(model, settings);
  return jit(function trainStep(
    { variables, optState },
    { images, labels, learningRate, seed, flips, stop = tf.scalar(0) },
  ): StepResult {
    const { params, batchStats } = variables;
    const trained = Object.fromEntries(names.map((name) => [name, params[name]]));
    const pixels = applyTransforms(transforms, images, { train: true, seed, flips, rows });
    const [x] = parts === undefined
      ? [pixels]
      : apply(parts.trunk, variablesFor(parts.trunk, variables), pixels, { train: false });
    const counted = share && classWeights && countedImages(labels, classWeights, share);
    const own = valueAndGrads((trained) => {
      const all = variablesFor(learning, { params: { ...params, ...trained }, batchStats });
      const [logits, stats] = apply(learning, all, x, { train: true, seed, rows, joint });
      return [
        withScope("loss", () => {
          const loss = crossEntropy(logits, labels, { labelSmoothing, classWeights });
          // The sum over the workers is the batch's mean, or what becomes it when it is divided by the images counted.
          return share === undefined ? loss : tf.mul(loss, counted ?? weight);
        }),
        stats,
      ];
    }, trained);
    const { value: loss, grads, aux, stops } = share === undefined ? { ...own, stops: undefined } : withScope(
      "workers",
      () => {
        const aux = tree.map((stat) => tf.mul(stat, weight), own.aux);
        return meanOfSums(joinSums({ ...own, aux, stops: stop, ...(counted && { counted }) }));
      },
    );
    const next = withScope(
      "optimizer",
      () => optimize(settings.optimizer, { params, optState, grads, learningRate, roles }),
    );
    const computed = [names.map((name) => next.params[name]), aux, next.optState];
    return {
      variables: { params: next.params, batchStats: { ...batchStats, ...aux } },
      optState: next.optState,
      loss: withScope("optimizer", () => judged(loss, tree.tensors(computed))),
      ...(stops && { stops }),
    };
  }, { precision });
}

/** The loss, or `NOT_FINITE` instead of a finite one if a number in `computed` is not. */
function judged(loss: tf.Scalar, computed: readonly tf.Tensor[]): tf.Scalar {
  const stands = tf.logicalOr(tf.isFinite(sumOfAll(computed)), tf.logicalNot(tf.isFinite(loss)));
  return tf.where(stands, loss, tf.scalar(NOT_FINITE));
}

/** Tensors of fewer numbers are joined before they are summed: launching a kernel for each costs a GPU more. */
const LARGE = 2 ** 16;

/** Of all numbers in all tensors, `[]`. In a sum nothing masks one that is not finite, no kernel and no compiler. */
function sumOfAll(tensors: readonly tf.Tensor[]): tf.Tensor {
  const small = tensors.filter(({ size }) => size < LARGE).map((tensor) => tf.reshape(tensor, [-1]));
  const large = tensors.filter(({ size }) => size >= LARGE);
  const joined = small.length > 0 ? [tf.concat(small)] : [];
  return tf.addN([...joined, ...large].map((tensor) => tf.sum(tensor)));
}
