/** The six files of CIFAR-10 in the binary format, as they were published, and how to tell that one is whole. */
import { createHash } from "node:crypto";
import { hashFile } from "../../../runtime/system/hash.ts";
import { RECORD_BYTES } from "./records.ts";

/** A file whose content is known. */
export interface KnownFile {
  /** Its name in the data folder. */
  readonly name: string;
  /** Its size in bytes. */
  readonly bytes: number;
  /** SHA-256 of its content, in lower-case hexadecimal. */
  readonly sha256: string;
}

/** Images in each file. */
export const IMAGES_PER_FILE = 10_000;

/**
 * The files in the order of the data set: five batches to train on, one to test with.
 *
 * Hashes of the members of cifar-10-binary.tar.gz as the University of Toronto publishes it
 * (https://www.cs.toronto.edu/~kriz/cifar.html).
 */
export const CIFAR10_FILES: readonly KnownFile[] = [
  ["data_batch_1.bin", "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5"],
  ["data_batch_2.bin", "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed"],
  ["data_batch_3.bin", "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67"],
  ["data_batch_4.bin", "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48"],
  ["data_batch_5.bin", "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add"],
  ["test_batch.bin", "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b"],
].map(([name, sha256]) => ({ name, bytes: IMAGES_PER_FILE * RECORD_BYTES, sha256 }));

/**
 * Compares bytes with what a file should hold.
 * @returns What is wrong, as in `10 bytes, expected 30730000`; `undefined` when nothing is.
 */
export function verifyBytes(content: Uint8Array, expected: KnownFile): string | undefined {
  return difference(content.length, createHash("sha256").update(content).digest("hex"), expected);
}

/**
 * Compares a file on disk with what it should hold: its size, then its SHA-256 (read in pieces, never whole).
 * @returns What is wrong, as in `no such file` or `10 bytes, expected 30730000`; `undefined` when nothing is.
 * @throws {Deno.errors.PermissionDenied} If it cannot be read.
 * @example
 * ```ts ignore
 * for (const file of CIFAR10_FILES) await verifyFile(`data/${file.name}`, file); // undefined, six times
 * ```
 */
export async function verifyFile(path: string, expected: KnownFile): Promise<string | undefined> {
  try {
    const { isFile, size } = await Deno.stat(path);
    if (!isFile) return "not a file";
    if (size !== expected.bytes) return difference(size, expected.sha256, expected);
    return difference(size, (await hashFile(path, createHash("sha256"))).digest("hex"), expected);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "no such file";
    throw error;
  }
}

function difference(bytes: number, sha256: string, expected: KnownFile): string | undefined {
  if (bytes !== expected.bytes) return `${bytes} bytes, expected ${expected.bytes}`;
  if (sha256 !== expected.sha256) return `SHA-256 is ${sha256}, expected ${expected.sha256}`;
}
