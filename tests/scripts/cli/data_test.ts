/** Which folders are filled without being asked. */
import { assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { FETCH_LOCK } from "../../../pipeline/data/mod.ts";
import { UserError } from "../../../runtime/system/errors.ts";
import { silent } from "../../../runtime/system/progress.ts";
import { checkMayFill, cifarOf, picturesIn } from "../../../scripts/cli/data.ts";
import { folderTest as test } from "../../in_folder.ts";
import { madePicture, png, writeFiles } from "../../pipeline/data/made_pictures.ts";

const refusal = async (dir: string): Promise<string> =>
  (await assertRejects(() => checkMayFill(dir, "test_batch.bin"), UserError)).message;

test("checkMayFill: the default folder, an empty one, and one in which a fetch was begun", async (root) => {
  for (const dir of ["data", "./data", "data/", "none/../data", join(Deno.cwd(), "data")]) {
    await checkMayFill(dir, "test_batch.bin");
  }
  await Deno.mkdir(join(root, "empty"));
  await checkMayFill(join(root, "empty"), "test_batch.bin");
  await Deno.mkdir(join(root, "begun", ".download"), { recursive: true });
  await Deno.writeTextFile(join(root, "begun", FETCH_LOCK), "");
  await checkMayFill(join(root, "begun"), "test_batch.bin");
});

test("checkMayFill: a folder that is not there, with the one that may be meant", async (root) => {
  const fetch = (dir: string) => `or fetch the data set into it with "deno task fetch-data --data ${dir}"`;
  const dir = join(root, "cifra10");
  assertEquals(
    await refusal(dir),
    `Cannot use --data ${dir}: no such folder; name the folder that has the data set ${fetch(dir)}`,
  );
  await Deno.writeTextFile(join(root, "cifar10.tar.gz"), "");
  await Deno.mkdir(join(root, "cifar10"));
  assertEquals(
    await refusal(dir),
    `Cannot use --data ${dir}: no such folder; did you mean ${join(root, "cifar10")}? ${fetch(dir)}`,
  );
  const deep = join(root, "no", "such");
  assertEquals((await refusal(deep)).includes("name the folder that has the data set"), true);
  assertEquals([...Deno.readDirSync(root)].length, 2, "nothing was made");
});

test("checkMayFill: a folder of another purpose", async (root) => {
  await Deno.writeTextFile(join(root, "thesis.tex"), "");
  const message =
    `Cannot use --data ${root}: it has other files, and no good test_batch.bin; name the folder that has the data set`;
  assertEquals((await refusal(root)).slice(0, message.length), message);
});

test("cifarOf: leaves a folder that may not be filled as it is", async (root) => {
  await Deno.writeTextFile(join(root, "data_batch_1.bin"), "short");
  const { message } = await assertRejects(() => cifarOf(root, silent), UserError);
  assertEquals(
    message.startsWith(`Cannot use --data ${root}: it has other files, and no good data_batch_1.bin`),
    true,
  );
  assertEquals([...Deno.readDirSync(root)].map(({ name }) => name), ["data_batch_1.bin"]);
  await assertRejects(() => cifarOf(join(root, "none"), silent), UserError, "no such folder");
});

test("picturesIn: a folder of folders with pictures, and nothing of CIFAR-10", async (root) => {
  const picture = png(madePicture(1, 8));
  writeFiles(root, {
    "a/cat/1.png": picture,
    "a/dog/1.png": picture,
    "b/1.png": picture,
    "c/x/notes.txt": new Uint8Array(1),
  });
  const folder = await picturesIn(join(root, "a"));
  assertEquals(folder?.classes, ["cat", "dog"]);
  for (const other of ["b", "none", "b/1.png"]) {
    assertEquals(await picturesIn(join(root, other)), undefined, other);
  }
  const none = join(root, "c");
  await assertRejects(() => picturesIn(none), UserError, `Cannot use the pictures in ${none}: there are no`);
  await Deno.writeTextFile(join(root, "a", "test_batch.bin"), "");
  assertEquals(await picturesIn(join(root, "a")), undefined);
});
