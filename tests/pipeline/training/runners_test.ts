/** Many steps a call on the device against one a call from the host: the same steps, the same reports, exact resume. */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { augment } from "../../../pipeline/transforms/transforms.ts";
import type { Training } from "../../../pipeline/training/recipe.ts";
import { disposeState, type TrainState } from "../../../pipeline/training/state.ts";
import { type EpochReport, type StepReport, train } from "../../../pipeline/training/train.ts";
import { madeData } from "../../made_data.ts";
import { leakTest } from "../../runtime/harness.ts";
import { bits, smallModel, smallRunData, smallTraining } from "../small_run.ts";

/** Trains and writes down what is reported; the state is the caller's. */
async function record(
  options: { onDevice: boolean; state?: TrainState; stopAfter?: number },
  settings: Training = smallTraining,
  data = smallRunData(),
) {
  const { stopAfter, ...rest } = options;
  const steps: StepReport[] = [];
  const epochs: EpochReport[] = [];
  const stop = new AbortController();
  const state = await train(smallModel, data, settings, {
    ...rest,
    seed: 7,
    signal: stop.signal,
    onStep(report) {
      steps.push(report);
      if (report.step === stopAfter) stop.abort();
    },
    onEpoch: (report) => void epochs.push(report),
  });
  return { state, steps, epochs };
}

/** What is reported of a step, but for its loss. */
const counted = (steps: readonly StepReport[]) => steps.map(({ loss: _, ...rest }) => rest);

leakTest(
  "runners: on the device the same batches, flips, draws, rates and pulls as from the host",
  async () => {
    const [host, device] = [await record({ onDevice: false }), await record({ onDevice: true })];
    assertEquals(counted(device.steps), counted(host.steps));
    // A wrong image, flip, shift, rate or pull shows in the second digit of a loss; rounding in the sixth and later.
    for (const [i, { loss }] of host.steps.entries()) {
      assertAlmostEquals(
        device.steps[i].loss,
        loss,
        1e-4 * loss,
      );
    }
    for (const [i, { loss, lastLoss, learningRate }] of host.epochs.entries()) {
      assertAlmostEquals(device.epochs[i].loss, loss, 1e-4 * loss);
      assertAlmostEquals(device.epochs[i].lastLoss, lastLoss, 1e-4 * lastLoss);
      assertEquals(device.epochs[i].learningRate, learningRate);
    }
    for (const { state } of [host, device]) disposeState(state);
  },
);

leakTest("runners: flips drawn in the step, and images that are mirrored nowhere", async () => {
  for (const flip of [true, false]) {
    const data = augment({ flip, crop: 1 })(madeData({ images: 24, size: 8 }));
    const settings = { ...smallTraining, epochs: 1, batchSize: 8, lookahead: undefined };
    const [host, device] = [
      await record({ onDevice: false }, settings, data),
      await record({ onDevice: true }, settings, data),
    ];
    for (const [i, { loss }] of host.steps.entries()) {
      assertAlmostEquals(device.steps[i].loss, loss, 1e-4 * loss);
    }
    for (const { state } of [host, device]) disposeState(state);
  }
});

leakTest(
  "runners: stopped on the device between its calls, gone on with: a run never stopped, bit for bit",
  async () => {
    for (const lookahead of [smallTraining.lookahead, undefined]) {
      // 70 images: 17 batches of 4 and one of 2, so that without lookahead 16 steps go at once and the others alone.
      const settings: Training = { ...smallTraining, batchSize: 4, epochs: 2, lookahead };
      const data = augment({ flip: "alternate", crop: 2 })(madeData({ images: 70, size: 8 }));
      const whole = await record({ onDevice: true }, settings, data);
      const expected = bits(whole.state);
      disposeState(whole.state);
      assertEquals(whole.steps.length, 36);
      for (const stopAfter of [1, 2, 16, 17, 18, 20]) {
        const first = await record({ onDevice: true, stopAfter }, settings, data);
        const atOnce = lookahead?.every ?? 16;
        // Losses are read after four calls.
        const { step } = first.state;
        assert(
          step >= stopAfter && step < stopAfter + 4 * atOnce && first.steps.length === step,
          `${step}`,
        );
        const rest = await record({ onDevice: true, state: first.state }, settings, data);
        assertEquals(bits(rest.state), expected, `stopped at step ${first.steps.length}`);
        assertEquals([...first.steps, ...rest.steps], whole.steps);
        disposeState(rest.state);
      }
    }
  },
);
