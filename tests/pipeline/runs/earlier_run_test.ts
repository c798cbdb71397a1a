/**
 * A run folder that an earlier version wrote, before the rooms had folders, goes on and is measured as it was there:
 * `tests/data/earlier_run` is a narrow ResNet after the first of two epochs (commit 3edbc71, float32, on an Intel Xeon with
 * AVX-512), `earlier_run_end.safetensors` what that version made of it.
 */
import { assertAlmostEquals, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { decodeSafetensors } from "../../../layers/mod.ts";
import { readMetrics, RUN_FILES } from "../../../pipeline/runs/folder.ts";
import { runSession } from "../../../pipeline/runs/session.ts";
import type { TestResults } from "../../../pipeline/training/test_results.ts";
import { tf } from "../../../runtime/mod.ts";
import { silent } from "../../../runtime/system/progress.ts";
import { madeData } from "../../made_data.ts";
import { leakTest } from "../../runtime/harness.ts";

const data = new URL("../../data/", import.meta.url);

leakTest("a run of an earlier version goes on to its weights, its loss and its test result", async () => {
  const dir = await Deno.makeTempDir();
  try {
    for (const file of Object.values(RUN_FILES)) {
      await Deno.copyFile(new URL(`earlier_run/${file}`, data), join(dir, file));
    }
    let results: TestResults | undefined;
    const end = await runSession({ resume: dir }, {
      progress: silent,
      load: () => Promise.resolve(madeData({ images: 240, testImages: 60, classes: 10, size: 32 })),
      startRuntime: () => tf.ready(),
      onTest: (given) => results = given,
    });
    assertEquals([end.step, end.totalSteps], [8, 8]);

    // Other processors sum in another order: in four steps that made differences of the last digits.
    const metrics = await readMetrics(dir);
    assertEquals(metrics.map(({ epoch, step }) => [epoch, step]), [[1, 4], [2, 8]]);
    assertAlmostEquals(metrics[1].loss, 2.562999539905124, 1e-4);
    assertAlmostEquals(metrics[1].lastLoss, 2.263899326324463, 1e-4);
    assertAlmostEquals(results!.test.loss, 2.7520604133605957, 1e-4);
    assertAlmostEquals(results!.tta!.loss, 2.7978525161743164, 1e-4);
    const [actual, expected] = await Promise.all(
      [join(dir, RUN_FILES.weights), new URL("earlier_run_end.safetensors", data)].map(async (path) =>
        decodeSafetensors(await Deno.readFile(path)).tensors
      ),
    );
    assertEquals(Object.keys(actual), Object.keys(expected));
    for (const [name, { shape, data }] of Object.entries(expected)) {
      assertEquals(actual[name].shape, shape, name);
      const [found, wanted] = [actual[name].data, data].map((values) =>
        Array.from<unknown, number>(values, Number)
      );
      const worst = Math.max(...wanted.map((value, i) => Math.abs(value - found[i])));
      assertEquals(worst < 1e-4, true, `${name} differs by ${worst}`);
    }
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
