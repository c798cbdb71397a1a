/** One training step, compiled into one TensorFlow function: `(state, batch) -> [state, loss]`. */
import { apply, type Model, parameterRoles } from "../../layers/mod.ts";
import {
  crossEntropy,
  jit,
  type Jitted,
  type Precision,
  type tf,
  valueAndGrads,
  withScope,
} from "../../runtime/mod.ts";
import type { Dataset } from "../data/dataset.ts";
import { applyTransforms } from "../transforms/apply.ts";
import { optimize } from "./optimizer.ts";
import type { Training } from "./recipe.ts";
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
};

/** One step, compiled: the state's tensors and a batch in, the next tensors and the loss out. */
export type TrainStep = Jitted<[state: StepState, batch: StepBatch], StepState & { loss: tf.Scalar }>;

/**
 * Compiles one training step: transforms, forward pass, backward pass, optimizer and batch statistics.
 *
 * images `[n, H, W, C]` float32 0 to 255, labels `[n]` int32, learningRate `[]`, seed `[2]` int32, flips `[n]` int32 as
 * `applyTransforms` takes them.
 */
export function trainStep(
  model: Model,
  settings: Pick<Training, "optimizer" | "labelSmoothing" | "frozen">,
  transforms: Dataset["transforms"],
  precision: Precision,
): TrainStep {
  const roles = parameterRoles(model);
  const names = trainedNames(model, settings);
  return jit(function trainStep({ variables, optState }, { images, labels, learningRate, seed, flips }) {
    const { params, batchStats } = variables;
    const trained = Object.fromEntries(names.map((name) => [name, params[name]]));
    const x = applyTransforms(transforms, images, { train: true, seed, flips });
    const { value: loss, grads, aux } = valueAndGrads((trained) => {
      const all = { params: { ...params, ...trained }, batchStats };
      const [logits, stats] = apply(model, all, x, { train: true, seed });
      return [withScope("loss", () => crossEntropy(logits, labels, settings)), stats];
    }, trained);
    const next = withScope(
      "optimizer",
      () => optimize(settings.optimizer, { params, optState, grads, learningRate, roles }),
    );
    return { variables: { params: next.params, batchStats: aux }, optState: next.optState, loss };
  }, { precision });
}
