/** A lock between processes. */
import { dirname } from "@std/path";

/**
 * Runs `work` while holding a lock that other processes, and other calls in this one, respect. The operating system
 * holds it on the open file and lets go when the process ends, however it ends, so no stale lock can be left.
 *
 * @param path The lock's file; it is made, with its folder, and stays.
 * @param onWait Called once if somebody else has the lock.
 * @throws {Deno.errors} If the file cannot be made.
 * @example
 * ```ts ignore
 * await withLock("/cache/install.lock", () => console.error("Waiting for another install"), install);
 * ```
 */
export async function withLock<T>(path: string, onWait: () => void, work: () => Promise<T>): Promise<T> {
  await Deno.mkdir(dirname(path), { recursive: true });
  using file = await Deno.open(path, { create: true, write: true });
  if (!await file.tryLock(true)) {
    onWait();
    await file.lock(true);
  }
  return await work();
}
