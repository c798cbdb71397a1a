import { assertAlmostEquals, assertEquals } from "@std/assert";
import type { Variables } from "../../../layers/mod.ts";
import { pullAfter, pullStep } from "../../../pipeline/training/lookahead.ts";
import { tf, tree } from "../../../runtime/mod.ts";
import { canLoadTensorFlow } from "../../needs.ts";
import { held } from "../../runtime/harness.ts";

Deno.test("pullAfter: every so many steps and after the last, keeping more as the run goes on", () => {
  const pulls = Array.from({ length: 10 }, (_, i) => pullAfter({ every: 4, keep: 0.8 }, i + 1, 10));
  assertEquals(pulls.map((keep) => keep !== undefined), [
    ...[false, false, false, true, false, false, false, true, false, true],
  ]);
  assertAlmostEquals(pulls[3]!, 0.8 * 0.064, 1e-12); // (4 / 10)^3
  assertAlmostEquals(pulls[7]!, 0.8 * 0.512, 1e-12); // (8 / 10)^3
  assertAlmostEquals(pulls[9]!, 0.8, 1e-12);
});

Deno.test({
  name: "pullStep moves slow weights and statistics by 1 - keep, and leaves the trained ones alone",
  ignore: !canLoadTensorFlow,
  async fn() {
    await tf.ready();
    const before = held();
    const variables = (weights: number[], mean: number[]): Variables => ({
      params: { w: tf.tensor1d(weights) },
      batchStats: { "bn.running_mean": tf.tensor1d(mean) },
    });
    const [slow, trained, keep] = [variables([1, 2], [4]), variables([2, -2], [0]), tf.scalar(0.75)];
    const pull = pullStep();
    const next = pull(slow, trained, keep);
    const copy = tree.map((tensor) => tf.clone(tensor), next);
    // 0.75 * 1 + 0.25 * 2, 0.75 * 2 - 0.25 * 2, 0.75 * 4: all of them exact in float32.
    assertEquals([...next.params.w.dataSync()], [1.25, 1]);
    assertEquals([...next.batchStats["bn.running_mean"].dataSync()], [3]);
    assertEquals([...trained.params.w.dataSync()], [2, -2]);
    tree.dispose(next);
    assertEquals([...copy.params.w.dataSync()], [1.25, 1]);
    tree.dispose([slow, trained, copy, keep]);
    pull.dispose();
    assertEquals(held(), before);
  },
});
