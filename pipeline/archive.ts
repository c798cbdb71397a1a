/** What is in a gzipped tar archive. */
import { basename } from "@std/path";
import { parseTar } from "nanotar";
import { UserError } from "../runtime/errors.ts";
import { explainFileErrors } from "./file_errors.ts";

/** Largest archive taken, in bytes when unpacked, since it is held in memory: five times CIFAR-10. */
const MAX_BYTES = 2 ** 30;

/**
 * Reads a tar.gz archive and returns the contents of its files by their base names.
 *
 * @param path The archive.
 * @param wanted Base names of the files to return; others, and names that are missing, are left out.
 * @throws {UserError} If it cannot be read, is no whole tar.gz, or holds more than 1 GiB.
 * @example
 * ```ts ignore
 * (await readTarGz("cifar-10-binary.tar.gz", ["test_batch.bin"])).get("test_batch.bin")?.length; // 30730000
 * ```
 */
export async function readTarGz(path: string, wanted: readonly string[]): Promise<Map<string, Uint8Array>> {
  const tar = await explainFileErrors(`Cannot read ${path}`, "choose another source", () => gunzip(path));
  try {
    const members = parseTar(tar, {
      filter: ({ name, type }) => type === "file" && wanted.includes(basename(name)),
    });
    return new Map(members.map(({ name, data }) => [basename(name), data ?? new Uint8Array()]));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error; // a member that reaches beyond the end
    throw damaged(path, "the tar archive is cut short", error);
  }
}

async function gunzip(path: string): Promise<Uint8Array> {
  using file = await Deno.open(path);
  const pieces: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const piece of file.readable.pipeThrough(new DecompressionStream("gzip"))) {
      length += piece.length;
      if (length > MAX_BYTES) throw damaged(path, `it holds more than ${MAX_BYTES} bytes`);
      pieces.push(piece);
    }
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // DecompressionStream's error for any bad data
    throw damaged(path, error.message, error);
  }
  const whole = new Uint8Array(length);
  let end = length;
  // From the back, so that each piece is let go as soon as it is copied.
  for (let piece = pieces.pop(); piece !== undefined; piece = pieces.pop()) {
    whole.set(piece, end -= piece.length);
  }
  return whole;
}

function damaged(path: string, found: string, cause?: unknown): UserError {
  return new UserError(
    `Cannot unpack ${path}: ${found}; it is damaged or not the right tar.gz, fetch it again or choose another source`,
    { cause },
  );
}
