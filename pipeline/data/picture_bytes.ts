/** The bytes of pictures that are to be read. */
import { UserError } from "../../runtime/system/errors.ts";
import { systemError } from "../../runtime/system/file_errors.ts";

/** A picture that is to be read: its file, or its bytes and what errors call them. */
export type NamedPicture = string | { readonly name: string; readonly bytes: Uint8Array };

/** The largest file that is read, in bytes: more than a picture of `MAX_PIXELS` has that is not packed at all. */
const MAX_FILE_BYTES = 2 ** 30;

/** What errors call a picture. */
export function nameOf(picture: NamedPicture): string {
  return typeof picture === "string" ? picture : picture.name;
}

/**
 * A picture's bytes.
 * @param advice What to do about a file that cannot be read, as the end of a message.
 * @throws {UserError} If it is a file that cannot be read.
 */
export function bytesOf(picture: NamedPicture, advice = ""): Uint8Array {
  if (typeof picture !== "string") return picture.bytes;
  const fail = (problem: string, cause?: unknown): UserError =>
    new UserError(`Cannot read ${picture}: ${problem}${advice}`, { cause });
  try {
    // Not opened before it is known to be a file: whoever opens a pipe waits.
    const { isFile, size } = Deno.statSync(picture);
    if (!isFile) throw fail("it is no file");
    if (size > MAX_FILE_BYTES) throw fail(`its ${size} bytes are more than a picture has`);
    return Deno.readFileSync(picture);
  } catch (error) {
    const said = systemError(error)?.said;
    throw said === undefined ? error : fail(said, error);
  }
}
