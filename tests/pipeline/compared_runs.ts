/** Runs to compare, made up. */
import type { EpochMetrics, RunInfo } from "../../pipeline/runs/folder.ts";
import type { ComparedRun } from "../../pipeline/runs/groups.ts";
import { recipes } from "../../pipeline/training/recipes.ts";

/** A run of `fast`, seed 0, but for what is changed, with an accuracy on the validation images for each epoch. */
export function comparedRun(
  name: string,
  changed: Partial<RunInfo>,
  validations: readonly (number | null)[],
): ComparedRun {
  const info: RunInfo = {
    ...{
      recipe: recipes.fast,
      seed: 0,
      precision: "float32",
      versions: {},
      started: "2026-11-25T09:30:07.899Z",
    },
    cpu: { model: "a processor", instructions: "AVX-512", cores: 2 },
    ...changed,
  };
  const metrics = validations.map((validationAccuracy, i): EpochMetrics => ({
    ...{ epoch: i + 1, step: i + 1, seconds: 10 * (i + 1), imagesPerSecond: 1, learningRate: 1 },
    ...{ loss: 1 / (i + 1), lastLoss: 1, validationAccuracy },
  }));
  return { name, info, metrics };
}

/** What is measured, with some accuracy. */
export const tested = (accuracy: number) => ({ accuracy, correct: 0, images: 1, loss: 0 });
