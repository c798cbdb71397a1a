/** From what a person names, files, folders and patterns, to the pictures that are meant. */
import { glob } from "node:fs/promises";
import { systemError } from "../../runtime/system/file_errors.ts";
import { isFolder, statIfThere } from "../../runtime/system/files.ts";
import { byCodePoints, lister, type Skipped } from "../data/folder.ts";

/** Pictures, and what is none. */
export interface PicturePaths {
  /** In the order of what was named, in folders and patterns sorted; no path twice. */
  readonly files: readonly string[];
  /** What cannot be a picture, or be found, and why. */
  readonly problems: readonly { readonly file: string; readonly problem: string }[];
  /** Files in folders that are not meant to be pictures. */
  readonly others: number;
}

/**
 * Finds the pictures that are named: a file whatever it is called, of a folder with all folders in it what begins as a
 * picture, and what a pattern matches (`*`, `**`, `?`, `[abc]`, `{a,b}`). A path that is there is taken as it is, even if
 * it looks like a pattern. Nothing is thrown for what is not there: it is among the problems.
 *
 * @param names As typed.
 */
export async function picturePaths(names: readonly string[]): Promise<PicturePaths> {
  const files = new Set<string>();
  const problems: { file: string; problem: string }[] = [];
  const skipped: Skipped[] = [];
  const list = lister(skipped);
  const add = async (path: string): Promise<void> => {
    if (!await isFolder(path)) files.add(path);
    else for (const file of await list(path)) files.add(file);
  };
  for (const name of names) {
    if (await isThere(name)) {
      await add(name);
      continue;
    }
    const matches = /[*?[{]/.test(name) ? await matching(name) : [];
    if (matches.length === 0) {
      const what = /[*?[{]/.test(name) ? "no file matches it" : "no such file or folder";
      problems.push({ file: name, problem: `Cannot read ${name}: ${what}` });
    }
    for (const match of matches) await add(match);
  }
  for (const { path, reason } of skipped) {
    if (reason === "unreadable") {
      problems.push({ file: path, problem: `Cannot read ${path}: it cannot be opened, or is no picture` });
    }
    if (reason === "empty") problems.push({ file: path, problem: `Cannot read ${path}: it is empty` });
  }
  const others = skipped.filter(({ reason }) => reason === "other").length;
  return { files: [...files], problems, others };
}

/** Whether something is at a path; what may not be looked at is found out when it is read. */
async function isThere(path: string): Promise<boolean> {
  try {
    return await statIfThere(path) !== undefined;
  } catch (error) {
    if (systemError(error) === undefined) throw error;
    return !(error instanceof Deno.errors.NotADirectory || /[*?[{]/.test(path));
  }
}

async function matching(pattern: string): Promise<string[]> {
  return (await Array.fromAsync(glob(pattern))).sort(byCodePoints);
}
