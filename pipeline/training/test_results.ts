/** A trained network on the test images, measured as its recipe says. */
import type { Model, Variables } from "../../layers/mod.ts";
import { type Precision, workers } from "../../runtime/mod.ts";
import type { Progress } from "../../runtime/system/progress.ts";
import type { Dataset } from "../data/dataset.ts";
import type { ClassAccuracy, Evaluation, Testing } from "../inference/evaluate.ts";
import { sharedEvaluator } from "./workers.ts";

/** What comes of the test images, each as it was measured. */
export interface TestResults {
  /** As the recipe measures; with test-time augmentation if that was asked for. */
  readonly test: Evaluation;
  /** With running statistics, where the recipe measures with those of the batch. */
  readonly running?: Evaluation;
  /** With test-time augmentation, where the recipe has it. */
  readonly tta?: Evaluation;
  /** What of it each class is, with running statistics, where that is asked for. */
  readonly byClass?: readonly ClassAccuracy[];
}

/** How to test. */
export interface TestOptions {
  readonly precision: Precision;
  /** Shows how far it is. */
  readonly progress: Progress;
  /** Measures all with test-time augmentation, whatever the recipe says. */
  readonly tta?: boolean;
  /** Counts for each class, too. */
  readonly byClass?: boolean;
}

/**
 * Evaluates on the test images as a recipe says; where that is with batch statistics, with the running ones too; and
 * where it is with test-time augmentation, without it too. Several workers share the images, and all know what came of it.
 */
export function testResults(
  model: Model,
  variables: Variables,
  test: Dataset,
  testing: Testing,
  { precision, progress, tta = false, byClass = false }: TestOptions,
): TestResults {
  const { statistics, batchSize } = testing;
  const measure = (how: Pick<Testing, "statistics" | "tta"> & { byClass?: boolean }): Evaluation => {
    const bar = progress.start("Testing", test.indices.length, "images");
    try {
      const { evaluate, dispose } = sharedEvaluator(
        model,
        test,
        { batchSize, precision, ...how },
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
  const isRunning = statistics === "running";
  const main = measure({ statistics, tta, byClass: byClass && isRunning });
  const running = isRunning ? undefined : measure({ statistics: "running", tta, byClass });
  const { byClass: counts } = running ?? main;
  return {
    test: whole(main),
    ...(running && { running: whole(running) }),
    ...(testing.tta && !tta && { tta: measure({ statistics, tta: true }) }),
    ...(counts && { byClass: counts }),
  };
}

/** An evaluation without its classes. */
function whole({ byClass: _, ...evaluation }: Evaluation): Evaluation {
  return evaluation;
}
