/** A trained network on the test images, measured as its recipe says. */
import type { Model, Variables } from "../../layers/mod.ts";
import type { Precision } from "../../runtime/mod.ts";
import type { Progress } from "../../runtime/system/progress.ts";
import type { Dataset } from "../data/dataset.ts";
import { evaluate, type Evaluation } from "../inference/evaluate.ts";
import type { Recipe } from "./recipes.ts";

/** What comes of the test images, each as it was measured. */
export interface TestResults {
  /** As the recipe measures; with test-time augmentation if that was asked for. */
  readonly test: Evaluation;
  /** With running statistics, where the recipe measures with those of the batch. */
  readonly running?: Evaluation;
  /** With test-time augmentation, where the recipe has it. */
  readonly tta?: Evaluation;
}

/**
 * Evaluates on the test images as the recipe does; where that is with batch statistics, with the running ones too; and
 * where the recipe has test-time augmentation, with and without.
 * @param options `tta`: measures all with test-time augmentation, whatever the recipe says.
 */
export function testResults(
  model: Model,
  variables: Variables,
  test: Dataset,
  recipe: Recipe,
  { precision, progress, tta = false }: { precision: Precision; progress: Progress; tta?: boolean },
): TestResults {
  const measure = (statistics: Recipe["evaluation"], tta: boolean): Evaluation => {
    const bar = progress.start("Testing", test.indices.length, "images");
    try {
      const options = { batchSize: recipe.evaluationBatchSize, statistics, precision, tta };
      return evaluate(model, variables, test, { ...options, onBatch: (images) => bar.update(images) });
    } finally {
      bar.stop();
    }
  };
  return {
    test: measure(recipe.evaluation, tta),
    ...(recipe.evaluation === "batch" && { running: measure("running", tta) }),
    ...(recipe.tta && !tta && { tta: measure(recipe.evaluation, true) }),
  };
}
