/** Which weights are kept, also where they cannot be written at first. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { decodeSafetensors } from "../../../layers/formats/safetensors.ts";
import { init } from "../../../layers/mod.ts";
import { type EpochMetrics, RUN_FILES } from "../../../pipeline/runs/folder.ts";
import { runSaver } from "../../../pipeline/runs/saving.ts";
import { disposeState, startState } from "../../../pipeline/training/state.ts";
import { inFolder } from "../../in_folder.ts";
import { leakTest } from "../../runtime/harness.ts";
import { smallModel, smallRunData, smallTraining } from "../small_run.ts";

const epoch = (number: number, validationAccuracy: number): EpochMetrics => ({
  ...{ epoch: number, step: 3 * number, seconds: number, imagesPerSecond: 1, loss: 1, lastLoss: 1 },
  ...{ validationAccuracy, learningRate: 0.1 },
});

/** The steps of the weights in a folder. */
async function stepOf(dir: string): Promise<number> {
  const { tensors } = decodeSafetensors(await Deno.readFile(join(dir, RUN_FILES.weights)));
  const counter = Object.keys(tensors).find((name) => name.endsWith("num_batches_tracked"))!;
  return Number(tensors[counter].data[0]);
}

leakTest(
  "saver: the best epoch's weights are kept, those of the last unless that is asked for",
  () =>
    inFolder(async (dir) => {
      const state = startState(smallModel, init(smallModel, 1), smallTraining);
      for (const [keepsBest, expected] of [[true, [3, 6, 6, 6]], [false, [3, 6, 9, 12]]] as const) {
        const saver = runSaver(dir, {
          ...{ model: smallModel, images: smallRunData().train, stepsPerEpoch: 3, seconds: () => 1 },
          ...{ keepsBest, metrics: [] },
        });
        const found: number[] = [];
        for (const [i, accuracy] of [0.4, 0.7, 0.7, 0.5].entries()) {
          await saver.saveEpoch({ ...state, step: 3 * (i + 1) }, epoch(i + 1, accuracy));
          found.push(await stepOf(dir));
        }
        assertEquals(found, [...expected]);
        assertEquals(saver.best()?.epoch, keepsBest ? 2 : undefined);
      }
      disposeState(state);
    }),
);

leakTest(
  "saver: weights that could not be written are those of no best epoch, until they are",
  () =>
    inFolder(async (dir) => {
      const state = startState(smallModel, init(smallModel, 1), smallTraining);
      const saver = runSaver(dir, {
        ...{ model: smallModel, images: smallRunData().train, stepsPerEpoch: 3, seconds: () => 1 },
        ...{ keepsBest: true, metrics: [] },
      });
      await saver.saveEpoch({ ...state, step: 3 }, epoch(1, 0.4));
      const weights = join(dir, RUN_FILES.weights);
      await Deno.rename(weights, `${weights}.1`);
      await Deno.mkdir(join(weights, "in the way"), { recursive: true });
      await saver.saveEpoch({ ...state, step: 6 }, epoch(2, 0.9));
      assertStringIncludes(saver.unsaved()!, `Cannot save epoch 2 in ${dir}: `);
      assertEquals(saver.best()?.epoch, 1);
      await Deno.remove(weights, { recursive: true });
      await Deno.rename(`${weights}.1`, weights);
      await saver.save({ ...state, step: 6 });
      assertEquals([saver.unsaved(), saver.best()?.epoch, await stepOf(dir)], [undefined, 2, 6]);
      disposeState(state);
    }),
);
