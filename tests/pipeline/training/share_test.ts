/** Who has what of a batch. */
import { assertEquals } from "@std/assert";
import { shareOf } from "../../../pipeline/training/share.ts";

/** From where, how many, and what for, of each worker. */
const shares = (images: number, count: number) =>
  Array.from({ length: count }, (_, index) => {
    const { rows, size, weight } = shareOf(images, { count, index });
    assertEquals(rows.of, images);
    return [rows.from, size, weight];
  });

Deno.test("share: a batch is cut into parts that follow one another", () => {
  assertEquals(shares(8, 2), [[0, 4, 1 / 2], [4, 4, 1 / 2]]);
  assertEquals(shares(8, 1), [[0, 8, 1]]);
  assertEquals(shares(7, 3), [[0, 3, 3 / 7], [3, 2, 2 / 7], [5, 2, 2 / 7]]);
});

Deno.test("share: who has no image computes the first, for nothing", () => {
  assertEquals(shares(2, 4), [[0, 1, 1 / 2], [1, 1, 1 / 2], [0, 1, 0], [0, 1, 0]]);
});

Deno.test("share: batch norms are joined where that is asked for, by all parts' weights", () => {
  assertEquals(shareOf(7, { count: 3, index: 1 }).joint, undefined);
  const { joint } = shareOf(7, { count: 3, index: 1 }, { syncBatchNorm: true });
  assertEquals([joint?.weights, joint?.part], [[3 / 7, 2 / 7, 2 / 7], 1]);
});
