/** A trained network on the test images, measured as its recipe says. */
import type { Model, Variables } from "../../layers/mod.ts";
import { type Precision, workers } from "../../runtime/mod.ts";
import type { Progress } from "../../runtime/system/progress.ts";
import type { Dataset } from "../data/dataset.ts";
import type { Evaluation, Testing } from "../inference/evaluate.ts";
import { sharedEvaluator } from "./workers.ts";

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
 * Evaluates on the test images as a recipe says; where that is with batch statistics, with the running ones too; and
 * where it is with test-time augmentation, without it too. Several workers share the images, and all know what came of it.
 * @param options `tta`: measures all with test-time augmentation, whatever the recipe says.
 */
export function testResults(
  model: Model,
  variables: Variables,
  test: Dataset,
  testing: Testing,
  { precision, progress, tta = false }: { precision: Precision; progress: Progress; tta?: boolean },
): TestResults {
  const { statistics, batchSize } = testing;
  const measure = (statistics: Testing["statistics"], tta: boolean): Evaluation => {
    const bar = progress.start("Testing", test.indices.length, "images");
    try {
      const { evaluate, dispose } = sharedEvaluator(
        model,
        test,
        { batchSize, statistics, precision, tta },
        workers(),
      );
      try {
        return evaluate(variables, { onBatch: (images) => bar.update(images) });
      } finally {
        dispose();
      }
    } finally {
      bar.stop();
    }
  };
  return {
    test: measure(statistics, tta),
    ...(statistics === "batch" && { running: measure("running", tta) }),
    ...(testing.tta && !tta && { tta: measure(statistics, true) }),
  };
}
