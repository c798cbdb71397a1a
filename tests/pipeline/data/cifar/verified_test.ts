/** When a file is hashed again, and when its record is believed. */
import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { findProblems } from "../../../../pipeline/data/cifar/verified.ts";
import { granted } from "../../../needs.ts";

// SHA-256 of "abc" (FIPS 180-2, appendix B.1).
const ABC = {
  name: "abc.bin",
  bytes: 3,
  sha256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
};
const THEN = new Date("2009-06-04T19:54:37Z");
const LATER = new Date("2009-06-04T19:54:38Z");

/** Runs a test with a folder in which `abc.bin` is good. */
function verifiedTest(name: string, test: (dir: string, path: string) => Promise<void>): void {
  const fn = async () => {
    const dir = await Deno.makeTempDir();
    const path = join(dir, ABC.name);
    try {
      await Deno.writeTextFile(path, "abc");
      await Deno.utime(path, THEN, THEN);
      assertEquals(await findProblems(dir, [ABC]), new Map());
      await test(dir, path);
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  };
  Deno.test({ name: `findProblems ${name}`, ignore: !granted("read", "write"), fn });
}

const problemsOf = async (dir: string) =>
  (await findProblems(dir, [ABC])).get(ABC.name)?.split(" ", 2).join(" ");

verifiedTest("remembers size, time and hash of a good file", async (dir) => {
  const record = JSON.parse(await Deno.readTextFile(join(dir, "verified.json")));
  // Seconds of 2009-06-04T19:54:37Z since 1970, from `date -d ... +%s`.
  assertEquals(record, { "abc.bin": { sha256: ABC.sha256, bytes: 3, modified: 1244145277000 } });
});

verifiedTest("does not hash a file that its record knows", async (dir, path) => {
  await Deno.writeTextFile(path, "abd"); // a change that only a hash would show
  await Deno.utime(path, THEN, THEN);
  assertEquals(await problemsOf(dir), undefined);
});

verifiedTest("hashes a file whose time has changed, and forgets it", async (dir, path) => {
  await Deno.writeTextFile(path, "abd");
  await Deno.utime(path, LATER, LATER);
  assertEquals(await problemsOf(dir), "SHA-256 is");
  assertEquals(await Deno.readTextFile(join(dir, "verified.json")), "{}\n");
});

verifiedTest("sees that a size has changed", async (dir, path) => {
  await Deno.writeTextFile(path, "abcd");
  await Deno.utime(path, THEN, THEN);
  assertEquals(await problemsOf(dir), "4 bytes,");
});

verifiedTest("sees that a file has gone", async (dir, path) => {
  await Deno.remove(path);
  assertEquals(await findProblems(dir, [ABC]), new Map([["abc.bin", "no such file"]]));
});

verifiedTest("does not believe the record of another data set", async (dir) => {
  const other = { ...ABC, sha256: "0".repeat(64) };
  assertEquals((await findProblems(dir, [other])).size, 1);
});

verifiedTest(
  "believes a record with a byte order mark, and what it does not read in it",
  async (dir, path) => {
    const entry = { sha256: ABC.sha256, bytes: 3, modified: THEN.getTime(), more: true };
    await Deno.writeTextFile(join(dir, "verified.json"), `\ufeff${JSON.stringify({ "abc.bin": entry })}\r\n`);
    await Deno.writeTextFile(path, "abd"); // a change that only a hash would show
    await Deno.utime(path, THEN, THEN);
    assertEquals(await problemsOf(dir), undefined);
  },
);

const WRONG_ENTRY = JSON.stringify({
  "abc.bin": { sha256: ABC.sha256, bytes: "3", modified: THEN.getTime() },
});
for (const nonsense of ["", "{", "null", "[]", '"abc.bin"', '{"abc.bin":3}', "[3]", WRONG_ENTRY]) {
  verifiedTest(`does without a record that says ${nonsense || "nothing"}`, async (dir) => {
    await Deno.writeTextFile(join(dir, "verified.json"), nonsense);
    assertEquals(await problemsOf(dir), undefined);
    assertEquals(JSON.parse(await Deno.readTextFile(join(dir, "verified.json")))["abc.bin"].bytes, 3);
  });
}

Deno.test({
  name: "findProblems makes no folder where there is none",
  ignore: !granted("read", "write"),
  fn: async () => {
    const dir = await Deno.makeTempDir();
    try {
      assertEquals((await findProblems(join(dir, "none"), [ABC])).get("abc.bin"), "no such file");
      assertEquals(await Array.fromAsync(Deno.readDir(dir)), []);
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  },
});
