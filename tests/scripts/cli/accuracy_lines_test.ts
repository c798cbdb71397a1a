/** The lines in which results are said. */
import { assertEquals } from "@std/assert";
import { accuracyLine, testLines } from "../../../scripts/cli/accuracy_lines.ts";

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

Deno.test("testLines: a line for each result, and says when there were several views", () => {
  const [test, running, tta] = [25, 24, 27].map((correct) => ({
    accuracy: correct / 30,
    correct,
    images: 30,
    loss: 1,
  }));
  const said = (percent: string, how = "") =>
    `Accuracy of the network on the 30 test images: ${percent} %${how}`;
  const views = " (test-time augmentation: mean of six views)";
  assertEquals(testLines({ test }), [said("83.33")]);
  assertEquals(testLines({ test, running }), [said("83.33"), said("80.00", " (with running statistics)")]);
  assertEquals(testLines({ test: tta }, { tta: true }), [said("90.00", views)]);
  assertEquals(testLines({ test, tta }), [said("83.33"), said("90.00", views)]);
});
