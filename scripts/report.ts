/** The lines in which results are said, as the tutorial says them. */
import type { Model, Variables } from "../layers/mod.ts";
import type { Dataset } from "../pipeline/dataset.ts";
import { evaluate, type Evaluation } from "../pipeline/evaluate.ts";
import type { Recipe } from "../pipeline/recipes.ts";
import type { Precision, Progress } from "../runtime/mod.ts";

/** `Accuracy of the network on the 10000 test images: 83.93 %`, and how it was measured if that needs saying. */
export function accuracyLine(
  { accuracy, images }: Evaluation,
  split: "validation" | "test",
  how = "",
): string {
  const note = how === "" ? "" : ` (${how})`;
  return `Accuracy of the network on the ${images} ${split} images: ${(100 * accuracy).toFixed(2)} %${note}`;
}

/**
 * Evaluates on the test images as the recipe does, and where that is with batch statistics, with the running ones too.
 * @returns The lines to print, and both results; `running` is there only if it differs in how it is measured.
 */
export function testLines(
  model: Model,
  variables: Variables,
  test: Dataset,
  recipe: Recipe,
  { precision, progress, tta = false }: { precision: Precision; progress: Progress; tta?: boolean },
): { lines: string[]; test: Evaluation; running?: Evaluation } {
  const measure = (statistics: "running" | "batch"): Evaluation => {
    const bar = progress.start("Testing", test.indices.length, "images");
    try {
      const options = { batchSize: recipe.evaluationBatchSize, statistics, precision, tta };
      return evaluate(model, variables, test, { ...options, onBatch: (images) => bar.update(images) });
    } finally {
      bar.stop();
    }
  };
  const how = tta ? "test-time augmentation: mean of six views" : "";
  const result = measure(recipe.evaluation);
  const lines = [accuracyLine(result, "test", how)];
  if (recipe.evaluation === "running") return { lines, test: result };
  const running = measure("running");
  return {
    lines: [...lines, accuracyLine(running, "test", "with running statistics")],
    test: result,
    running,
  };
}
