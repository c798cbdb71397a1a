import { assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { writeFileAtomic } from "../../../runtime/system/files.ts";
import { granted } from "../../needs.ts";

function test(name: string, fn: (folder: string) => Promise<void>): void {
  Deno.test({
    name: `writeFileAtomic: ${name}`,
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

test("writes bytes and text, makes folders, replaces, leaves nothing else", async (folder) => {
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

test("many at once leave one whole file", async (folder) => {
  const path = join(folder, "file");
  const texts = Array.from({ length: 20 }, (_, i) => `${i},`.repeat(10_000));
  await Promise.all(texts.map((text) => writeFileAtomic(path, text)));
  assertEquals(texts.includes(await Deno.readTextFile(path)), true);
  assertEquals(names(folder), ["file"]);
});

test("a failure keeps what was there and removes the temporary file", async (folder) => {
  const path = join(folder, "taken");
  await Deno.mkdir(join(path, "inside"), { recursive: true });
  await assertRejects(() => writeFileAtomic(path, "text"));
  assertEquals(names(folder), ["taken"]);
  assertEquals(names(path), ["inside"]);
});
