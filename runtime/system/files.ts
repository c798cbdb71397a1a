/** Files that may not be there, and files that are written whole or not at all. */
import { dirname } from "@std/path";
import { jsonOf, type Schema } from "./schema.ts";

/**
 * Whether there is something at a path; what would lie in a file is not there.
 * @throws {Deno.errors} As `Deno.stat` does, but for `NotFound` and `NotADirectory`.
 */
export async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return false;
    throw error;
  }
}

/** Whether a path leads to a folder; not where one may not look, of which who goes there hears. */
export async function isFolder(path: string): Promise<boolean> {
  return (await Deno.stat(path).catch(() => undefined))?.isDirectory === true;
}

/**
 * What the system says of a file or folder; `undefined` if there is none.
 * @throws {Deno.errors} As `Deno.stat` does, but for `NotFound`.
 */
export function statIfThere(path: string): Promise<Deno.FileInfo | undefined> {
  return Deno.stat(path).catch(nothingIfNotFound);
}

/**
 * The value in a JSON file; `undefined` if there is no such file, or it does not hold what the schema says.
 * @throws {Deno.errors} As `Deno.readTextFile` does, but for `NotFound`.
 */
export async function readJsonIfThere<T>(schema: Schema<T>, path: string): Promise<T | undefined> {
  const text = await Deno.readTextFile(path).catch(nothingIfNotFound);
  return text === undefined ? undefined : jsonOf(schema, text);
}

/** The text of a file that tells of the system, such as those in `/proc`; empty where it cannot be read. */
export function readSystemText(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}

/**
 * Removes a file, or a folder with all in it, if there is one.
 * @throws {Deno.errors} As `Deno.remove` does, but for `NotFound`.
 */
export async function removeIfThere(path: string): Promise<void> {
  await Deno.remove(path, { recursive: true }).catch(nothingIfNotFound);
}

function nothingIfNotFound(error: unknown): undefined {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}

/** How the name of a file ends while it is written. */
export const PARTIAL = ".partial";

/**
 * Writes a file so that a reader, or a process killed at any moment, sees the old content or the new, never a part:
 * a temporary name in the same folder, `fsync`, then rename. Missing folders are made.
 *
 * @throws {Deno.errors} As `Deno.open` and `Deno.rename` do; the temporary file is removed first.
 * @example
 * ```ts ignore
 * await writeFileAtomic("runs/a/run.json", JSON.stringify({ seed: 1 }));
 * ```
 */
export async function writeFileAtomic(path: string, content: Uint8Array | string): Promise<void> {
  await Deno.mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${Deno.pid}.${crypto.randomUUID().slice(0, 8)}${PARTIAL}`;
  try {
    const file = await Deno.open(temporary, { write: true, createNew: true });
    try {
      const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
      for (let written = 0; written < bytes.length;) written += await file.write(bytes.subarray(written));
      await file.sync();
    } finally {
      file.close();
    }
    await Deno.rename(temporary, path);
  } catch (error) {
    await Deno.remove(temporary).catch(() => {});
    throw error;
  }
}
