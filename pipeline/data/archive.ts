/** What is in a gzipped tar archive. */
import { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { basename } from "@std/path";
import { parseTar } from "nanotar";
import { UserError } from "../../runtime/system/errors.ts";
import { explainFileErrors } from "../../runtime/system/file_errors.ts";

/** How an archive is read. */
export interface ArchiveOptions {
  /** What errors call it; its path by default. */
  readonly name?: string;
  /** Bytes that it may have when unpacked, since it is held in memory; by default 1 GiB, five times CIFAR-10. */
  readonly maxBytes?: number;
}

/** Bytes that are unpacked at a time. */
const CHUNK_BYTES = 2 ** 18;

/** What zlib says, where that would tell a person little. */
const ZLIB_WORDS: Readonly<Record<string, string>> = {
  "incorrect header check": "invalid gzip header",
  "unexpected end of file": "it is cut short",
};

/**
 * Reads a tar.gz archive and returns the contents of its files by their base names.
 *
 * @param path The archive.
 * @param wanted Base names of the files to return; others, and names that are missing, are left out.
 * @throws {UserError} If it cannot be read, is no whole tar.gz, or holds more than `maxBytes`.
 * @example
 * ```ts ignore
 * (await readTarGz("cifar-10-binary.tar.gz", ["test_batch.bin"])).get("test_batch.bin")?.length; // 30730000
 * ```
 */
export async function readTarGz(
  path: string,
  wanted: readonly string[],
  { name = path, maxBytes = 2 ** 30 }: ArchiveOptions = {},
): Promise<Map<string, Uint8Array>> {
  const tar = await explainFileErrors(
    `Cannot read ${name}`,
    "choose another source",
    () => gunzip(path, name, maxBytes),
  );
  checkHeaders(tar, name);
  try {
    const members = parseTar(tar, {
      filter: (member) => member.type === "file" && wanted.includes(basename(member.name)),
    });
    return new Map(members.map((member) => [basename(member.name), member.data ?? new Uint8Array()]));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error; // a member that reaches beyond the end
    throw damaged(name, "the tar archive is cut short", error);
  }
}

/** Bytes of a tar block: a header, or a piece of a member. */
const BLOCK = 512;

/**
 * Looks at the sizes in a tar's headers before they are believed: one that is no number, or below zero, would make the
 * reader stand still or turn back.
 * @throws {UserError} If one is not an octal number (POSIX.1-2017, `pax`, ustar interchange format).
 */
function checkHeaders(tar: Uint8Array, name: string): void {
  for (let at = 0; at + BLOCK <= tar.length && tar[at] !== 0;) {
    const field = String.fromCharCode(...tar.subarray(at + 124, at + 136));
    const [, digits] = /^ *([0-7]+)[ \0]*$/.exec(field) ?? [];
    if (digits === undefined) throw damaged(name, "a header of the tar archive has no size");
    at += BLOCK + Math.ceil(parseInt(digits, 8) / BLOCK) * BLOCK;
  }
}

/**
 * Unpacks a whole file. Node's reader, since the web's takes neither several gzip members one after the other, as an
 * archive that was put together from parts has, nor the zeros with which tapes and block devices fill up the end.
 */
async function gunzip(path: string, name: string, maxBytes: number): Promise<Uint8Array> {
  using file = await Deno.open(path);
  const pieces: Uint8Array[] = [];
  let length = 0;
  const packed = Readable.from(file.readable);
  const unpacked = createGunzip({ chunkSize: CHUNK_BYTES });
  // Not `pipeline`: at the zeros the unpacked bytes end before the packed ones, which it takes for a break.
  packed.on("error", (error) => unpacked.destroy(error));
  try {
    for await (const piece of packed.pipe(unpacked)) {
      length += piece.length;
      if (length > maxBytes) throw damaged(name, `it holds more than ${maxBytes} bytes`);
      pieces.push(piece);
    }
  } catch (error) {
    if (!(error instanceof Error && "code" in error && String(error.code).startsWith("Z_"))) throw error;
    throw damaged(name, ZLIB_WORDS[error.message] ?? error.message, error);
  } finally {
    packed.destroy();
  }
  const whole = new Uint8Array(length);
  let end = length;
  // From the back, so that each piece is let go as soon as it is copied.
  for (let piece = pieces.pop(); piece !== undefined; piece = pieces.pop()) {
    whole.set(piece, end -= piece.length);
  }
  return whole;
}

function damaged(name: string, found: string, cause?: unknown): UserError {
  return new UserError(
    `Cannot unpack ${name}: ${found}; it is damaged or not the right tar.gz, fetch it again or choose another source`,
    { cause },
  );
}
