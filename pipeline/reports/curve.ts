/** A picture of how a run went: loss and accuracy by epoch. */
import { parse, View } from "vega";
import { compile, type TopLevelSpec } from "vega-lite";
import type { EpochMetrics, RunInfo } from "../runs/folder.ts";

/** Width of the picture's panels, and height of each, in pixels. */
const [WIDTH, HEIGHT] = [640, 200];

/** One of several pictures in a column, as data for Vega-Lite. */
export type Panel = Extract<TopLevelSpec, { vconcat: unknown }>["vconcat"][number];

/** Encodings that both panels have. */
const EPOCH = { field: "epoch", type: "quantitative", title: "epoch", axis: { tickMinStep: 1 } } as const;
const VALUE = { field: "value", type: "quantitative", scale: { zero: false } } as const;

/** The mean loss of each epoch, in nats. */
export function lossPanel(metrics: readonly EpochMetrics[]): Panel {
  return {
    data: { values: metrics.map(({ epoch, loss }) => ({ epoch, value: loss })) },
    mark: "line",
    encoding: { x: EPOCH, y: { ...VALUE, title: "training loss (nats)" } },
  };
}

/**
 * The accuracy on the validation images (one line for each way of measuring), and across it the final one on the test
 * images.
 */
export function accuracyPanel({ test, testTta }: RunInfo, metrics: readonly EpochMetrics[]): Panel {
  const accuracies = metrics.flatMap((line) => [
    { epoch: line.epoch, of: "validation", value: line.validationAccuracy },
    { epoch: line.epoch, of: "validation, running statistics", value: line.validationAccuracyRunning },
  ]).filter(({ value }) => value !== null && value !== undefined);
  const finals = [
    { of: "test", value: test?.accuracy },
    { of: "test, six views", value: testTta?.accuracy },
  ].filter(({ value }) => value !== undefined);
  const accuracy = { ...VALUE, title: "accuracy", axis: { format: ".1%" } } as const;
  const color = { field: "of", type: "nominal", title: null } as const;
  return {
    layer: [
      { data: { values: accuracies }, mark: "line", encoding: { x: EPOCH, y: accuracy, color } },
      {
        data: { values: finals },
        mark: { type: "rule", strokeDash: [4, 4] },
        encoding: { y: accuracy, color },
      },
    ],
  };
}

/** What the picture shows, as data for Vega-Lite: the loss, below it the accuracies. */
export function curveSpec(info: RunInfo, metrics: readonly EpochMetrics[]): TopLevelSpec {
  const { recipe, seed, precision } = info;
  const size = { width: WIDTH, height: HEIGHT };
  return {
    title: `${recipe.name}, seed ${seed}, ${precision}`,
    vconcat: [{ ...size, ...lossPanel(metrics) }, { ...size, ...accuracyPanel(info, metrics) }],
    config: { background: "white", legend: { labelLimit: 0 } }, // whole names
  };
}

/**
 * Draws a run.
 * @returns An SVG document.
 * @example
 * ```ts
 * import { drawCurve, readMetrics, readRunInfo } from "@resnet/deno/reports";
 *
 * async function draw(run: string): Promise<void> {
 *   await Deno.writeTextFile("curve.svg", await drawCurve(await readRunInfo(run), await readMetrics(run)));
 * }
 * ```
 */
export async function drawCurve(info: RunInfo, metrics: readonly EpochMetrics[]): Promise<string> {
  return await drawSpec(curveSpec(info, metrics)) + "\n";
}

/** Draws what Vega-Lite describes. */
export async function drawSpec(spec: TopLevelSpec): Promise<string> {
  const view = new View(parse(compile(spec).spec), { renderer: "none" });
  try {
    return await view.toSVG();
  } finally {
    view.finalize();
  }
}
