/** A picture of several runs side by side. */
import type { TopLevelSpec } from "vega-lite";
import type { RunGroup } from "../runs/groups.ts";
import { drawSpec } from "./curve.ts";

/**
 * What the picture of a comparison shows, as data for Vega-Lite: loss and validation accuracy of each run by epoch, thin;
 * the mean of each group, thick; and across it the mean of its test accuracies, dashed.
 */
export function comparisonSpec(groups: readonly RunGroup[]): TopLevelSpec {
  const lines = groups.flatMap(({ label, runs }) =>
    runs.flatMap(({ name, metrics }) =>
      metrics.map(({ epoch, loss, validationAccuracy }) => ({
        ...{ of: label, run: name, epoch, loss },
        ...(validationAccuracy !== null && { validation: validationAccuracy }),
      }))
    )
  );
  const tests = groups.flatMap(({ label, mean: { test } }) =>
    test === undefined ? [] : [{ of: label, test }]
  );
  const size = { width: 640, height: 240 };
  const epochs = Math.max(...lines.map(({ epoch }) => epoch));
  const x = {
    ...{ field: "epoch", type: "quantitative" as const, title: "epoch" },
    ...{ scale: { domain: [1, epochs], nice: false }, axis: { tickMinStep: 1 } },
  };
  const color = {
    field: "of",
    type: "nominal",
    title: null,
    sort: groups.map(({ label }) => label),
  } as const;
  const scale = { zero: false };
  const y = (field: string, title: string, format: string) =>
    ({ field, title, type: "quantitative", scale, axis: { format } }) as const;
  const means = (field: string, title: string, format: string) => {
    const data = { values: lines.filter((line) => field in line) };
    return [
      {
        data,
        mark: { type: "line", strokeWidth: 1, opacity: 0.4 },
        encoding: { x, y: y(field, title, format), color, detail: { field: "run" } },
      },
      {
        data,
        mark: { type: "line", strokeWidth: 2.5 },
        encoding: { x, y: { ...y(field, title, format), aggregate: "mean" }, color },
      },
    ] as const;
  };
  return {
    vconcat: [
      { ...size, layer: [...means("loss", "training loss (nats)", "")] },
      {
        ...size,
        layer: [
          ...means("validation", "accuracy", ".1%"),
          {
            data: { values: tests },
            mark: { type: "rule", strokeDash: [4, 4] },
            encoding: { y: y("test", "accuracy", ".1%"), color },
          },
        ],
      },
    ],
    title: "thin: each run, thick: the mean of a recipe's, dashed: on the test images",
    config: { background: "white", legend: { labelLimit: 0, symbolOpacity: 1 } }, // whole names
  };
}

/**
 * Draws several runs.
 * @returns An SVG document.
 * @example
 * ```ts
 * import { drawComparison, type RunGroup } from "@resnet/deno/reports";
 *
 * async function draw(groups: RunGroup[]) {
 *   await Deno.writeTextFile("compare.svg", await drawComparison(groups));
 * }
 * ```
 */
export async function drawComparison(groups: readonly RunGroup[]): Promise<string> {
  return await drawSpec(comparisonSpec(groups)) + "\n";
}
