/** The lines in which results are said, as the tutorial says them. */
import type { Evaluation } from "../../pipeline/inference/mod.ts";
import type { TestResults } from "../../pipeline/training/mod.ts";

/** `Accuracy of the network on the 10000 test images: 83.93 %`, and how it was measured if that needs saying. */
export function accuracyLine(
  { accuracy, images }: Evaluation,
  split: "validation" | "test",
  how = "",
): string {
  const note = how === "" ? "" : ` (${how})`;
  return `Accuracy of the network on the ${images} ${split} images: ${(100 * accuracy).toFixed(2)} %${note}`;
}

/** A line for each result. `tta`: they were all measured with test-time augmentation. */
export function testLines({ test, running, tta }: TestResults, options: { tta?: boolean } = {}): string[] {
  const views = "test-time augmentation: mean of six views";
  const lines = [accuracyLine(test, "test", options.tta ? views : "")];
  if (running) lines.push(accuracyLine(running, "test", "with running statistics"));
  if (tta) lines.push(accuracyLine(tta, "test", views));
  return lines;
}
