/** The lines in which results are said. */
import { assertEquals } from "@std/assert";
import { init, resnet } from "../../../layers/mod.ts";
import { evaluate } from "../../../pipeline/inference/evaluate.ts";
import { type Recipe, recipes } from "../../../pipeline/training/recipes.ts";
import { CIFAR10_STATS, normalize } from "../../../pipeline/transforms/transforms.ts";
import { tf } from "../../../runtime/mod.ts";
import { accuracyLine, testLines } from "../../../scripts/cli/accuracy_lines.ts";
import { madeData } from "../../made_data.ts";
import { canLoadTensorFlow } from "../../needs.ts";
import { Recorder } from "../../pipeline/recorder.ts";
import { held } from "../../runtime/harness.ts";

Deno.test("accuracyLine: as the tutorial prints it, and how it was measured if that needs saying", () => {
  const validation = { accuracy: 0.5668, correct: 2834, images: 5000, loss: 1 };
  assertEquals(
    accuracyLine(validation, "validation"),
    "Accuracy of the network on the 5000 validation images: 56.68 %",
  );
  const test = { accuracy: 0.8393, correct: 8393, images: 10_000, loss: 1 };
  assertEquals(accuracyLine(test, "test"), "Accuracy of the network on the 10000 test images: 83.93 %");
  assertEquals(
    accuracyLine({ ...test, accuracy: 1 }, "test", "with running statistics"),
    "Accuracy of the network on the 10000 test images: 100.00 % (with running statistics)",
  );
});

Deno.test({
  name:
    "testLines: one line, two where the recipe measures with batch statistics, and says when there were several views",
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
    const percent = (accuracy: number) => `${(100 * accuracy).toFixed(2)} %`;
    const said = (recipe: Recipe, tta?: boolean) => {
      const progress = new Recorder();
      const result = testLines(model, variables, test, recipe, { precision: "float32", progress, tta });
      return { ...result, bars: progress.bars };
    };

    const one = said(running);
    assertEquals(one.test, measured("running"));
    assertEquals([one.running, one.lines], [undefined, [
      `Accuracy of the network on the 30 test images: ${percent(one.test.accuracy)}`,
    ]]);
    assertEquals(one.bars, [
      { label: "Testing", total: 30, unit: "images", done: [8, 16, 24, 30], stopped: true },
    ]);

    const two = said(batch);
    assertEquals([two.test, two.running], [measured("batch"), measured("running")]);
    assertEquals(two.lines, [
      `Accuracy of the network on the 30 test images: ${percent(two.test.accuracy)}`,
      `Accuracy of the network on the 30 test images: ${
        percent(two.running!.accuracy)
      } (with running statistics)`,
    ]);
    assertEquals(two.bars.length, 2);

    const views = said(running, true);
    assertEquals(views.test, measured("running", true));
    assertEquals(views.lines, [
      `Accuracy of the network on the 30 test images: ${percent(views.test.accuracy)} ` +
      "(test-time augmentation: mean of six views)",
    ]);

    const both = said({ ...running, tta: true });
    assertEquals([both.test, both.tta], [one.test, views.test]);
    assertEquals(both.lines, [...one.lines, ...views.lines]);
    assertEquals(said({ ...running, tta: true }, true).lines, views.lines, "not twice");
    tf.dispose([variables.params, variables.batchStats]);
    assertEquals(held(), before);
  },
});
