/** Pictures read on threads: their order, how many at a time, and what becomes of a thread that ends. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { picturePool, readAll } from "../../../pipeline/data/picture_pool.ts";
import { UserError } from "../../../runtime/system/errors.ts";
import { inFolder } from "../../in_folder.ts";
import { leakTest } from "../../runtime/harness.ts";
import { madePicture, png, writeFiles } from "./made_pictures.ts";

for (const threads of [0, 1, 3]) {
  leakTest(
    `picturePool: pictures in their order, and what is wrong with others, on ${threads} threads`,
    () =>
      inFolder(async (dir) => {
        const paths = Array.from({ length: 20 }, (_, i) => join(dir, `${i}.png`));
        // The first takes the longest.
        const made = paths.map((_, i) => madePicture(i, i === 0 ? 900 : 12 + i, 12));
        writeFiles(dir, Object.fromEntries(made.map((picture, i) => [`${i}.png`, png(picture)])));
        Deno.writeTextFileSync(paths[7], "no picture");
        const bytes = { name: "mine", bytes: png(madePicture(3, 5)) };
        const pool = picturePool("keep", { keep: 12, maxPixels: 20_000 }, { threads });
        try {
          const found = await Array.fromAsync(readAll([...paths, bytes], pool, 6));
          assertEquals(found.map(({ name }) => name), [...paths, "mine"]);
          for (const [i, one] of found.entries()) {
            if (i === 7) {
              assert("problem" in one.found && one.found.problem.startsWith(`Cannot decode ${paths[7]}: `));
            } else {
              assert("picture" in one.found);
              assertEquals(one.found.picture, i < 20 ? made[i] : madePicture(3, 5));
            }
          }
        } finally {
          pool.close();
        }
      }),
  );
}

Deno.test("readAll: no more at a time than were asked for, the next as soon as one is taken", async () => {
  let [begun, taken] = [0, 0];
  const most: number[] = [];
  const read = async () => {
    begun++;
    most.push(begun - taken);
    await Promise.resolve();
    return begun;
  };
  const names = Array.from({ length: 30 }, (_, i) => `${i}`);
  for await (const { name } of readAll(names, { read }, 4)) {
    assertEquals(name, `${taken}`);
    taken++;
    assert(begun === Math.min(30, Math.max(4, taken + 3)), `${begun} begun, ${taken} taken`);
  }
  assertEquals([taken, Math.max(...most)], [30, 4]);
});

leakTest("picturePool: a thread that ends is told to all who wait, and to who comes later", async () => {
  // No such image can be made: a fault of the program.
  const pool = picturePool("input", { imageShape: [-1, 2, 3] }, { threads: 1 });
  const read = () => pool.read({ name: "a", bytes: png(madePicture(1, 8)) });
  try {
    const asked = [read(), read(), read(), read()];
    for (const one of [...asked, read()]) {
      await assertRejects(() => one, UserError, 'Cannot read the pictures: a thread ended with "');
    }
    await assertRejects(read, UserError, "a thread ended");
  } finally {
    pool.close();
  }
});
