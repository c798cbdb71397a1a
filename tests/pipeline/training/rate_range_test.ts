/** The learning-rate range test: its rates and losses, when it ends, what it proposes. */
import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { init, resnet } from "../../../layers/mod.ts";
import { batches, shuffledOrder } from "../../../pipeline/data/batches.ts";
import type { Data } from "../../../pipeline/data/dataset.ts";
import { limit } from "../../../pipeline/data/split.ts";
import { pipe } from "../../../pipeline/pipe.ts";
import {
  proposedRate,
  type RatePoint,
  rateRange,
  type RateRangeOptions,
} from "../../../pipeline/training/rate_range.ts";
import type { Training } from "../../../pipeline/training/recipe.ts";
import { disposeState, startState } from "../../../pipeline/training/state.ts";
import { trainStep } from "../../../pipeline/training/step.ts";
import { batchTensors, unpackImages } from "../../../pipeline/transforms/batch_tensors.ts";
import { CIFAR10_STATS, normalize } from "../../../pipeline/transforms/transforms.ts";
import { tf, tree } from "../../../runtime/mod.ts";
import { UsageError } from "../../../runtime/system/errors.ts";
import { madeData } from "../../made_data.ts";
import { leakTest } from "../../runtime/harness.ts";
import { smallTraining } from "../small_run.ts";

const model = resnet([1, 1], { stem: "cifar", inputSize: 8, widths: [4, 8], numClasses: 4 });

/** 41 images: two batches of 16, and some that are in none. */
const data: Data = pipe(madeData({ images: 41, size: 8 }), normalize(CIFAR10_STATS));

const run = (settings: Partial<Training>, options: RateRangeOptions, of = data): Promise<RatePoint[]> =>
  rateRange(model, of, { ...smallTraining, ...settings }, options);

leakTest(
  "rateRange: the losses are those of training steps at rates that grow by one factor, smoothed from the first on",
  async () => {
    const found = await run({}, { seed: 3, from: 0.01, to: 0.1, steps: 5 });

    const losses: number[] = [];
    // Of the places of the first order 32 are taken; each epoch has two steps of them.
    const members = shuffledOrder(41, 3, 0).subarray(0, 32);
    const dataset = { ...data.train, indices: members };
    const step = trainStep(model, smallTraining, data.train.transforms, "float32");
    let state = startState(model, init(model, 3), smallTraining);
    for (let i = 0; i < 5; i++) {
      const order = shuffledOrder(32, 3, Math.floor(i / 2)).subarray(16 * (i % 2), 16 * (i % 2) + 16);
      state = tree.tidy(() => {
        const [batch] = batches(dataset, 16, { order });
        const { pixels, labels } = batchTensors(batch);
        const { variables, optState } = state;
        const { loss, ...next } = step({ variables, optState }, {
          ...{ images: unpackImages(pixels, [8, 8, 3]), labels },
          ...{ learningRate: tf.scalar(0.01 * 10 ** (i / 4)), seed: tf.tensor1d([3, i], "int32") },
        });
        losses.push(loss.dataSync()[0]);
        disposeState({ ...state, slow: undefined });
        return { ...state, ...next };
      });
    }
    disposeState(state);
    step.dispose();

    assertEquals(found.length, 5);
    for (const [i, { rate, loss, smoothed }] of found.entries()) {
      assertAlmostEquals(rate, 0.01 * 10 ** (i / 4), 1e-9);
      assertAlmostEquals(loss, losses[i], 1e-5, `step ${i}`);
      // The mean with the weights 0.9^i, 0.9^(i-1), ..., 1.
      const weights = losses.slice(0, i + 1).map((_, j) => 0.9 ** (i - j));
      const sum = weights.reduce((sum, weight, j) => sum + weight * losses[j], 0);
      assertAlmostEquals(
        smoothed,
        sum / weights.reduce((sum, weight) => sum + weight),
        1e-5,
        `smoothed ${i}`,
      );
    }
  },
);

leakTest(
  "rateRange: from a thousandth of the settings' rate to a hundred times it; lookahead has no part in it",
  async () => {
    const found = await run({ lookahead: undefined }, { steps: 6 });
    assertEquals(found.length, 6);
    const { rate } = smallTraining.schedule;
    assertAlmostEquals(found[0].rate, rate / 1000, 1e-12);
    assertAlmostEquals(found[5].rate, 100 * rate, 1e-9);
    assertEquals(await run({}, { steps: 6 }), found);
  },
);

leakTest(
  "rateRange: it ends where the loss diverges, in numbers or beyond them, or when it is told to",
  async () => {
    const diverged = await run({}, { from: 1e-3, to: 1e6, steps: 40 });
    const last = diverged.at(-1)!;
    assert(diverged.length < 40, `it took ${diverged.length} steps`);
    const least = Math.min(...diverged.map(({ smoothed }) => smoothed));
    assert(last.smoothed > 4 * least || diverged.length < 40);

    const { optimizer } = smallTraining;
    const beyond = await run({ optimizer }, { from: 1, to: 1e30, steps: 12 });
    assert(beyond.length < 12 && beyond.every(({ loss }) => Number.isFinite(loss)));

    const stop = new AbortController();
    const told: RatePoint[] = [];
    const stopped = await run({}, {
      ...{ steps: 20, signal: stop.signal },
      onStep: (point) => told.push(point) === 3 && stop.abort(),
    });
    assertEquals([stopped.length, told], [3, stopped]);
  },
);

leakTest(
  "rateRange: fewer images than a batch; weights of classes by all images; weights to start from",
  async () => {
    assertEquals((await run({}, { steps: 3 }, limit(9)(data))).length, 3);
    // Two of 41 images are in the sample: of four classes two have none in it.
    const rare = await run({ classWeights: "balanced", batchSize: 2 }, { steps: 2, from: 1e-3, to: 1e-2 });
    assertEquals(rare.length, 2);
    const variables = init(model, 9);
    const given = await run({}, { seed: 3, steps: 2, variables });
    assertEquals(Object.values(variables.params).every(({ isDisposed }) => isDisposed), true);
    assert(given[0].loss !== (await run({}, { seed: 3, steps: 2 }))[0].loss);
  },
);

leakTest("rateRange: rates that do not rise from above 0 are refused", async () => {
  for (const [from, to, steps] of [[0, 1, 9], [1, 1, 9], [2, 1, 9], [0.1, Infinity, 9], [0.1, 1, 1]]) {
    await assertRejects(
      () => run({}, { from, to, steps }),
      UsageError,
      `Cannot look for a rate from ${from} to ${to} in ${steps} steps: give rising rates above 0`,
    );
  }
  const still = { ...smallTraining.schedule, rate: 0 };
  await assertRejects(
    () => run({ schedule: still }, {}),
    UsageError,
    "Cannot look for a rate from 0 to 0 in ",
  );
  await assertRejects(
    () => run({ scheduleBatch: 8 }, {}),
    UsageError,
    "Cannot look for a rate that is scaled from another batch: leave out --scale-lr (scheduleBatch)",
  );
});

/** A test with these smoothed losses, at the rates 1, 2, 3, ... */
const points = (...losses: number[]): RatePoint[] =>
  losses.map((smoothed, i) => ({ rate: i + 1, loss: 0, smoothed }));

Deno.test("proposedRate: where the loss is least in its first valley", () => {
  assertEquals(proposedRate(points(2.3, 2.2, 1.8, 1.5, 1.7, 2.5, 9)), 4);
  assertEquals(proposedRate(points(2.3, 2.2, 1.8, 1.5)), 4, "it diverged at once, beyond numbers");
  // A network that went astray at 5 learns to say nothing, which costs less than the valley before.
  assertEquals(proposedRate(points(4, 3, 2.4, 2.5, 3.5, 3, 2.3, 2.35)), 3);
  // Noise: at first, on the way down, and at the bottom, each less than a fifth of the fall of 1.
  assertEquals(proposedRate(points(2.4, 2.35, 2.5, 2, 2.15, 1.6, 1.55, 1.65, 1.5, 1.6, 1.8, 2.2)), 9);
  assertEquals(
    proposedRate([0.0123456, 0.0987654].map((rate, i) => ({ rate, loss: 0, smoothed: 3 - i }))),
    0.099,
  );
});

Deno.test("proposedRate: none where the loss hardly falls", () => {
  assertEquals(proposedRate(points(2.3, 2.31, 2.3, 2.29, 2.4, 9)), undefined);
  assertEquals(proposedRate(points(0.1, 0.2, 0.5)), undefined);
  assertEquals(proposedRate(points(0.1)), undefined);
  assertEquals(proposedRate([]), undefined);
});
