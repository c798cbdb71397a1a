/** Installs libtensorflow into the cache: beside its place first, then in one rename, under a lock. */
import { statfs } from "node:fs/promises";
import { dirname, join } from "@std/path";
import { formatBytes } from "../system/bytes.ts";
import { UserError } from "../system/errors.ts";
import { statIfThere } from "../system/files.ts";
import { withLock, withoutLockLine } from "../system/lock.ts";
import { taskCommand } from "../system/package.ts";
import type { Progress } from "../system/progress.ts";
import { findInstalled, libraryFolder, locate, type Located, versionBeside } from "./locate.ts";
import { keepRuntime, linkRuntime } from "./packages.ts";
import { CACHE_VARIABLE, cacheFolder, LIBRARY_VARIABLE } from "./paths.ts";
import { downloadPackages, findPip, PIP_COMMANDS, type PipCommand } from "./pip.ts";
import {
  type Distribution,
  installName,
  isCompatible,
  libraryNames,
  TENSORFLOW_MINOR,
  thisDistribution,
} from "./platform.ts";
import { type Stamp, writeStamp } from "./stamp.ts";

/** What to install. */
export interface InstallOptions {
  /** Whether it must be the build for NVIDIA's GPUs. */
  gpu: boolean;
  /** Where the download reports itself. */
  progress: Progress;
}

/** Where and from what to install; for tests, which have no 274 MB to download. */
export interface InstallSource {
  /** The cache folder. */
  readonly cache: string;
  /** What to install. */
  readonly distribution: Distribution;
  /** The ways to call pip. */
  readonly pips: readonly PipCommand[];
}

const LOCK = "install.lock";
const STAGING = ".staging-";

/**
 * The libtensorflow of this machine: one that is there, or else the pinned build, downloaded into the cache.
 *
 * @throws {UserError} If there is none and it cannot be installed; nothing half-installed is left then.
 * @example
 * ```ts ignore
 * const { directory } = await ensureLibrary({ gpu: false, progress: silent });
 * ```
 */
export async function ensureLibrary(options: InstallOptions): Promise<Located> {
  return await locate(options) ?? await install(options);
}

/**
 * Installs the pinned build with pip, each file's hash being required. Says first what it downloads, from where, how
 * much and to which folder. A second install at the same time waits for the first, and takes what that one made.
 *
 * @throws {UserError} If the platform has no build, pip or the space is missing, the download or its hash fails, or the
 * cache cannot be written.
 */
export async function install(
  { gpu, progress }: InstallOptions,
  source: InstallSource = { cache: cacheFolder(), distribution: thisDistribution(gpu), pips: PIP_COMMANDS },
): Promise<Located> {
  const { cache, distribution } = source;
  return await exclusively(cache, progress, async () => {
    const there = await findInstalled(gpu, { cache, ...Deno.build });
    if (there !== undefined) return there;
    await requireSpace(cache, distribution.downloadBytes + distribution.unpackedBytes);
    const pip = await findPip(source.pips);
    const { version } = distribution.requirements[0];
    const sizes = [distribution.downloadBytes, distribution.unpackedBytes, distribution.keptBytes].map(
      formatBytes,
    );
    progress.message(
      `Installing TensorFlow ${version}${
        distribution.gpu ? " for CUDA" : ""
      } from PyPI through pip into ${cache}: ` +
        `${sizes[0]} to download, ${sizes[1]} unpacked, ${sizes[2]} kept`,
    );
    return await inStaging(cache, async (staging, finished) => {
      await keepRuntime(await downloadPackages(pip, distribution, staging, progress), finished);
      return await finish(finished, {
        version,
        gpu,
        source: `${distribution.requirements[0].name} ${version} of PyPI`,
        sha256: distribution.requirements[0].sha256,
        date: new Date().toISOString(),
      });
    });
  });
}

/**
 * Installs from a folder that holds libtensorflow already, such as Python's `site-packages`: its libraries, and NVIDIA's
 * beside them, are linked into the cache where the disk is the same, else copied. What was in the cache is replaced.
 *
 * @param folder The folder with the libraries, or the one above it.
 * @throws {UserError} If the libraries are not there, or not of release 2.21.
 */
export async function installFrom(
  folder: string,
  { progress }: { progress: Progress },
  cache: string = cacheFolder(),
): Promise<Located> {
  const names = libraryNames(Deno.build.os);
  const library = await libraryFolder(folder, names);
  if (library === undefined) {
    throw new UserError(
      `Cannot install from ${folder}: found no ${names.cc} there or in its folder tensorflow; name the folder that holds it`,
    );
  }
  const version = await versionBeside(library);
  if (version === undefined || !isCompatible(version)) {
    const found = version === undefined
      ? "no tensorflow-*.dist-info beside it that tells its version"
      : version;
    throw new UserError(
      `Cannot install from ${folder}: found ${found}, expected TensorFlow ${TENSORFLOW_MINOR}; ` +
        `name another folder, or run "${taskCommand("setup")}" to download it`,
    );
  }
  const gpu = await isFolder(join(dirname(library), "nvidia", "cudnn"));
  return await exclusively(cache, progress, async () => {
    progress.message(`Installing TensorFlow ${version} from ${library} into ${cache}`);
    return await inStaging(cache, async (_, finished) => {
      await linkRuntime(library, finished);
      return await finish(finished, { version, gpu, source: library, date: new Date().toISOString() });
    });
  });
}

/** Removes every install from the cache, and what killed ones left. Other files in that folder are not touched. */
export async function removeInstalled(progress: Progress, cache: string = cacheFolder()): Promise<void> {
  if (!await isFolder(cache)) return;
  await exclusively(cache, progress, async () => {
    for await (const { name } of Deno.readDir(cache)) {
      if (/^tensorflow-\d+\.\d+-[a-z]+-\w+$/.test(name)) {
        await Deno.remove(join(cache, name), { recursive: true });
        progress.message(`Removed ${join(cache, name)}`);
      }
    }
  });
}

/** Runs `work` as the only install in this cache folder, without the leavings of killed ones. */
async function exclusively<T>(cache: string, progress: Progress, work: () => Promise<T>): Promise<T> {
  const onWait = () => progress.message(`Waiting for another process that is installing into ${cache}`);
  try {
    return await withLock(join(cache, LOCK), onWait, async (isLocked) => {
      if (!isLocked) progress.message(withoutLockLine(cache, "installs"));
      for await (const { name } of isLocked ? Deno.readDir(cache) : []) {
        if (name.startsWith(STAGING)) await removeStaging(join(cache, name));
      }
      return await work();
    });
  } catch (error) {
    // A bug of ours is not the cache folder's fault.
    if (!(error instanceof Error) || !("code" in error)) throw error;
    throw new UserError(
      `Cannot install into ${cache}: ${error.message}; set ${CACHE_VARIABLE} to a folder that can be written, ` +
        `or ${LIBRARY_VARIABLE} to one that holds libtensorflow_cc ${TENSORFLOW_MINOR}`,
    );
  }
}

/** Removes a staging folder. A pip that outlived its caller may be writing there, and stops when the folder has another name. */
async function removeStaging(staging: string): Promise<void> {
  const renamed = staging.endsWith(".stale") ? staging : `${staging}.stale`;
  if (renamed !== staging) await Deno.rename(staging, renamed);
  await Deno.remove(renamed, { recursive: true });
}

/** Lets `fill` make the folder `finished` inside a staging folder, then gives it its name. The rest goes, come what may. */
async function inStaging(
  cache: string,
  fill: (staging: string, finished: string) => Promise<Stamp>,
): Promise<Located> {
  const staging = await Deno.makeTempDir({ dir: cache, prefix: STAGING });
  const place = join(cache, installName(Deno.build.os, Deno.build.arch));
  try {
    const finished = join(staging, "finished");
    const { version } = await fill(staging, finished);
    // What is there is damaged, without CUDA where it is wanted, or to be replaced by --from.
    if (await isFolder(place)) await Deno.rename(place, join(staging, "replaced"));
    await Deno.rename(finished, place);
    return { directory: join(place, "tensorflow"), version, source: "cache" };
  } finally {
    await removeStaging(staging);
  }
}

async function finish(folder: string, stamp: Omit<Stamp, "files">): Promise<Stamp> {
  const { cc, framework } = libraryNames(Deno.build.os);
  return await writeStamp(folder, stamp, [join("tensorflow", cc), join("tensorflow", framework)]);
}

/** Throws unless so many bytes are free on the disk of a folder. One that does not tell its size counts as large enough. */
async function requireSpace(folder: string, bytes: number): Promise<void> {
  const { blocks, bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  if (blocks > 0 && free < bytes) {
    throw new UserError(
      `Cannot install TensorFlow into ${folder}: found ${formatBytes(free)} of free space, ` +
        `${
          formatBytes(bytes)
        } are needed meanwhile; free some, or set ${CACHE_VARIABLE} to a folder on another disk`,
    );
  }
}

async function isFolder(path: string): Promise<boolean> {
  return (await statIfThere(path))?.isDirectory ?? false;
}
