import { assertEquals, assertRejects } from "@std/assert";
import { batchQueue } from "../../../pipeline/inference/batch_queue.ts";
import { FakeClock } from "../fake_clock.ts";

/** A queue that doubles numbers, with the batches that it had. */
function queue(onTheWay: () => number) {
  const clock = new FakeClock();
  const batches: number[][] = [];
  const { push } = batchQueue((items: readonly number[]) => {
    batches.push([...items]);
    if (items.includes(13)) throw new RangeError("13");
    return items.map((item) => 2 * item);
  }, { maxBatch: 3, delayMs: 5, onTheWay, after: clock.after });
  return { clock, batches, push };
}

Deno.test("batchQueue: what comes alone does not wait", async () => {
  const { batches, push, clock } = queue(() => 0);
  assertEquals([await push(1), await push(2)], [2, 4]);
  assertEquals([batches, clock.isWaiting], [[[1], [2]], false]);
});

Deno.test("batchQueue: what others are on the way to waits for them, or for its time", async () => {
  const { batches, push, clock } = queue(() => 1);
  const first = [push(1), push(2)];
  clock.pass(4.9);
  assertEquals(batches, []);
  clock.pass(0.1);
  assertEquals(batches, [[1, 2]]);
  assertEquals(await Promise.all(first), [2, 4]);
  const second = [push(3), push(4), push(5), push(6)];
  assertEquals(batches.slice(1), [[3, 4, 5]], "a full batch does not wait");
  clock.pass(4);
  assertEquals(batches.length, 2, "the next one has its own time");
  clock.pass(1);
  assertEquals(batches.slice(2), [[6]]);
  assertEquals(await Promise.all(second), [6, 8, 10, 12]);
  assertEquals(clock.isWaiting, false);
});

Deno.test("batchQueue: the last one that is on the way takes the others with it", async () => {
  let coming = 2;
  const { batches, push, clock } = queue(() => coming);
  const first = push(1);
  coming = 0;
  assertEquals(await Promise.all([first, push(2)]), [2, 4]);
  assertEquals([batches, clock.isWaiting], [[[1, 2]], false]);
});

Deno.test("batchQueue: an error is that of its batch, and of no other", async () => {
  const { push, clock } = queue(() => 1);
  const failing = [push(13), push(1)];
  clock.pass(5);
  for (const one of failing) await assertRejects(() => one, RangeError, "13");
  const good = push(2);
  clock.pass(5);
  assertEquals(await good, 4);
});
