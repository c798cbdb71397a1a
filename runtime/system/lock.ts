/** A lock between processes. */
import { dirname } from "@std/path";

/**
 * Runs `work` while holding a lock that other processes, and other calls in this one, respect. The operating system
 * holds it on the open file and lets go when the process ends, however it ends, so no stale lock can be left.
 *
 * @param path The lock's file; it is made, with its folder, and stays.
 * @param onWait Called once if somebody else has the lock.
 * @param work Told whether it has the lock. It has not where the file system knows no locks, as NFS without its lock
 *   service and some of FUSE do: it is done all the same, must leave alone what may be another's, and says so.
 * @throws {Deno.errors} If the file cannot be made.
 * @example
 * ```ts ignore
 * await withLock("/cache/install.lock", () => console.error("Waiting for another install"), install);
 * ```
 */
export async function withLock<T>(
  path: string,
  onWait: () => void,
  work: (isLocked: boolean) => Promise<T>,
): Promise<T> {
  await Deno.mkdir(dirname(path), { recursive: true });
  using file = await Deno.open(path, { create: true, write: true });
  const isFree = await file.tryLock(true).catch(() => undefined); // an error is not that of a lock that is taken
  if (isFree === false) {
    onWait();
    await file.lock(true);
  }
  return await work(isFree !== undefined);
}

/** What is said of work in a folder without locks. */
export function withoutLockLine(folder: string, work: string): string {
  return `The file system of ${folder} has no locks: start no second process that ${work} there before this one ends`;
}
