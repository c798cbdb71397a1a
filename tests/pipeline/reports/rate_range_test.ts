/** The picture of a learning-rate range test. */
import { assert, assertEquals } from "@std/assert";
import { drawRateRange, rateRangeSpec } from "../../../pipeline/reports/rate_range.ts";
import type { RatePoint } from "../../../pipeline/training/rate_range.ts";

/** The smoothed loss falls from 3 to 1, then diverges. */
const points: RatePoint[] = [2.5, 3, 1, 2, 40].map((smoothed, i) => ({
  ...{ rate: 10 ** (i - 3), loss: smoothed + 0.5, smoothed },
}));

Deno.test("rateRangeSpec: each step and the smoothed losses by rate, as high as they fell; the proposal across them", () => {
  const { layer } = rateRangeSpec(points, { title: "fast", proposed: 0.1 }) as {
    layer: { data: { values: unknown[] }; encoding: Record<string, { field: string; scale?: unknown }> }[];
  };
  const shown: unknown[][] = layer.map(({ data, encoding: { x, y } }) => [data.values, x.field, y?.field]);
  const proposal = [{ rate: 0.1, text: "0.1" }];
  assertEquals(shown, [
    ...[[points, "rate", "loss"], [points, "rate", "smoothed"]],
    ...[[proposal, "rate", undefined], [proposal, "rate", undefined]],
  ]);
  assertEquals(layer[0].encoding.x.scale, { type: "log", nice: false });
  for (const { encoding } of layer.slice(0, 2)) {
    assertEquals(encoding.y.scale, { domain: [1 - 0.6, 3 + 0.6], nice: false }); // three tenths of 2 around
  }
});

Deno.test("drawRateRange: an SVG with title, axes and the rate; without one, or a fall, one too", async () => {
  const svg = await drawRateRange(points, { title: "fast: loss by learning rate", proposed: 0.1 });
  for (const text of ["fast: loss by learning rate", "learning rate", "training loss (nats)", "0.1", "10"]) {
    assert(svg.includes(`>${text}</text>`), text);
  }
  for (const some of [points.slice(0, 2), points.slice(0, 1)]) {
    const without = await drawRateRange(some, { title: "none" });
    assert(without.includes(">none</text>") && !without.includes("NaN"));
  }
});
