/** A file system that has no locks, for as long as a test runs. */

/** Runs `body` while every lock fails as `flock(2)` does there. */
export async function withoutLocks<T>(
  body: () => Promise<T>,
  said = "No locks available (os error 37)",
): Promise<T> {
  const { tryLock, lock } = Deno.FsFile.prototype;
  const fail = () => Promise.reject(new Error(said));
  try {
    Object.assign(Deno.FsFile.prototype, { tryLock: fail, lock: fail });
    return await body();
  } finally {
    Object.assign(Deno.FsFile.prototype, { tryLock, lock });
  }
}
