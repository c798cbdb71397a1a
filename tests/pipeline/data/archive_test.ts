/** Archives that are whole, and archives that are not. */
import { assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { readTarGz } from "../../../pipeline/data/archive.ts";
import { UserError } from "../../../runtime/system/errors.ts";
import { granted } from "../../needs.ts";
import { tarGz } from "../tiny_cifar.ts";

const ignore = !granted("read", "write");
const ADVICE = "it is damaged or not the right tar.gz, fetch it again or choose another source";

/** Calls a test with the path of a file that has the content. */
async function withFile(content: Uint8Array, test: (path: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await Deno.writeFile(join(dir, "a.tar.gz"), content);
    await test(join(dir, "a.tar.gz"));
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

const gzip = async (bytes: Uint8Array<ArrayBuffer>) =>
  new Uint8Array(
    await new Response(new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"))).arrayBuffer(),
  );

/** The tar archive of `members` before it is packed. */
async function unzipped(): Promise<Uint8Array<ArrayBuffer>> {
  const zipped = new Blob([await tarGz(members)]).stream();
  return await new Response(zipped.pipeThrough(new DecompressionStream("gzip"))).bytes();
}

/** An archive that barely compresses, so that a half of it is about a half of its content. */
const members = {
  "x/a.bin": Uint8Array.from({ length: 5000 }, (_, i) => (i * i * 31 + i) >> 3),
  "x/b.txt": "b",
  "c": "c",
};

Deno.test({
  name: "readTarGz returns the wanted members by their base names",
  ignore,
  fn: async () =>
    await withFile(await tarGz(members), async (path) => {
      const read = await readTarGz(path, ["a.bin", "c", "missing"]);
      assertEquals([...read.keys()], ["a.bin", "c"]);
      assertEquals(read.get("a.bin"), members["x/a.bin"]);
      assertEquals(new TextDecoder().decode(read.get("c")), "c");
    }),
});

Deno.test({
  name: "readTarGz reads an archive that GNU tar made",
  ignore: ignore || !granted("run"),
  fn: async () => {
    const dir = await Deno.makeTempDir();
    try {
      await Deno.mkdir(join(dir, "folder"));
      await Deno.writeFile(join(dir, "folder", "a.bin"), members["x/a.bin"]);
      const args = ["czf", "a.tar.gz", "folder"];
      assertEquals((await new Deno.Command("tar", { args, cwd: dir }).output()).code, 0);
      assertEquals((await readTarGz(join(dir, "a.tar.gz"), ["a.bin"])).get("a.bin"), members["x/a.bin"]);
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  },
});

Deno.test({
  name: "readTarGz reads a gzip file of several members, with zeros after the last",
  ignore,
  fn: async () => {
    const tar = await unzipped();
    const parts = [tar.slice(0, 700), tar.slice(700, 3000), new Uint8Array(), tar.slice(3000)];
    const zipped = await Promise.all(parts.map(gzip));
    for (const zeros of [0, 1, 511, 10_240, 1_000_000]) {
      const whole = await new Blob([...zipped, new Uint8Array(zeros)]).bytes();
      await withFile(whole, async (path) => {
        assertEquals((await readTarGz(path, ["a.bin"])).get("a.bin"), members["x/a.bin"]);
      });
    }
    const cut = await new Blob([zipped[0], zipped[1].slice(0, -9)]).bytes();
    await withFile(cut, async (path) => {
      const error = await assertRejects(() => readTarGz(path, ["a.bin"]), UserError);
      assertEquals(error.message, `Cannot unpack ${path}: it is cut short; ${ADVICE}`);
    });
    const strange = await new Blob([...zipped, "more"]).bytes();
    await withFile(strange, async (path) => {
      const error = await assertRejects(() => readTarGz(path, ["a.bin"]), UserError);
      assertEquals(error.message, `Cannot unpack ${path}: invalid gzip header; ${ADVICE}`);
    });
  },
});

Deno.test({
  name: "readTarGz reads what gzip and cat put together",
  ignore: ignore || !granted("run"),
  fn: async () => {
    const dir = await Deno.makeTempDir();
    try {
      await Deno.mkdir(join(dir, "folder"));
      await Deno.writeFile(join(dir, "folder", "a.bin"), members["x/a.bin"]);
      const script = "tar cf a.tar folder && head -c 2000 a.tar | gzip -c > a.tar.gz && " +
        "tail -c +2001 a.tar | gzip -c >> a.tar.gz && head -c 1000 /dev/zero >> a.tar.gz";
      assertEquals((await new Deno.Command("sh", { args: ["-c", script], cwd: dir }).output()).code, 0);
      assertEquals((await readTarGz(join(dir, "a.tar.gz"), ["a.bin"])).get("a.bin"), members["x/a.bin"]);
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  },
});

Deno.test({
  name: "readTarGz refuses a gzip stream that is cut short",
  ignore,
  fn: async () => {
    const whole = await tarGz(members);
    for (const length of [whole.length - 4, whole.length >> 1, 5]) {
      await withFile(whole.subarray(0, length), async (path) => {
        const error = await assertRejects(
          () => readTarGz(path, ["a.bin"]),
          UserError,
          `Cannot unpack ${path}: `,
        );
        assertEquals(error.message.split("; ")[1], ADVICE);
      });
    }
  },
});

Deno.test({
  name: "readTarGz refuses what is no gzip stream",
  ignore,
  fn: () =>
    withFile(new TextEncoder().encode("<html>Not here</html>"), async (path) => {
      const error = await assertRejects(() => readTarGz(path, ["a.bin"]), UserError);
      assertEquals(error.message, `Cannot unpack ${path}: invalid gzip header; ${ADVICE}`);
    }),
});

Deno.test({
  name: "readTarGz refuses a whole gzip stream of a tar archive that is cut short",
  ignore,
  fn: async () => {
    const header = new Uint8Array(512 + 1000); // a member that claims 5000 bytes
    header.set(new TextEncoder().encode("a.bin"), 0);
    header.set(new TextEncoder().encode((5000).toString(8).padStart(11, "0")), 124);
    await withFile(await gzip(header), async (path) => {
      const error = await assertRejects(() => readTarGz(path, ["a.bin"]), UserError);
      assertEquals(error.message, `Cannot unpack ${path}: the tar archive is cut short; ${ADVICE}`);
    });
  },
});

Deno.test({
  name: "readTarGz refuses a header without a size, which would make the reader turn back",
  ignore,
  fn: async () => {
    for (const size of ["-0000001000", "-7777777777", "", "9", "1x"]) {
      const header = new Uint8Array(2048);
      header.set(new TextEncoder().encode("a.bin"), 0);
      header.set(new TextEncoder().encode(size), 124);
      header[156] = "L".charCodeAt(0);
      await withFile(await gzip(header), async (path) => {
        const error = await assertRejects(() => readTarGz(path, ["a.bin"]), UserError);
        assertEquals(
          error.message,
          `Cannot unpack ${path}: a header of the tar archive has no size; ${ADVICE}`,
        );
      });
    }
  },
});

Deno.test({
  name: "readTarGz says that there is no archive",
  ignore,
  fn: async () => {
    const error = await assertRejects(() => readTarGz("no/such.tar.gz", ["a.bin"]), UserError);
    assertEquals(
      error.message,
      "Cannot read no/such.tar.gz: no such file or directory; choose another source",
    );
  },
});

Deno.test({
  name: "readTarGz refuses an archive that is too large, by the name it is given",
  ignore,
  fn: async () =>
    await withFile(await tarGz(members), async (path) => {
      const options = { name: "mine", maxBytes: 5000 };
      const error = await assertRejects(() => readTarGz(path, ["a.bin"], options), UserError);
      assertEquals(error.message, `Cannot unpack mine: it holds more than 5000 bytes; ${ADVICE}`);
    }),
});
