/** A folder of pictures, each class in a folder of its own: what is in it, before anything is decoded. */
import { join } from "@std/path";
import { UserError } from "../../runtime/system/errors.ts";
import { eventGate } from "../../runtime/system/events.ts";
import { systemError } from "../../runtime/system/file_errors.ts";
import { cutPath, oneLine, quote } from "../../runtime/system/texts.ts";
import { formatOf } from "./images/header.ts";

/** A picture and its class. */
export interface PictureFile {
  /** From the current folder on. */
  readonly path: string;
  /** Its class number. */
  readonly label: number;
}

/** Why a file is not among the pictures. */
export type SkipReason =
  /** It has no bytes. */
  | "empty"
  /** It cannot be opened, or is called a picture and is none that can be decoded. */
  | "unreadable"
  /** It is not meant to be a picture: by its name and by its bytes, since it is hidden, or since it is in no class. */
  | "other";

/** A file that is not among the pictures. */
export interface Skipped {
  /** From the current folder on. */
  readonly path: string;
  /** Why it is none. */
  readonly reason: SkipReason;
}

/** What is in a folder of pictures. */
export interface PictureFolder {
  /** As it was given. */
  readonly root: string;
  /** Names of the classes that have training pictures, by class number: in the order of their characters' numbers. */
  readonly classes: readonly string[];
  /** Class by class, in each in the order of the folders, then of the files. */
  readonly train: readonly PictureFile[];
  /** Of the folder `val`, `valid` or `validation`, if there is one. */
  readonly validation?: readonly PictureFile[];
  /** Of the folder `test`, if there is one. */
  readonly test?: readonly PictureFile[];
  /** Folders of classes without a training picture; they are no classes. */
  readonly emptyClasses: readonly string[];
  /** What else there is. */
  readonly skipped: readonly Skipped[];
}

/** Folders that are parts of a data set, not classes. */
const PARTS = { train: ["train"], validation: ["val", "valid", "validation"], test: ["test"] };

/** One of them. */
type Part = keyof typeof PARTS;

/** Folders and files that are looked at before signals are heard. */
const AT_ONCE = 1000;

/** How files are called that are meant to be pictures. */
const PICTURE_NAME = /\.(jpe?g|jpe|jfif|png|gif|bmp|webp|tiff?|heic|heif|avif)$/i;

/**
 * Lists a folder of pictures: `root/CLASS/**`, or `root/train/CLASS/**` with `val` (or `valid`, `validation`) and `test`
 * beside it, if its folders are called so and no other is there. A file is a picture by its first bytes, whatever it is
 * called; links are followed, and of a class each folder is entered once, however many links lead there.
 *
 * Classes and files are in the order of torchvision's `ImageFolder`, which goes by the names' code points.
 *
 * @throws {UserError} If the folder cannot be listed, has no two classes with training pictures, or another part has a class
 *   that the training pictures have not.
 * @example
 * ```ts
 * import { listPictures } from "@resnet/deno";
 *
 * async function count(): Promise<void> {
 *   const { classes, train } = await listPictures("photos");
 *   console.log(train.length, "pictures of", classes);
 * }
 * ```
 */
export async function listPictures(root: string): Promise<PictureFolder> {
  const fail = (problem: string): UserError =>
    new UserError(`Cannot use the pictures in ${root}: ${problem}`);
  const skipped: Skipped[] = [];
  const list = lister(skipped);
  const { folders, files } = open(root, fail);
  files.forEach((name) => skipped.push({ path: join(root, name), reason: "other" }));
  const parts = partsOf(folders, fail);
  const found = new Map<Part, ReadonlyMap<string, readonly string[]>>();
  for (const [part, folder] of parts) {
    const dir = folder === undefined ? root : join(root, folder);
    const inside = folder === undefined ? { folders, files: [] } : open(dir, fail);
    inside.files.forEach((name) => skipped.push({ path: join(dir, name), reason: "other" }));
    const pictures = new Map<string, readonly string[]>();
    for (const name of inside.folders) pictures.set(name, await list(join(dir, name)));
    found.set(part, pictures);
  }
  return assembled(root, found, skipped);
}

/** Paths by part, then by the name of the class; the classes in order. */
type Found = ReadonlyMap<Part, ReadonlyMap<string, readonly string[]>>;

/**
 * A folder without files that turned out to be no pictures: they are among the skipped ones, and classes of which no
 * training picture is left are none any more.
 * @throws {UserError} As `listPictures` does.
 */
export function withoutFiles(folder: PictureFolder, unreadable: ReadonlySet<string>): PictureFolder {
  if (unreadable.size === 0) return folder;
  const { root, classes, emptyClasses, skipped } = folder;
  const byClass = (files: readonly PictureFile[]) =>
    new Map(
      [...classes, ...emptyClasses].sort(byCodePoints).map((name) => {
        const label = classes.indexOf(name);
        const left = files.filter((file) => file.label === label && !unreadable.has(file.path));
        return [name, left.map(({ path }) => path)] as const;
      }),
    );
  const parts = (Object.keys(PARTS) as Part[]).filter((part) => folder[part] !== undefined);
  const found = new Map(parts.map((part) => [part, byClass(folder[part]!)]));
  const more = [...unreadable].map((path): Skipped => ({ path, reason: "unreadable" }));
  return assembled(root, found, [...skipped, ...more]);
}

function assembled(root: string, found: Found, skipped: readonly Skipped[]): PictureFolder {
  const train = found.get("train")!;
  const classes = [...train.keys()].filter((name) => train.get(name)!.length > 0);
  if (classes.length < 2) {
    const of = classes.length === 0
      ? "there are no pictures in it"
      : `all are of one class, ${quote(classes[0])}`;
    const unreadable = skipped.filter(({ reason }) => reason === "unreadable").length;
    const more = unreadable > 0 ? ` (${unreadable} files cannot be decoded)` : "";
    throw failure(
      root,
      `${of}${more}; put those of each class, of which it takes two, into a folder of its own, ${root}/CLASS`,
    );
  }
  const filesOf = (part: Part): PictureFile[] => {
    const pictures = found.get(part)!;
    const stranger = [...pictures].find(([name, paths]) => paths.length > 0 && !train.get(name)?.length);
    if (stranger !== undefined) {
      throw failure(root, `${part} has the class ${quote(stranger[0])}, of which train has no picture`);
    }
    return classes.flatMap((name, label) => (pictures.get(name) ?? []).map((path) => ({ path, label })));
  };
  return {
    root,
    classes,
    train: filesOf("train"),
    ...(found.has("validation") && { validation: filesOf("validation") }),
    ...(found.has("test") && { test: filesOf("test") }),
    emptyClasses: [...train.keys()].filter((name) => train.get(name)!.length === 0),
    skipped,
  };
}

function failure(root: string, problem: string): UserError {
  return new UserError(`Cannot use the pictures in ${root}: ${problem}`);
}

/** Which folder has which part; `train` in the root itself if its folders are classes. */
function partsOf(
  folders: readonly string[],
  fail: (problem: string) => Error,
): ReadonlyMap<Part, string | undefined> {
  const isPart = (name: string) => Object.values(PARTS).flat().includes(name);
  if (folders.length === 0 || !folders.every(isPart)) return new Map([["train", undefined]]);
  const parts = new Map<Part, string>();
  for (const [part, names] of Object.entries(PARTS) as [Part, string[]][]) {
    const present = names.filter((name) => folders.includes(name));
    if (present.length > 1) throw fail(`it has both ${present.join(" and ")}; keep one of them`);
    if (present.length === 1) parts.set(part, present[0]);
  }
  if (!parts.has("train")) throw fail(`it has ${folders.join(" and ")}, but no train`);
  return parts;
}

/** The pictures of a class's folder, with all folders in it. */
export function lister(skipped: Skipped[]): (dir: string) => Promise<string[]> {
  const letEventsIn = eventGate();
  let looked = 0;
  const pause = async () => {
    if (++looked % AT_ONCE === 0) await letEventsIn();
  };
  const beginning = new Uint8Array(12);
  return async function list(dir) {
    const pictures: string[] = [];
    const entered = new Set<string>();
    // Sorted as whole paths, as Python's `sorted(os.walk(...))` does: "a-b" comes before "a/b".
    const ahead = [dir];
    const all: { readonly dir: string; readonly files: readonly string[] }[] = [];
    for (let next = ahead.pop(); next !== undefined; next = ahead.pop()) {
      try {
        const { dev, ino } = Deno.statSync(next);
        const id = `${dev}:${ino}`;
        if (ino !== null && entered.has(id)) continue;
        entered.add(id);
        const { folders, files } = open(next, () => new Error());
        all.push({ dir: next, files });
        for (const name of folders.toReversed()) ahead.push(join(next, name));
      } catch {
        skipped.push({ path: next, reason: "unreadable" });
      }
      await pause();
    }
    for (const { dir, files } of all.sort((a, b) => byCodePoints(a.dir, b.dir))) {
      for (const name of files) {
        await pause();
        const path = join(dir, name);
        const reason = whyNot(path, name, beginning);
        if (reason === undefined) pictures.push(path);
        else skipped.push({ path, reason });
      }
    }
    return pictures;
  };
}

/** Why a file is no picture; nothing if it is one. */
function whyNot(path: string, name: string, beginning: Uint8Array): SkipReason | undefined {
  if (name.startsWith(".")) return "other";
  const isMeant = PICTURE_NAME.test(name);
  try {
    // Not opened before it is known to be a file: whoever opens a pipe waits.
    if (!Deno.statSync(path).isFile) return "other";
    using file = Deno.openSync(path);
    const length = file.readSync(beginning) ?? 0;
    if (length === 0) return "empty";
    if (formatOf(beginning.subarray(0, length)) !== undefined) return undefined;
    return isMeant ? "unreadable" : "other";
  } catch {
    return "unreadable";
  }
}

/** Folders and all else in a folder, each in order; hidden folders are left out, a link to a folder is one. */
function open(
  dir: string,
  fail: (problem: string) => Error,
): { readonly folders: readonly string[]; readonly files: readonly string[] } {
  const folders: string[] = [];
  const files: string[] = [];
  try {
    for (const { name, isDirectory, isSymlink } of Deno.readDirSync(dir)) {
      if (!isDirectory && !(isSymlink && leadsToFolder(join(dir, name)))) files.push(name);
      else if (!name.startsWith(".")) folders.push(name);
    }
  } catch (error) {
    const said = systemError(error)?.said;
    if (said === undefined) throw error;
    throw fail(`${said}; name a folder with a folder of pictures for each class`);
  }
  return { folders: folders.sort(byCodePoints), files: files.sort(byCodePoints) };
}

function leadsToFolder(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false; // it leads nowhere
  }
}

/** How many images there are. */
export interface PartCounts {
  /** To train on. */
  readonly train: number;
  /** To choose by. */
  readonly validation?: number;
  /** For the final figure only. */
  readonly test?: number;
}

/**
 * What was found in a folder, a line each: `photos/: 2062 images in 10 classes (train 1650, validation 412), 0 unreadable`,
 * then the first five files of each kind that were left out.
 * @example
 * ```ts
 * import { folderLines, listPictures } from "@resnet/deno";
 *
 * async function show(root: string) {
 *   const folder = await listPictures(root);
 *   folderLines(folder, { train: folder.train.length }).forEach((line) => console.log(line));
 * }
 * ```
 */
export function folderLines(
  { root, classes, emptyClasses, skipped }: Pick<
    PictureFolder,
    "root" | "classes" | "emptyClasses" | "skipped"
  >,
  counts: PartCounts,
): string[] {
  const parts = Object.entries(counts).filter(([, count]) => count > 0);
  const images = parts.reduce((sum, [, count]) => sum + count, 0);
  const by = Map.groupBy(skipped, ({ reason }) => reason);
  const of = (reason: SkipReason) => by.get(reason)?.length ?? 0;
  const more = [
    `${of("unreadable")} unreadable`,
    ...(of("empty") > 0 ? [`${of("empty")} empty`] : []),
    ...(of("other") > 0 ? [`${of("other")} other files`] : []),
  ];
  const first = `${root.replace(/\/+$/, "")}/: ${images} images in ${classes.length} classes ` +
    `(${parts.map(([part, count]) => `${part} ${count}`).join(", ")}), ${more.join(", ")}`;
  const named = (what: string, names: readonly string[]): string[] => {
    if (names.length === 0) return [];
    const rest = names.length > NAMED ? ` and ${names.length - NAMED} more` : "";
    return [`${what}: ${names.slice(0, NAMED).map((name) => oneLine(cutPath(name))).join(", ")}${rest}`];
  };
  return [
    first,
    ...(["unreadable", "empty", "other"] as const).flatMap((reason) =>
      named(`Left out, ${reason}`, (by.get(reason) ?? []).map(({ path }) => path))
    ),
    ...named("Left out, classes without training images", emptyClasses),
  ];
}

/** Files that are named of each kind. */
const NAMED = 5;

/** The order of Python's strings: JavaScript's puts characters beyond U+FFFF before some that are below. */
export function byCodePoints(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    if (a.charCodeAt(i) === b.charCodeAt(i)) continue;
    const isLead = i > 0 && a.charCodeAt(i - 1) >= 0xd800 && a.charCodeAt(i - 1) < 0xdc00;
    const at = isLead ? i - 1 : i;
    return a.codePointAt(at)! - b.codePointAt(at)!;
  }
  return a.length - b.length;
}
