/** A session told to stop by a signal, and the one that goes on: what each says, in order. As a process: `train_test.ts`. */
import { assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { readRunInfo, RUN_FILES } from "../../../pipeline/runs/folder.ts";
import { runSession, type SessionOptions, type SessionSettings } from "../../../pipeline/runs/session.ts";
import type { TestResults } from "../../../pipeline/training/test_results.ts";
import { tf } from "../../../runtime/mod.ts";
import { UsageError } from "../../../runtime/system/errors.ts";
import { silent } from "../../../runtime/system/progress.ts";
import { madeData } from "../../made_data.ts";
import { leakTest } from "../../runtime/harness.ts";

/** Runs a session and writes down what it says. `stopAfter`: the epoch after which it is told to stop. */
async function told(settings: SessionSettings, stopAfter?: number) {
  const stop = new AbortController();
  const said: unknown[] = [];
  let results: TestResults | undefined;
  const options: SessionOptions = {
    progress: silent,
    signal: stop.signal,
    load: () => Promise.resolve(madeData({ images: 60, testImages: 20, classes: 10, size: 32 })),
    startRuntime: () => tf.ready(),
    onStart: ({ images, stepsPerEpoch, resumedAt }) => said.push(["start", images, stepsPerEpoch, resumedAt]),
    onEpoch({ epoch, step }) {
      said.push(["epoch", epoch, step]);
      if (epoch === stopAfter) stop.abort();
    },
    onTrained: ({ weights }) => said.push(["trained", weights]),
    onTest: (found) => said.push(["test", (results = found).test.images]),
  };
  const end = await runSession(settings, options);
  return { said, end, results };
}

leakTest("session: stopped by its signal, gone on with, tested; leaves no tensor behind", async () => {
  const root = await Deno.makeTempDir();
  try {
    const run = join(root, "run");
    const names = () => [...Deno.readDirSync(run)].map(({ name }) => name).sort();
    const asked = { recipe: "fast", epochs: 2, batch: 27, precision: "float32" } as const; // 54 and 6 images
    const first = await told({ ...asked, run }, 1);
    assertEquals(first.said, [["start", 54, 2, undefined], ["epoch", 1, 2]]);
    assertEquals(first.end, { dir: run, step: 2, totalSteps: 4 });
    assertEquals(names(), Object.values(RUN_FILES).sort());
    assertEquals((await readRunInfo(run)).test, undefined);

    const weights = join(run, RUN_FILES.weights);
    const second = await told({ resume: run });
    assertEquals(second.said, [["start", 54, 2, 2], ["epoch", 2, 4], ["trained", weights], ["test", 20]]);
    assertEquals(second.end, { dir: run, step: 4, totalSteps: 4 });
    assertEquals((await readRunInfo(run)).test, second.results?.test);

    const third = await told({ ...asked, run, force: true, epochs: 1, test: false });
    assertEquals(third.said, [["start", 54, 2, undefined], ["epoch", 1, 2], ["trained", weights]]);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

leakTest("session: a run that is gone on with stays in its folder", async () => {
  const root = await Deno.makeTempDir();
  try {
    const run = join(root, "run");
    await told({ recipe: "fast", epochs: 1, batch: 54, precision: "float32", run, test: false });
    for (const more of [{ run }, { force: true }]) {
      await assertRejects(
        () => told({ resume: run, ...more }),
        UsageError,
        `Cannot resume ${run} with --run or --force: a resumed run stays in its folder`,
      );
    }
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});
