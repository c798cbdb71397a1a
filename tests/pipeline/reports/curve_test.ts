/** The picture of a run: what it shows, and that it is an SVG. */
import { assert, assertEquals } from "@std/assert";
import { curveSpec, drawCurve } from "../../../pipeline/reports/curve.ts";
import type { EpochMetrics, RunInfo } from "../../../pipeline/runs/folder.ts";
import { recipes } from "../../../pipeline/training/recipes.ts";

const info: RunInfo = {
  recipe: recipes.tutorial,
  seed: 3,
  precision: "bfloat16",
  cpu: { model: "a processor", instructions: "AVX-512", cores: 2 },
  versions: {},
  started: "2026-11-25T09:30:07.899Z",
};
const test = { accuracy: 0.8125, correct: 13, images: 16, loss: 0.5 };

function line(epoch: number, loss: number, more: Partial<EpochMetrics>): EpochMetrics {
  return {
    epoch,
    step: 10 * epoch,
    seconds: epoch,
    imagesPerSecond: 100,
    loss,
    lastLoss: loss,
    validationAccuracy: null,
    learningRate: 0.1,
    ...more,
  };
}

/** Every list of values in a spec, outermost first. */
function values(spec: unknown): unknown[] {
  if (typeof spec !== "object" || spec === null) return [];
  return Object.entries(spec).flatMap(([key, value]) => key === "values" ? [value] : values(value));
}

Deno.test("curveSpec: the loss, each way of validating, the test accuracies", () => {
  const metrics = [
    line(1, 2, { validationAccuracy: 0.25, validationAccuracyRunning: 0.125 }),
    line(2, 1, { validationAccuracy: 0.75, validationAccuracyRunning: 0.5 }),
  ];
  assertEquals(values(curveSpec({ ...info, test, testTta: { ...test, accuracy: 0.875 } }, metrics)), [
    [{ epoch: 1, value: 2 }, { epoch: 2, value: 1 }],
    [
      { epoch: 1, of: "validation", value: 0.25 },
      { epoch: 1, of: "validation, running statistics", value: 0.125 },
      { epoch: 2, of: "validation", value: 0.75 },
      { epoch: 2, of: "validation, running statistics", value: 0.5 },
    ],
    [{ of: "test", value: 0.8125 }, { of: "test, six views", value: 0.875 }],
  ]);
});

Deno.test("curveSpec: what was not measured is not shown", () => {
  assertEquals(values(curveSpec(info, [line(1, 2, {})])), [[{ epoch: 1, value: 2 }], [], []]);
});

Deno.test("drawCurve: an SVG with the run's name", async () => {
  const svg = await drawCurve({ ...info, test }, [
    line(1, 2, { validationAccuracy: 0.25 }),
    line(2, 1, { validationAccuracy: 0.75 }),
  ]);
  assert(svg.startsWith("<svg"), svg.slice(0, 20));
  for (
    const text of ["tutorial, seed 3, bfloat16", "training loss (nats)", "accuracy", "validation", "test"]
  ) {
    assert(svg.includes(`>${text}</text>`), text);
  }
});
