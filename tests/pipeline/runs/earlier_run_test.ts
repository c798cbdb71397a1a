/**
 * Run folders that earlier versions wrote go on and are measured as they were there. Each is a narrow network after the
 * first of two epochs, in float32, made on an Intel Xeon with AVX-512; beside it is what that version made of it.
 *
 * - `tests/data/earlier_run`: a ResNet with lookahead, before the rooms had folders (commit 3edbc71).
 * - `tests/data/earlier_fast`: the network of `fast`, whose first layer whitens and stays as it is, so that it has no
 *   velocity, with lookahead and Muon; before recipes had parts (commit ba29671).
 */
import { assertAlmostEquals, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { decodeSafetensors } from "../../../layers/mod.ts";
import { readMetrics, RUN_FILES } from "../../../pipeline/runs/folder.ts";
import { runSession } from "../../../pipeline/runs/session.ts";
import type { TestResults } from "../../../pipeline/training/test_results.ts";
import { madeData } from "../../made_data.ts";
import { leakTest } from "../../runtime/harness.ts";

const data = new URL("../../data/", import.meta.url);

/** What the earlier version made of the run in a folder of `tests/data`. */
interface Earlier {
  readonly name: string;
  readonly loss: number;
  readonly lastLoss: number;
  readonly testLoss: number;
  readonly ttaLoss?: number;
}

const RUNS: readonly Earlier[] = [
  {
    name: "earlier_run",
    loss: 2.562999539905124,
    lastLoss: 2.263899326324463,
    testLoss: 2.7520604133605957,
    ttaLoss: 2.7978525161743164,
  },
  {
    name: "earlier_fast",
    loss: 2.307939807573954,
    lastLoss: 2.32153582572937,
    testLoss: 2.30796480178833,
  },
];

for (const { name, loss, lastLoss, testLoss, ttaLoss } of RUNS) {
  leakTest(`${name} goes on to its weights, its loss and its test result`, async () => {
    const dir = await Deno.makeTempDir();
    try {
      for (const file of Object.values(RUN_FILES)) {
        await Deno.copyFile(new URL(`${name}/${file}`, data), join(dir, file));
      }
      let results: TestResults | undefined;
      const end = await runSession(madeData({ images: 240, testImages: 60, classes: 10, size: 32 }), {}, {
        dir,
        resume: true,
        onEvent(event) {
          if (event.kind === "tested") results = event.results;
        },
      });
      assertEquals([end.step, end.totalSteps], [8, 8]);

      // Other processors sum in another order: in four steps that made differences of the last digits.
      const metrics = await readMetrics(dir);
      assertEquals(metrics.map(({ epoch, step }) => [epoch, step]), [[1, 4], [2, 8]]);
      assertAlmostEquals(metrics[1].loss, loss, 1e-4);
      assertAlmostEquals(metrics[1].lastLoss, lastLoss, 1e-4);
      assertAlmostEquals(results!.test.loss, testLoss, 1e-4);
      assertEquals(results!.tta === undefined, ttaLoss === undefined);
      if (ttaLoss !== undefined) assertAlmostEquals(results!.tta!.loss, ttaLoss, 1e-4);
      const [begun, actual, expected] = await Promise.all(
        [
          new URL(`${name}/${RUN_FILES.weights}`, data),
          join(dir, RUN_FILES.weights),
          new URL(`${name}_end.safetensors`, data),
        ].map(async (path) => decodeSafetensors(await Deno.readFile(path)).tensors),
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
      if (name === "earlier_fast") assertEquals(actual["stem.0.weight"].data, begun["stem.0.weight"].data);
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  });
}
