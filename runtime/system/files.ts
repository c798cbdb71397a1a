/** Files that are either whole or not there. */
import { dirname } from "@std/path";

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
  const temporary = `${path}.${Deno.pid}.${crypto.randomUUID().slice(0, 8)}.partial`;
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
