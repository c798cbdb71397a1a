import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { type Duration, timeSteps } from "../../../pipeline/bench/timing.ts";

/** Times steps that take the given milliseconds in turn, over and over, on a clock that only they move. */
function run(durations: readonly number[], duration: Duration) {
  let [time, done] = [1_000, 0];
  const told: number[] = [];
  const timing = timeSteps(() => time += durations[done++ % durations.length], duration, {
    now: () => time,
    onStep(step) {
      told.push(step);
      time += 500; // what happens between the steps does not count
    },
  });
  return { timing, told, done };
}

Deno.test("timeSteps runs exactly so many steps; the first two are not measured", () => {
  const { timing, told, done } = run([900, 70, 10, 20, 60, 30], { steps: 6 });
  assertEquals([done, timing.steps], [6, 4]);
  assertEquals(told, [0, 1, 2, 3, 4, 5, 6]);
  assertEquals(timing.firstStepMs, 900);
  assertEquals([timing.msPerStep, timing.minMs, timing.maxMs], [25, 10, 60]);
  // NumPy: numpy.std([10, 20, 60, 30], ddof=1)
  assertAlmostEquals(timing.deviationMs, 21.602468994692867, 1e-12);
});

Deno.test("timeSteps goes on until the seconds have gone by, after warming up", () => {
  // Two steps before the clock starts; then 0.1 s a step and 0.5 s between steps: 0.6, 1.2, ..., 3.0.
  const { timing } = run([100], { seconds: 3 });
  assertEquals(timing.steps, 5);
});

Deno.test("timeSteps measures three steps however few the seconds", () => {
  const { timing, done } = run([100], { seconds: 0 });
  assertEquals([timing.steps, done], [3, 5]);
  assertEquals(timing.deviationMs, 0);
});

Deno.test("timeSteps of three steps measures one, of which there is no deviation", () => {
  const { timing } = run([3, 2, 1], { steps: 3 });
  assertEquals([timing.steps, timing.msPerStep, timing.deviationMs], [1, 1, 0]);
});

Deno.test("timeSteps needs three steps", () => {
  assertThrows(() => run([1], { steps: 2 }), RangeError, "timeSteps: steps must be at least 3, found 2");
});
