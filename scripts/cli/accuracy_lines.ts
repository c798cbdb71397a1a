/** The lines in which results are said, as the tutorial says them. */
import type { ClassAccuracy, Evaluation } from "../../pipeline/inference/mod.ts";
import type { TestResults } from "../../pipeline/training/mod.ts";
import { oneLine } from "../../runtime/system/texts.ts";
import { tableLines } from "./table.ts";

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
 * A line for each result, and a table of the classes if they were counted. `tta`: they were all measured with test-time augmentation; `part`: of which images they are;
 * `bestEpoch`: of whose weights.
 */
export function testLines(
  { test, running, tta, byClass }: TestResults,
  options: { tta?: boolean; part?: "test" | "validation"; bestEpoch?: number } = {},
): string[] {
  const { part = "test", bestEpoch } = options;
  const views = "test-time augmentation: mean of six views";
  const how = [
    ...(options.tta ? [views] : []),
    ...(bestEpoch === undefined ? [] : [`the best epoch, ${bestEpoch}`]),
    ...(part === "test"
      ? []
      : [`${bestEpoch === undefined ? "" : "chosen by them; "}there are no test images`]),
  ];
  const lines = [accuracyLine(test, part, how.join(", "))];
  if (running) lines.push(accuracyLine(running, part, "with running statistics"));
  if (tta) lines.push(accuracyLine(tta, part, views));
  return [...lines, ...(byClass ? classLines(byClass) : [])];
}

/** Classes that a table has at the most; of more, the worst are shown. */
const MAX_CLASSES = 100;

/** A table of the classes: how many of each were found. */
export function classLines(results: readonly ClassAccuracy[]): string[] {
  if (results.length > MAX_CLASSES) {
    const share = ({ correct, images }: ClassAccuracy): number => images === 0 ? 2 : correct / images;
    const worst = results.toSorted((a, b) => share(a) - share(b)).slice(0, MAX_CLASSES);
    return [
      ...classLines(worst),
      `These are the worst ${MAX_CLASSES} of ${results.length} classes; run.json has them all`,
    ];
  }
  const columns = [
    { title: "class", align: "left" },
    { title: "images", align: "right" },
    { title: "accuracy", align: "right" },
  ] as const;
  const rows = results.map(({ name, correct, images }) => [
    oneLine(name),
    `${images}`,
    images === 0 ? "-" : `${(100 * correct / images).toFixed(2)} %`,
  ]);
  return [...tableLines(columns, rows)];
}
