/** Learning rates, step by step. */
import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { recipes } from "../../../pipeline/training/recipes.ts";
import {
  learningRate,
  type Schedule,
  type ScheduleScale,
  scheduleScale,
  unreachedRates,
} from "../../../pipeline/training/schedule.ts";

const steps: Schedule = { kind: "steps", rate: 0.1, boundaries: [32_000, 48_000], factor: 0.1 };
const warm: Schedule = { ...steps, warmUp: { factor: 0.1, steps: 400 } };
const linear: Schedule = { kind: "linear", rate: 0.4, knots: [[0, 0.25], [0.2, 1], [0.6, 0.5], [1, 0.1]] };

/** Asserts the rates of some steps, to a relative 1e-12. */
function assertRates(
  schedule: Schedule,
  total: number,
  rates: Record<number, number>,
  scale?: ScheduleScale,
): void {
  for (const [step, rate] of Object.entries(rates)) {
    const found = learningRate(schedule, Number(step), total, scale);
    assertAlmostEquals(found, rate, 1e-12 * rate, `step ${step}`);
  }
}

Deno.test("learningRate: steps change at their boundaries, not before", () => {
  assertRates(steps, 64_000, {
    0: 0.1,
    31_999: 0.1,
    32_000: 0.01,
    47_999: 0.01,
    48_000: 0.001,
    63_999: 0.001,
  });
});

Deno.test("learningRate: warm-up has its own factor for so many steps", () => {
  assertRates(warm, 64_000, { 0: 0.01, 399: 0.01, 400: 0.1, 32_000: 0.01 });
});

Deno.test("learningRate: without boundaries the rate is one, whatever the length", () => {
  assertRates({ kind: "steps", rate: 0.01, boundaries: [], factor: 1 }, 3, { 0: 0.01, 1: 0.01, 2: 0.01 });
});

Deno.test("learningRate: straight lines between knots, exact at them, and the last knot is never reached", () => {
  assertRates(linear, 100, {
    0: 0.1,
    10: 0.4 * 0.625, // half-way from 0.25 to 1
    20: 0.4,
    40: 0.4 * 0.75, // half-way from 1 to 0.5
    60: 0.2,
    80: 0.4 * 0.3, // half-way from 0.5 to 0.1
    99: 0.4 * (0.1 + 0.4 * 0.01 / 0.4),
  });
  assertRates(linear, 1, { 0: 0.1 });
});

Deno.test("learningRate: a schedule in shares of the run has its shape for every length", () => {
  const { schedule } = recipes.fast.training;
  for (const total of [2, 17, 1408]) {
    const rates = Array.from({ length: total }, (_, step) => learningRate(schedule, step, total));
    const top = rates.indexOf(Math.max(...rates));
    const rising = rates.slice(1, top + 1).every((rate, i) => rate > rates[i]);
    const falling = rates.slice(top + 1).every((rate, i) => rate < rates[top + i]);
    assertEquals([rising, falling], [true, true], `of ${total} steps, the top at ${top}`);
  }
});

Deno.test("learningRate: 8 times the batch, by hand: 8 times the rate after 5 epochs, an eighth of the steps", () => {
  // 45,000 images in batches of 1024 are 44 steps an epoch.
  const scale = scheduleScale({ batchSize: 1024, scheduleBatch: 128 }, 44);
  assertEquals(scale, { times: 8, warmUp: 220 });
  const rates = { 0: 0.1, 55: 0.275, 110: 0.45, 220: 0.8, 3999: 0.8, 4000: 0.08, 5999: 0.08, 6000: 0.008 };
  assertRates(steps, 8008, rates, scale);
  assertRates(steps, 8008, { 219: 0.1 + 0.7 * 219 / 220 }, scale);
  // The schedule's own warm-up: 400 steps are 50 of these, in which the other goes on.
  assertRates(warm, 8008, { 0: 0.01, 49: 0.01 * (1 + 7 * 49 / 220), 50: 0.1 * (1 + 7 * 50 / 220) }, scale);
  assertEquals(
    unreachedRates(steps, 5000, scale).map(({ step, rate }) => [step, Number(rate.toPrecision(12))]),
    [[6000, 0.008]],
  );
});

Deno.test("learningRate: a schedule in shares of the run keeps them, whatever the batch", () => {
  const scale = scheduleScale({ batchSize: 64, scheduleBatch: 32 }, 10);
  assertRates(linear, 100, { 0: 0.1, 20: 0.4 * 1.4, 40: 0.3 * 1.8, 60: 0.4, 80: 0.24 }, scale);
});

Deno.test("learningRate: a smaller batch has the smaller rate from its first step", () => {
  const scale = scheduleScale({ batchSize: 64, scheduleBatch: 128 }, 704);
  assertRates(steps, 128_000, { 0: 0.05, 63_999: 0.05, 64_000: 0.005, 96_000: 0.0005 }, scale);
});

Deno.test("learningRate: without another batch a schedule is as it is, to the last bit", () => {
  for (
    const scale of [
      scheduleScale({ batchSize: 128 }, 352),
      scheduleScale({ batchSize: 128, scheduleBatch: 128 }, 352),
    ]
  ) {
    for (const step of [0, 7, 399, 400, 32_000]) {
      assertEquals(learningRate(warm, step, 64_000, scale), learningRate(warm, step, 64_000));
    }
  }
});

Deno.test("unreachedRates: those that begin after the last step, by hand", () => {
  assertEquals(unreachedRates(steps, 64_000), []);
  assertEquals(unreachedRates(steps, 48_001), []);
  const last = [{ step: 48_000, rate: 0.1 * 0.1 ** 2 }];
  assertEquals(unreachedRates(steps, 48_000), last);
  assertEquals(unreachedRates(steps, 32_001), last);
  assertEquals(unreachedRates(steps, 32_000).map(({ step }) => step), [32_000, 48_000]);
  assertEquals(
    unreachedRates({ ...steps, boundaries: [5, 5, 3] }, 1).map(({ step }) => step),
    [3, 5],
    "in order",
  );
  assertEquals(unreachedRates({ ...steps, boundaries: [] }, 1), []);
  assertEquals(
    unreachedRates(warm, 400).map(({ step }) => step),
    [400, 32_000, 48_000],
    "all of it is warm-up",
  );
  assertEquals(unreachedRates({ ...warm, boundaries: [100] }, 50), [{ step: 400, rate: 0.1 * 0.1 }]);
  assertEquals(unreachedRates(linear, 1), []);
});

Deno.test("learningRate: refuses a step outside the run", () => {
  for (const step of [-1, 100, 101, NaN]) {
    assertThrows(
      () => learningRate(linear, step, 100),
      RangeError,
      `learningRate: step ${step} is not in [0, 100)`,
    );
  }
});

Deno.test("learningRate: another rate, the same shape, the warm-up with it", () => {
  assertRates({ ...linear, rate: 0.8 }, 100, { 0: 0.2, 20: 0.8, 60: 0.4 });
  assertRates({ ...steps, rate: 0.2 }, 64_000, { 0: 0.2, 32_000: 0.02, 48_000: 0.002 });
  assertRates({ ...warm, rate: 0.2 }, 64_000, { 0: 0.02, 400: 0.2, 48_000: 0.002 });
  assertRates({ ...warm, rate: 0 }, 64_000, { 0: 0, 400: 0, 48_000: 0 });
});

Deno.test("learningRate: ResNet-110 begins at 0.01 for 400 steps, as in the paper, and at half of it at half the rate", () => {
  const { schedule } = recipes.resnet110.training;
  // He et al. 2015, section 4.2: a tenth of the rate until the error falls below 80 %, which took about 400 steps.
  assertRates(schedule, 64_000, { 0: 0.01, 399: 0.01, 400: 0.1, 31_999: 0.1, 32_000: 0.01, 48_000: 0.001 });
  assertRates({ ...schedule, rate: 0.05 }, 64_000, { 0: 0.005, 399: 0.005, 400: 0.05 });
  assertEquals(recipes.resnet110.training.schedule.rate, 0.1);
});
