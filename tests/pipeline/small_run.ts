/** A run for tests that takes no time: a network, its settings and data, and a state's bits. */
import { resnet } from "../../layers/mod.ts";
import type { Data } from "../../pipeline/data/dataset.ts";
import { split } from "../../pipeline/data/split.ts";
import { pipe } from "../../pipeline/pipe.ts";
import type { AdamW, Muon, Optimizer, Sgd } from "../../pipeline/training/optimizer.ts";
import type { Training } from "../../pipeline/training/recipe.ts";
import { pathName, type TrainState } from "../../pipeline/training/state.ts";
import { augment, CIFAR10_STATS, normalize } from "../../pipeline/transforms/transforms.ts";
import { tree } from "../../runtime/mod.ts";
import { madeData } from "../made_data.ts";

/** A network that trains in no time: dropout, two strides, option-A shortcuts. */
export const smallModel = resnet([1, 1, 1], {
  stem: "cifar",
  inputSize: 8,
  widths: [4, 6, 8],
  numClasses: 4,
  dropout: 0.3,
});

const sgd: Sgd = { kind: "sgd", momentum: 0.9, nesterov: true, weightDecay: 1e-3, offsetScale: 8 };
const muon: Muon = { kind: "muon", momentum: 0.6, others: sgd, othersRate: 5 };
const adamw: AdamW = { kind: "adamw", beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0.05 };

/** One of each kind. */
export const OPTIMIZERS: readonly Optimizer[] = [sgd, muon, adamw];

/** 3 epochs of 40 training images in batches of 16: two whole ones and one of 8. */
export const smallTraining: Training = {
  epochs: 3,
  batchSize: 16,
  optimizer: sgd,
  schedule: { kind: "linear", rate: 0.05, knots: [[0, 0.2], [0.4, 1], [1, 0.1]] },
  labelSmoothing: 0.1,
  lookahead: { every: 2, keep: 0.5 },
  whiten: false,
  precision: "float32",
};

/** 40 training images and 10 to validate. */
export function smallRunData(): Data {
  return pipe(
    madeData({ images: 50, size: 8 }),
    augment({ flip: "alternate", crop: 2, padding: "reflect" }),
    normalize(CIFAR10_STATS),
    split(0.2, { seed: 1 }),
  );
}

/** A state's numbers to the last bit, by name. */
export function bits({ variables, optState, slow, ...rest }: TrainState): Record<string, unknown> {
  const tensors = tree.entries({ variables, optState, slow });
  return {
    ...rest,
    ...Object.fromEntries(
      tensors.map(([path, tensor]) => [pathName(path), new Uint32Array(tensor.dataSync().buffer)]),
    ),
  };
}
