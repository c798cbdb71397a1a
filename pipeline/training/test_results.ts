/** A trained network on the test images, measured as its recipe says. */
import type { Model, Variables } from "../../layers/mod.ts";
import { allArrived, explainLostWorker, type Precision, tree, workers } from "../../runtime/mod.ts";
import type { Progress } from "../../runtime/system/progress.ts";
import type { Dataset } from "../data/dataset.ts";
import type { ClassAccuracy, Evaluation, EvaluatorOptions, Testing } from "../inference/evaluate.ts";
import { sharedEvaluator, tensorsOfWorker0 } from "./workers.ts";

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
 * where it is with test-time augmentation, without it too. Several workers share the images, and all know what came of them.
 * @param variables Of several workers, those of worker 0 are measured. Not disposed.
 * @throws {UserError} If memory runs out, or a worker is gone.
 */
export function testResults(
  model: Model,
  variables: Variables,
  test: Dataset,
  testing: Testing,
  options: TestOptions,
): TestResults {
  const all = workers();
  if (all.count === 1) return measureAll(model, variables, test, testing, options);
  try {
    const shared = tensorsOfWorker0(variables, all);
    try {
      const results = measureAll(model, shared, test, testing, options);
      allArrived(); // after that a run ends
      return results;
    } finally {
      tree.dispose(shared);
    }
  } catch (error) {
    throw explainLostWorker(error, "Cannot test");
  }
}

function measureAll(
  model: Model,
  variables: Variables,
  test: Dataset,
  { statistics, batchSize, tta: augments }: Testing,
  { precision, progress, tta = false, byClass = false }: TestOptions,
): TestResults {
  const measure = (how: Pick<EvaluatorOptions, "statistics" | "tta" | "byClass">): Evaluation => {
    const bar = progress.start("Testing", test.indices.length, "images");
    try {
      const options = { batchSize, precision, ...how };
      const { evaluate, dispose } = sharedEvaluator(model, test, options, workers());
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
    ...(augments && !tta && { tta: measure({ statistics, tta: true }) }),
    ...(counts && { byClass: counts }),
  };
}

/** An evaluation without its classes. */
function whole({ byClass: _, ...evaluation }: Evaluation): Evaluation {
  return evaluation;
}
