/** Hashes of files that are too large to hold. */
import type { Hash } from "node:crypto";

/**
 * Feeds a whole file to a hash, piece by piece.
 * @returns The same hash.
 * @throws {Deno.errors} As `Deno.open` does.
 * @example
 * ```ts ignore
 * (await hashFile("data/test_batch.bin", createHash("sha256"))).digest("hex");
 * ```
 */
export async function hashFile(path: string, hash: Hash): Promise<Hash> {
  using file = await Deno.open(path);
  for await (const chunk of file.readable) hash.update(chunk);
  return hash;
}
