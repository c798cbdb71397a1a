/** What several processes compute together, eagerly and compiled: sums by hand. */
import { assertEquals, assertThrows } from "@std/assert";
import { allArrived, allGather, allReduce, tf, workers } from "../../../runtime/mod.ts";
import { workersJson } from "../../cluster.ts";
import { canLoadTensorFlow } from "../../needs.ts";
import { tidyTest } from "../harness.ts";

const CODE = `
  import { allGather, allReduce, jit, liveHandles, tf, workers } from "./runtime/mod.ts";
  const { index } = workers();
  const both = (x: tf.Tensor) => ({ sum: allReduce(x), whole: allReduce(tf.cast(x, "int32")), rows: allGather(x) });
  const read = (found: ReturnType<typeof both>) => Object.values(found).map((tensor) => tensor.arraySync());
  const compiled = jit(both);
  const before = liveHandles();
  const found = tf.tidy(() => {
    const x = tf.tensor1d([index + 1, 10 ** index]);
    return { eager: read(both(x)), jit: read(compiled(x)), again: read(compiled(tf.mul(x, 2))) };
  });
  console.log(JSON.stringify({ ...found, left: liveHandles() - before }));
`;

for (const count of [2, 3]) {
  Deno.test({
    name: `collective: ${count} workers add and gather, one call after the other`,
    ignore: !canLoadTensorFlow,
    async fn(): Promise<void> {
      const rows = [[1, 1], [2, 10], [3, 100]].slice(0, count);
      const sum = count === 2 ? [3, 11] : [6, 111];
      const once = [sum, sum, rows];
      const again = [sum.map((x) => 2 * x), sum.map((x) => 2 * x), rows.map((row) => row.map((x) => 2 * x))];
      const expected = { eager: once, jit: once, again, left: 0 };
      assertEquals(await workersJson(count, CODE), rows.map(() => expected));
    },
  });
}

Deno.test({
  name: "allArrived: who ends after it leaves nobody without a sum, and nobody waits for who is gone",
  ignore: !canLoadTensorFlow,
  async fn(): Promise<void> {
    // 80 MB: without `allArrived` a peer that is slower now and then loses the last of them.
    const found = await workersJson(
      2,
      `
      import { allArrived, allReduce, tf, workers } from "./runtime/mod.ts";
      const sum = allReduce(tf.ones([20_000_000]));
      allArrived();
      if (workers().index === 0) allArrived(); // worker 1 has ended by now, or ends without it
      console.log(JSON.stringify([tf.min(sum).arraySync(), tf.max(sum).arraySync()]));
      Deno.exit(0);
      `,
    );
    assertEquals(found, [[2, 2], [2, 2]]);
  },
});

tidyTest("collective: one worker's sum is its own", () => {
  assertEquals(workers(), { count: 1, index: 0 });
  const x = tf.tensor1d([1, 2]);
  assertEquals(allReduce(x).arraySync(), [1, 2]);
  assertEquals(allGather(x).arraySync(), [[1, 2]]);
  allArrived();
  assertThrows(
    () => allReduce(tf.tensor1d([true], "bool")),
    TypeError,
    "allReduce: x is float32 or int32, found bool",
  );
});
