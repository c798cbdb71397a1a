/** The images that a task works on, and which folders they are fetched into without being asked. */
import { basename, dirname, join, resolve } from "@std/path";
import {
  CIFAR10_FILES,
  type Data,
  FETCH_LOCK,
  fetchCifar,
  folderLines,
  listPictures,
  loadCifar,
  type LoadOptions,
  type PictureFolder,
  sharedPictures,
  shorterSides,
} from "../../pipeline/data/mod.ts";
import { photoSize, prepare, type Recipe, recipePictures } from "../../pipeline/training/mod.ts";
import { closest } from "../../runtime/system/closest.ts";
import { UserError } from "../../runtime/system/errors.ts";
import { exists, isFolder } from "../../runtime/system/files.ts";
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

/**
 * The pictures of a folder that has them in folders by class, and none of CIFAR-10's files; nothing if it is no such folder:
 * `cifarOf` then says what it is.
 * @throws {UserError} As `listPictures` does, but for the default folder, in which other things may stand.
 */
export async function picturesIn(dir: string): Promise<PictureFolder | undefined> {
  if (!await isFolder(dir)) return undefined;
  const entries = await Array.fromAsync(Deno.readDir(dir));
  const cifar = [FETCH_LOCK, ...CIFAR10_FILES.map(({ name }) => name)];
  if (entries.some(({ name }) => cifar.includes(name))) return undefined;
  if (
    !entries.some(({ name, isDirectory, isSymlink }) => (isDirectory || isSymlink) && !name.startsWith("."))
  ) {
    return undefined;
  }
  try {
    return await listPictures(dir);
  } catch (error) {
    if (error instanceof UserError && resolve(dir) === resolve(dataFlag.default)) return undefined;
    throw error;
  }
}

/** How pictures are loaded. */
export interface PictureFlags {
  /** Whether a file that is no picture is refused. */
  readonly strict: boolean;
  /** Bytes of memory for decoded pictures. */
  readonly cache?: LoadOptions["cache"];
  /** Hears what was found. */
  readonly progress: Progress;
}

/**
 * A folder of pictures as the data of a recipe; a line says what was found.
 * @throws {UserError} As `recipePictures` does; with `strict` if a file is no picture.
 */
export async function picturesOf(
  folder: PictureFolder,
  recipe: Recipe,
  { strict, cache, progress }: PictureFlags,
): Promise<Data> {
  const refuse = (skipped: PictureFolder["skipped"]): void => {
    if (!strict || skipped.length === 0) return;
    const [{ path, reason }] = skipped;
    const others = skipped.length - 1;
    throw new UserError(
      `Cannot use all of ${folder.root}: ${path} is ${reason === "other" ? "no picture" : reason}` +
        (others === 0 ? "; take it out" : `, and so are ${others} other files; take them out`) +
        ", or leave out --strict",
    );
  };
  refuse(folder.skipped); // before the others are decoded
  const { folder: found, data } = await recipePictures(folder, recipe, { cache, progress });
  const { train, validation, test } = prepare(data, recipe);
  folderLines(found, {
    train: train.indices.length,
    validation: validation?.indices.length,
    test: test?.indices.length,
  }).forEach((line) => progress.message(line));
  refuse(found.skipped);
  for (const [name, part] of Object.entries({ validation, test })) {
    const shared = part === undefined ? 0 : sharedPictures(train, part);
    if (shared > 0) {
      progress.message(
        `${shared} of the ${name} images are training images, byte for byte: its figure tells less`,
      );
    }
  }
  return data;
}

/** How the images of a folder are loaded. */
export interface ImageOptions extends PictureFlags {
  /** Starts the runtime, which decodes pictures; CIFAR-10 is fetched before. */
  readonly start: () => Promise<void>;
  /** What `picturesIn` says of the folder, where it was asked already. */
  readonly listed?: PictureFolder;
  /** Gives the images of a folder without pictures; `cifarOf` unless given. */
  readonly load?: typeof cifarOf;
}

/**
 * The images of a folder as the data of a recipe: its pictures, or CIFAR-10. The runtime is started on the way.
 * @param dir The value of `--data`.
 * @throws {UserError} As `picturesOf` and `cifarOf` do.
 */
export async function imagesIn(
  dir: string,
  recipe: Recipe,
  { start, listed, load = cifarOf, ...flags }: ImageOptions,
): Promise<Data> {
  const folder = listed ?? await picturesIn(dir);
  const loaded = folder === undefined ? await load(dir, flags.progress) : undefined;
  await start();
  return loaded ?? await picturesOf(folder!, recipe, flags);
}

/** How large the recipe `photos` makes the images of a folder, and why, in a line. */
export function photoSizeOf(folder: PictureFolder): { readonly size: number; readonly why: string } {
  const { size, median } = photoSize(shorterSides(folder.train));
  const why = median < size
    ? `the smallest that there is, although half of the pictures are not above ${median} on their shorter side`
    : `which half of the pictures fill (the middle one of their shorter sides is ${median})`;
  return { size, why: `Images of ${size} x ${size} pixels, ${why}` };
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
