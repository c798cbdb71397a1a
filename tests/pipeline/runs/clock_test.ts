/** How long a run takes. */
import { assertAlmostEquals, assertEquals } from "@std/assert";
import { startClock } from "../../../pipeline/runs/clock.ts";

/** A clock whose time a test sets, in seconds. */
function settable(before = 0) {
  let now = 0;
  const clock = startClock(before, () => 1000 * now);
  return {
    clock,
    at: (seconds: number) => {
      now = seconds;
      return clock;
    },
  };
}

Deno.test("clock: the seconds of all sessions, and of this one until its first loss", () => {
  const { clock, at } = settable(100);
  assertEquals([clock.seconds(), clock.firstLoss()], [100, 0]);
  at(7).step(32);
  at(9).step(32);
  assertEquals([clock.seconds(), clock.firstLoss()], [109, 7]);
});

Deno.test("clock: images a second of the epoch under way, without what comes after its last step", () => {
  const { clock, at } = settable();
  at(5).step(30);
  at(10).step(10);
  at(60);
  assertEquals(clock.imagesPerSecond(), 4);
  clock.nextEpoch();
  at(62).step(30);
  assertEquals(clock.imagesPerSecond(), 15);
});

Deno.test("clock: an epoch's seconds leave the first step out, and have what comes after the last one in", () => {
  const { clock, at } = settable();
  at(20).step(32); // compiles
  at(22).step(32);
  at(24).step(32);
  assertAlmostEquals(at(25).epochSeconds(96), 96 / 16 + 1);
  assertAlmostEquals(clock.epochSeconds(320), 320 / 16 + 1);
});

Deno.test("clock: of an epoch of one step nothing can be left out", () => {
  const { at } = settable();
  at(4).step(20);
  assertAlmostEquals(at(5).epochSeconds(20), 4 + 1);
});
