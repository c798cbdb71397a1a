/** What is measured on the test images. */
import { assertEquals } from "@std/assert";
import { init, resnet } from "../../../layers/mod.ts";
import { evaluate, type Testing } from "../../../pipeline/inference/evaluate.ts";
import { testResults } from "../../../pipeline/training/test_results.ts";
import { CIFAR10_STATS, normalize } from "../../../pipeline/transforms/transforms.ts";
import { tf, tree } from "../../../runtime/mod.ts";
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
    const running: Testing = { statistics: "running", batchSize: 8, tta: false };
    const batch: Testing = { ...running, statistics: "batch" };
    const measured = (statistics: "running" | "batch", tta = false) =>
      evaluate(model, variables, test, { batchSize: 8, statistics, tta });
    const found = (testing: Testing, tta?: boolean) => {
      const progress = new Recorder();
      const results = testResults(model, variables, test, testing, { precision: "float32", progress, tta });
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
    tree.dispose(variables);
    assertEquals(held(), before);
  },
});
