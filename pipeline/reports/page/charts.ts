/** Charts that take their colours from the page they stand in. */
import type { TopLevelSpec } from "vega-lite";
import type { EpochMetrics, RunInfo } from "../../runs/folder.ts";
import type { Calibration } from "../../inference/answers.ts";
import { accuracyPanel, drawSpec, lossPanel, type Panel } from "../curve.ts";

/** Width and height of what is inside a chart's axes, in pixels: with them it is as wide as a phone. */
const SIZE = { width: 270, height: 190 };

/** Names of the page's colours, which differ in light and dark. */
const [INK, LINE, BAR] = ["var(--ink)", "var(--line)", "var(--series1)"];
const SERIES = [BAR, "var(--series2)", "var(--series3)", "var(--series4)"];

/** Draws one chart for a page. */
function chart(panel: Panel): Promise<string> {
  const text = {
    labelColor: INK,
    titleColor: INK,
    labelFontSize: 11,
    titleFontSize: 11,
    titleFontWeight: 400,
  };
  const spec = {
    ...panel,
    ...SIZE,
    config: {
      background: "transparent",
      font: "inherit",
      view: { stroke: LINE },
      axis: { ...text, gridColor: LINE, domainColor: INK, tickColor: INK },
      legend: { ...text, labelLimit: 0, orient: "bottom", columns: 2 },
      range: { category: SERIES },
      line: { color: BAR, strokeWidth: 2 },
    },
  } as TopLevelSpec; // a panel is one of its kinds, which the type of many does not know
  return drawSpec(spec);
}

/** The mean loss of each epoch, an SVG. */
export function lossChart(metrics: readonly EpochMetrics[]): Promise<string> {
  return chart(lossPanel(metrics));
}

/** The accuracies of each epoch, an SVG. */
export function accuracyChart(info: RunInfo, metrics: readonly EpochMetrics[]): Promise<string> {
  return chart(accuracyPanel(info, metrics));
}

/** How often answers are right by how sure they are, a bar a bin, an SVG: the reliability diagram. */
export function reliabilityChart({ bins }: Calibration): Promise<string> {
  const share = { type: "quantitative" as const, scale: { domain: [0, 1] } };
  const axis = { format: ".0%", tickCount: 5 };
  return chart({
    layer: [
      {
        data: { values: bins.filter(({ images }) => images > 0).map((bin) => ({ ...bin, zero: 0 })) },
        mark: { type: "rect", fill: BAR, stroke: "var(--paper)", strokeWidth: 1 },
        encoding: {
          x: { ...share, field: "from", title: "confidence", axis },
          x2: { field: "to" },
          y: { ...share, field: "zero", title: "accuracy", axis },
          y2: { field: "accuracy" },
        },
      },
      {
        data: { values: [{ x: 0, y: 0 }, { x: 1, y: 1 }] },
        mark: { type: "line", strokeDash: [4, 4], color: INK, strokeWidth: 1 },
        encoding: { x: { ...share, field: "x" }, y: { ...share, field: "y" } },
      },
    ],
  });
}
