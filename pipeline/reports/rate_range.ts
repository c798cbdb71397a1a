/** A picture of a learning-rate range test. */
import type { TopLevelSpec } from "vega-lite";
import type { RatePoint } from "../training/rate_range.ts";
import { drawSpec } from "./curve.ts";

/** What else the picture says. */
export interface RateRangeNotes {
  /** What was tested. */
  readonly title: string;
  /** The rate that is proposed, if one is. */
  readonly proposed?: number;
}

/** How much of the height is left above the smoothed losses before they are least, as a share of their fall. */
const ROOM = 0.3;

/**
 * What the picture shows, as data for Vega-Lite: the loss of each step against its rate, thin, and smoothed, thick; across
 * it the rate that is proposed. Where the loss diverges the lines leave the picture.
 */
export function rateRangeSpec(
  points: readonly RatePoint[],
  { title, proposed }: RateRangeNotes,
): TopLevelSpec {
  const smoothed = points.map((point) => point.smoothed);
  const least = Math.min(...smoothed);
  const first = Math.max(...smoothed.slice(0, smoothed.indexOf(least) + 1));
  const room = ROOM * (first - least || 1);
  const x = {
    field: "rate",
    type: "quantitative",
    title: "learning rate",
    scale: { type: "log", nice: false },
    axis: { format: "~g", tickCount: 8 },
  } as const;
  const scale = { domain: [least - room, first + room], nice: false };
  const y = (field: "loss" | "smoothed") =>
    ({ field, type: "quantitative", title: "training loss (nats)", scale }) as const;
  const data = { values: [...points] };
  const line = { type: "line", clip: true } as const;
  const rule = { data: { values: [{ rate: proposed, text: `${proposed}` }] }, encoding: { x } };
  return {
    title,
    width: 640,
    height: 300,
    layer: [
      { data, mark: { ...line, strokeWidth: 1, opacity: 0.4 }, encoding: { x, y: y("loss") } },
      { data, mark: { ...line, strokeWidth: 2.5 }, encoding: { x, y: y("smoothed") } },
      ...(proposed === undefined ? [] : [
        { ...rule, mark: { type: "rule" as const, strokeDash: [4, 4] } },
        {
          ...rule,
          mark: { type: "text" as const, align: "left" as const, dx: 5, y: 10 },
          encoding: { x, text: { field: "text" } },
        },
      ]),
    ],
    config: { background: "white" },
  };
}

/**
 * Draws a learning-rate range test.
 * @returns An SVG document.
 * @example
 * ```ts
 * import { proposedRate, type RatePoint } from "@resnet/deno";
 * import { drawRateRange } from "@resnet/deno/reports";
 *
 * async function draw(points: RatePoint[]): Promise<void> {
 *   const svg = await drawRateRange(points, { title: "my network", proposed: proposedRate(points) });
 *   await Deno.writeTextFile("rates.svg", svg);
 * }
 * ```
 */
export async function drawRateRange(points: readonly RatePoint[], notes: RateRangeNotes): Promise<string> {
  return await drawSpec(rateRangeSpec(points, notes)) + "\n";
}
