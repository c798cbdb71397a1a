/** The lines in which results are said, as the tutorial says them. */
import type { Model, Variables } from "../../layers/mod.ts";
import type { Dataset } from "../../pipeline/data/mod.ts";
import { evaluate, type Evaluation } from "../../pipeline/inference/mod.ts";
import type { Recipe } from "../../pipeline/training/mod.ts";
import type { Precision, Progress } from "../../runtime/mod.ts";

/** `Accuracy of the network on the 10000 test images: 83.93 %`, and how it was measured if that needs saying. */
export function accuracyLine(
  { accuracy, images }: Evaluation,
  split: "validation" | "test",
  how = "",
): string {
  const note = how === "" ? "" : ` (${how})`;
  return `Accuracy of the network on the ${images} ${split} images: ${(100 * accuracy).toFixed(2)} %${note}`;
}

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
 * @returns The results, and a line to print for each.
 */
export function testLines(
  model: Model,
  variables: Variables,
  test: Dataset,
  recipe: Recipe,
  { precision, progress, tta = false }: { precision: Precision; progress: Progress; tta?: boolean },
): TestResults & { lines: string[] } {
  const measure = (statistics: Recipe["evaluation"], tta: boolean): Evaluation => {
    const bar = progress.start("Testing", test.indices.length, "images");
    try {
      const options = { batchSize: recipe.evaluationBatchSize, statistics, precision, tta };
      return evaluate(model, variables, test, { ...options, onBatch: (images) => bar.update(images) });
    } finally {
      bar.stop();
    }
  };
  const views = "test-time augmentation: mean of six views";
  const results: TestResults = {
    test: measure(recipe.evaluation, tta),
    ...(recipe.evaluation === "batch" && { running: measure("running", tta) }),
    ...(recipe.tta && !tta && { tta: measure(recipe.evaluation, true) }),
  };
  const lines = [accuracyLine(results.test, "test", tta ? views : "")];
  if (results.running) lines.push(accuracyLine(results.running, "test", "with running statistics"));
  if (results.tta) lines.push(accuracyLine(results.tta, "test", views));
  return { ...results, lines };
}
