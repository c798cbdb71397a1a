/** What is measured on the test images. */
import { assertEquals } from "@std/assert";
import { init, resnet } from "../../../layers/mod.ts";
import { evaluate } from "../../../pipeline/inference/evaluate.ts";
import { type Recipe, recipes } from "../../../pipeline/training/recipes.ts";
import { testResults } from "../../../pipeline/training/test_results.ts";
import { CIFAR10_STATS, normalize } from "../../../pipeline/transforms/transforms.ts";
import { tf } from "../../../runtime/mod.ts";
import { madeData } from "../../made_data.ts";
import { canLoadTensorFlow } from "../../needs.ts";
import { held } from "../../runtime/harness.ts";
import { Recorder } from "../recorder.ts";

Deno.test({
  name: "testResults: one, two where the recipe measures with batch statistics or has test-time augmentation",
  ignore: !canLoadTensorFlow,
  async fn(): Promise<void> {
    await tf.ready();
    const before = held();
    const model = resnet([1, 1], { stem: "cifar", inputSize: 8, widths: [4, 8], numClasses: 4 });
    const variables = init(model, 5);
    const test = normalize(CIFAR10_STATS)(madeData({ images: 30, size: 8 })).train;
    const running: Recipe = { ...recipes.resnet20, evaluationBatchSize: 8 };
    const batch: Recipe = { ...running, evaluation: "batch" };
    const measured = (statistics: "running" | "batch", tta = false) =>
      evaluate(model, variables, test, { batchSize: 8, statistics, tta });
    const found = (recipe: Recipe, tta?: boolean) => {
      const progress = new Recorder();
      const results = testResults(model, variables, test, recipe, { precision: "float32", progress, tta });
      return { results, bars: progress.bars };
    };

    const one = found(running);
    assertEquals(one.results, { test: measured("running") });
    assertEquals(one.bars, [
      { label: "Testing", total: 30, unit: "images", done: [8, 16, 24, 30], stopped: true },
    ]);

    const two = found(batch);
    assertEquals(two.results, { test: measured("batch"), running: measured("running") });
    assertEquals(two.bars.length, 2);

    const views = found(running, true);
    assertEquals(views.results, { test: measured("running", true) });

    const both = found({ ...running, tta: true });
    assertEquals(both.results, { test: one.results.test, tta: views.results.test });
    assertEquals(found({ ...running, tta: true }, true).results, views.results, "not twice");
    tf.dispose([variables.params, variables.batchStats]);
    assertEquals(held(), before);
  },
});
