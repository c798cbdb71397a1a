import { assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import {
  exists,
  readJsonIfThere,
  readSystemText,
  removeIfThere,
  statIfThere,
  writeFileAtomic,
} from "../../../runtime/system/files.ts";
import { fields, number } from "../../../runtime/system/schema.ts";
import { granted } from "../../needs.ts";

function test(name: string, fn: (folder: string) => Promise<void>): void {
  Deno.test({
    name,
    ignore: !granted("read", "write", "env"),
    async fn() {
      const folder = await Deno.makeTempDir();
      try {
        await fn(folder);
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
  });
}

const names = (folder: string): string[] => Array.from(Deno.readDirSync(folder), ({ name }) => name);

test("writeFileAtomic: writes bytes and text, makes folders, replaces, leaves nothing else", async (folder) => {
  const path = join(folder, "a", "b", "file.bin");
  const bytes = Uint8Array.from({ length: 300_000 }, (_, i) => i);
  await writeFileAtomic(path, bytes);
  assertEquals(await Deno.readFile(path), bytes);
  await writeFileAtomic(path, "grüße\n");
  assertEquals(await Deno.readTextFile(path), "grüße\n");
  await writeFileAtomic(path, "");
  assertEquals(await Deno.readTextFile(path), "");
  assertEquals(names(join(folder, "a", "b")), ["file.bin"]);
});

test("writeFileAtomic: many at once leave one whole file", async (folder) => {
  const path = join(folder, "file");
  const texts = Array.from({ length: 20 }, (_, i) => `${i},`.repeat(10_000));
  await Promise.all(texts.map((text) => writeFileAtomic(path, text)));
  assertEquals(texts.includes(await Deno.readTextFile(path)), true);
  assertEquals(names(folder), ["file"]);
});

test("writeFileAtomic: a failure keeps what was there and removes the temporary file", async (folder) => {
  const path = join(folder, "taken");
  await Deno.mkdir(join(path, "inside"), { recursive: true });
  await assertRejects(() => writeFileAtomic(path, "text"));
  assertEquals(names(folder), ["taken"]);
  assertEquals(names(path), ["inside"]);
});

test("exists: files and folders, not what would lie in a file; where one may not look is an error", async (folder) => {
  const file = join(folder, "file");
  const closed = join(folder, "closed");
  await Deno.writeTextFile(file, "text");
  await Deno.mkdir(closed);
  await Deno.writeTextFile(join(closed, "inside"), "text");
  const found = (...path: string[]) => exists(join(folder, ...path));
  assertEquals([await found(), await found("file"), await found("closed", "inside")], [true, true, true]);
  assertEquals([await found("none"), await found("file", "inside")], [false, false]);
  await Deno.chmod(closed, 0);
  const mayLook = await Deno.stat(join(closed, "inside")).then(() => true, () => false); // root may
  if (mayLook) assertEquals(await found("closed", "inside"), true);
  else await assertRejects(() => found("closed", "inside"), Deno.errors.PermissionDenied);
  await Deno.chmod(closed, 0o700);
});

test("statIfThere and removeIfThere: only a name that is not there is no error", async (folder) => {
  const path = join(folder, "a");
  assertEquals(await statIfThere(path), undefined);
  await removeIfThere(path);
  await Deno.mkdir(path);
  await Deno.writeTextFile(join(path, "file"), "four");
  assertEquals((await statIfThere(join(path, "file")))?.size, 4);
  await assertRejects(() => statIfThere(join(path, "file", "inside")), Deno.errors.NotADirectory);
  await removeIfThere(path);
  assertEquals(names(folder), []);
});

test("readJsonIfThere: the value, or nothing without a file or without such JSON in it", async (folder) => {
  const path = join(folder, "notes.json");
  const notes = fields({ size: number() });
  assertEquals(await readJsonIfThere(notes, path), undefined);
  for (const json of ['{"size": 3}\n', '\ufeff{\r\n"size": 3\r\n}\r\n']) {
    await Deno.writeTextFile(path, json);
    assertEquals(await readJsonIfThere(notes, path), { size: 3 });
  }
  for (const json of ['{"size": ', '{"size": "3"}', "[]", ""]) {
    await Deno.writeTextFile(path, json);
    assertEquals(await readJsonIfThere(notes, path), undefined);
  }
  await assertRejects(() => readJsonIfThere(notes, folder), Error, "directory");
});

test("readSystemText: empty where there is nothing to read", async (folder) => {
  await Deno.writeTextFile(join(folder, "status"), "VmRSS: 1 kB\n");
  assertEquals(readSystemText(join(folder, "status")), "VmRSS: 1 kB\n");
  assertEquals(readSystemText(join(folder, "none")), "");
});
