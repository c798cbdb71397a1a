/** docs/scale: what is reckoned of many workers, by hand and against those that were measured; the page says what the files say. */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { drawn, type Pieces, reckonedSteps } from "../../docs/scale/draw.ts";
import type { Measured } from "../../docs/scale/measure.ts";
import { localStepMs, reduceMs, ringMs, stepMs } from "../../docs/scale/simulate.ts";
import { median } from "../../runtime/system/median.ts";
import { granted } from "../needs.ts";

const read = (path: string): Promise<string> => Deno.readTextFile(new URL(`../../${path}`, import.meta.url));
const measured: Measured = granted("read")
  ? JSON.parse(await read("docs/results/scale/measured.json"))
  : undefined;

Deno.test("ringMs: by hand, 100 MB at 8 Gbit/s and 0.5 ms a message", () => {
  const link = { gbitPerSecond: 8, latencyMs: 0.5 }; // 1 MB a millisecond
  assertEquals(ringMs(100e6, 1, link), 0);
  assertAlmostEquals(ringMs(100e6, 2, link), 2 * 50 + 2 * 0.5, 1e-9); // half there, the sum of half back
  assertAlmostEquals(ringMs(100e6, 4, link), 6 * 25 + 6 * 0.5, 1e-9);
  assertAlmostEquals(ringMs(100e6, 1000, link), 2 * 99.9 + 1998 * 0.5, 1e-9);
});

Deno.test("reduceMs: by hand, two levels; a machine alone has one", () => {
  const machines = {
    gpus: 8,
    inside: { gbitPerSecond: 800, latencyMs: 0 }, // 100 MB a millisecond
    between: { gbitPerSecond: 80, latencyMs: 0.1 }, // 10 MB a millisecond
  };
  assertAlmostEquals(reduceMs(800e6, 8, machines), 14, 1e-9); // 14 eighths of 8 ms
  assertAlmostEquals(reduceMs(800e6, 2, machines), 8, 1e-9);
  assertAlmostEquals(reduceMs(800e6, 32, machines), 14 + 6 * (20 + 0.1), 1e-9);
});

Deno.test("stepMs: by hand, 90 ms of which the last 60 are the backward pass", () => {
  const backward = 2 / 3;
  const perMb = (bytes: number): number => bytes / 1e6;
  assertAlmostEquals(stepMs(90, 20e6, perMb, { buckets: 1, backward }), 110, 1e-9);
  // The first half of 10 ms is ready after 60, done at 70; the second after 90.
  assertAlmostEquals(stepMs(90, 20e6, perMb, { buckets: 2, backward }), 100, 1e-9);
  // Halves of 50 ms: the second waits for the first, from 110 on.
  assertAlmostEquals(stepMs(90, 100e6, perMb, { buckets: 2, backward }), 160, 1e-9);
  assertAlmostEquals(stepMs(90, 0, perMb, { buckets: 4, backward }), 90, 1e-9);
});

Deno.test("localStepMs: by hand, cores that are shared are had in turns", () => {
  const link = { gbitPerSecond: 8, latencyMs: 0.5 };
  const local = { cores: 2, link };
  const alone = { ms: 50, cpuMs: 60 };
  assertAlmostEquals(localStepMs(alone, 1e6, { ...local, workers: 1 }), 50, 1e-9);
  assertAlmostEquals(localStepMs(alone, 1e6, { ...local, workers: 2 }), 60 + 1 + 1, 1e-9);
  assertAlmostEquals(localStepMs(alone, 1e6, { ...local, workers: 4 }), 120 + 1.5 + 3, 1e-9);
});

/** What is reckoned may be off by so much. */
const TOLERANCE = 0.25;

Deno.test({
  name: "docs/scale: one, two and four workers take what is reckoned of the share of one",
  ignore: !granted("read"),
  fn() {
    const steps = reckonedSteps(measured);
    assertEquals(steps.map(({ workers }) => workers), [1, 2, 4]);
    for (const { workers, ms, reckoned } of steps) {
      const ratio = reckoned / ms.median;
      assert(
        Math.abs(ratio - 1) < TOLERANCE,
        `${workers} workers: ${reckoned} ms reckoned, ${ms.median} measured`,
      );
    }
  },
});

Deno.test({
  name: "docs/results/scale/pieces.json: steps as the logs that it names have them",
  ignore: !granted("read"),
  async fn() {
    const { steps, cpu }: Pieces = JSON.parse(await read("docs/results/scale/pieces.json"));
    for (const { network, compiled, images, ms, source } of steps) {
      const name = network.toLowerCase().replace("-", "");
      const line = new RegExp(
        `^${name} +bfloat16 +xla ${compiled ? "on" : "off"} +batch +${images} training .* ${ms} ms a step`,
        "m",
      );
      assert(line.test(await read(source)), `${source}: ${line}`);
    }
    const found = [
      ...(await read(cpu.source)).matchAll(/^resnet34 float32 .* commit 1dad58e: ([\d.]+) ms/gm),
    ];
    assertEquals(Math.round(median(found.map(([, ms]) => Number(ms)))), cpu.ms);
  },
});

Deno.test({
  name: "docs/scale.md: its tables and its picture are those of the files",
  ignore: !granted("read"),
  async fn() {
    for (const [path, text] of Object.entries(await drawn())) {
      const isSame = await read(path) === text;
      assert(isSame, `${path} is not of docs/results/scale: deno run -A docs/scale/draw.ts`);
    }
  },
});
