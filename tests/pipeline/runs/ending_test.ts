/** When a run ends before its epochs are done. */
import { assertEquals } from "@std/assert";
import { runEnding } from "../../../pipeline/runs/ending.ts";
import type { EpochMetrics } from "../../../pipeline/runs/folder.ts";

const metrics = (...accuracies: number[]): EpochMetrics[] =>
  accuracies.map((validationAccuracy, i) => ({
    ...{ epoch: i + 1, step: 8 * (i + 1), seconds: i, imagesPerSecond: 1, loss: 1, lastLoss: 1 },
    ...{ validationAccuracy, learningRate: 0.1 },
  }));

Deno.test("ending: of a recipe that says nothing of it, never", () => {
  using ending = runEnding({ most: 40, seconds: () => 1e9 });
  ending.look(metrics(0.9, 0.1, 0.1, 0.1));
  assertEquals([ending.signal.aborted, ending.fit(1, 1), ending.fitting()], [false, undefined, undefined]);
});

Deno.test("ending: once patience is over", () => {
  using ending = runEnding({ stopping: { patience: 2 }, most: 40, seconds: () => 1e9 });
  ending.look(metrics(0.5, 0.4));
  assertEquals(ending.signal.aborted, false);
  ending.look(metrics(0.5, 0.4, 0.5));
  assertEquals(ending.signal.aborted, true);
});

Deno.test("ending: minutes have room for so many epochs, which is found once, and are over at a look", () => {
  let now = 20;
  using ending = runEnding({ stopping: { minutes: 2 }, most: 40, seconds: () => now });
  assertEquals(ending.fitting(), undefined);
  assertEquals(ending.fit(1, 12.5), "An epoch takes 12.5 s: 9 of 40 fit into 2 minutes"); // 1 + 100 / 12.5
  assertEquals([ending.fitting(), ending.fit(2, 1), ending.fitting()], [9, undefined, 9]);
  ending.look(metrics(0.5));
  assertEquals(ending.signal.aborted, false);
  now = 120;
  ending.look(metrics(0.5));
  assertEquals(ending.signal.aborted, true);

  using known = runEnding({ stopping: { minutes: 2 }, most: 40, fitting: 7, seconds: () => 0 });
  assertEquals([known.fit(1, 1), known.fitting()], [undefined, 7]);
});

Deno.test("ending: minutes are over in an epoch, too, counted from when the run began", async () => {
  const began = performance.now();
  const seconds = () => 59.95 + (performance.now() - began) / 1000;
  using ending = runEnding({ stopping: { minutes: 1 }, most: 40, seconds });
  assertEquals(ending.signal.aborted, false);
  await new Promise((resolve) => ending.signal.addEventListener("abort", resolve));
  assertEquals(seconds() >= 59.99, true);
});
