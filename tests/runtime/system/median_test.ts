import { assertEquals, assertThrows } from "@std/assert";
import { median } from "../../../runtime/system/median.ts";

Deno.test("median: the middle one, the mean of the middle two, and the order does not matter", () => {
  assertEquals(median([3]), 3);
  assertEquals(median([10, 9, 1]), 9); // as numbers, not as texts
  assertEquals(median([4, 1, 3, 100]), 3.5);
  const values = [2, 1];
  median(values);
  assertEquals(values, [2, 1], "the argument stays as it is");
});

Deno.test("median of nothing is an error", () => {
  assertThrows(() => median([]), RangeError, "median: there are no values");
});
