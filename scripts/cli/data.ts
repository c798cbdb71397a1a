/** The images that a task works on, and which folders they are fetched into without being asked. */
import { basename, dirname, join, resolve } from "@std/path";
import { type Data, FETCH_LOCK, fetchCifar, loadCifar } from "../../pipeline/data/mod.ts";
import { closest } from "../../runtime/system/closest.ts";
import { UserError } from "../../runtime/system/errors.ts";
import { exists } from "../../runtime/system/files.ts";
import { taskCommand } from "../../runtime/system/package.ts";
import type { Progress } from "../../runtime/system/progress.ts";
import { dataFlag } from "./task.ts";

/**
 * CIFAR-10 from a folder; fetched first where it is not whole and `checkMayFill` allows it.
 * @param dir The value of `--data`.
 * @throws {UserError} If it is not there and may not or cannot be fetched.
 */
export async function cifarOf(dir: string, progress: Progress): Promise<Data> {
  await fetchCifar(dir, { progress, beforeFetch: (missing) => checkMayFill(dir, missing[0]) });
  return await loadCifar(dir);
}

/**
 * A mistyped `--data` must not bring 170 MB into a folder that is new or somebody's: only the default folder, one that is
 * empty, and one in which a fetch was begun get what is missing. `fetch-data` fills any.
 *
 * @param missing A file that it has not, or not as it was published.
 * @throws {UserError} If it is another; the message names a folder that may be meant.
 */
export async function checkMayFill(dir: string, missing: string): Promise<void> {
  if (resolve(dir) === resolve(dataFlag.default)) return;
  const advice = `or fetch the data set into it with "${taskCommand("fetch-data", { data: dir })}"`;
  if (!await exists(dir)) {
    const near = await nearFolder(dir);
    const meant = near === undefined ? "name the folder that has the data set" : `did you mean ${near}?`;
    throw new UserError(`Cannot use --data ${dir}: no such folder; ${meant} ${advice}`);
  }
  const names = await Array.fromAsync(Deno.readDir(dir), ({ name }) => name);
  if (names.length === 0 || names.includes(FETCH_LOCK)) return;
  throw new UserError(
    `Cannot use --data ${dir}: it has other files, and no good ${missing}; name the folder that has the data set ${advice}`,
  );
}

/** A folder beside the one that is not there, of nearly that name. */
async function nearFolder(dir: string): Promise<string | undefined> {
  const parent = dirname(dir);
  const names: string[] = [];
  try {
    for await (const { name, isDirectory, isSymlink } of Deno.readDir(parent)) {
      if (isDirectory || isSymlink) names.push(name);
    }
  } catch {
    return undefined; // there is nothing to mean
  }
  const near = closest(basename(dir), names.sort());
  return near && join(parent, near);
}
