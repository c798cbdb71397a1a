/** The table of the six files, and how a file is compared with it. */
import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { CIFAR10_FILES, verifyBytes, verifyFile } from "../../../../pipeline/data/cifar/files.ts";
import { granted } from "../../../needs.ts";

const ignore = !granted("read", "write");

// SHA-256 of "abc" (FIPS 180-2, appendix B.1).
const ABC = {
  name: "abc.bin",
  bytes: 3,
  sha256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
};
// SHA-256 of "abd", from Python's hashlib.
const ABD = "a52d159f262b2c6ddb724a61840befc36eb30c88877a4030b65cbe86298449c9";
const bytes = (text: string) => new TextEncoder().encode(text);

Deno.test("CIFAR10_FILES are five batches and the test batch, of 10,000 records each", () => {
  assertEquals(CIFAR10_FILES.map(({ name }) => name), [
    "data_batch_1.bin",
    "data_batch_2.bin",
    "data_batch_3.bin",
    "data_batch_4.bin",
    "data_batch_5.bin",
    "test_batch.bin",
  ]);
  assertEquals(new Set(CIFAR10_FILES.map(({ bytes }) => bytes)), new Set([30_730_000]));
  assertEquals(new Set(CIFAR10_FILES.map(({ sha256 }) => sha256)).size, 6);
  assertEquals(CIFAR10_FILES.every(({ sha256 }) => /^[0-9a-f]{64}$/.test(sha256)), true);
});

Deno.test("verifyBytes says what is wrong", () => {
  assertEquals(verifyBytes(bytes("abc"), ABC), undefined);
  assertEquals(verifyBytes(bytes("abcd"), ABC), "4 bytes, expected 3");
  assertEquals(verifyBytes(bytes("abd"), ABC), `SHA-256 is ${ABD}, expected ${ABC.sha256}`);
});

Deno.test({
  name: "verifyFile says what is wrong",
  ignore,
  fn: async () => {
    const dir = await Deno.makeTempDir();
    try {
      const path = join(dir, ABC.name);
      assertEquals(await verifyFile(path, ABC), "no such file");
      for (
        const [content, problem] of [
          ["abc", undefined],
          ["", "0 bytes, expected 3"],
          ["abcd", "4 bytes, expected 3"],
          ["abd", `SHA-256 is ${ABD}, expected ${ABC.sha256}`],
        ] as const
      ) {
        await Deno.writeTextFile(path, content);
        assertEquals(await verifyFile(path, ABC), problem);
      }
      assertEquals(await verifyFile(dir, ABC), "not a file");
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  },
});
