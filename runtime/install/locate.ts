/** Finds a libtensorflow that is already on this machine. Nothing is downloaded, imported or loaded here. */
import { dirname, join, resolve } from "@std/path";
import { UserError } from "../system/errors.ts";
import { explainFileErrors, systemError } from "../system/file_errors.ts";
import { exists } from "../system/files.ts";
import type { Progress } from "../system/progress.ts";
import { jsonOf, list, text } from "../system/schema.ts";
import { CACHE_VARIABLE, cacheFolder, type Env, LIBRARY_VARIABLE, processEnv } from "./paths.ts";
import { installName, isCompatible, type LibraryNames, libraryNames, TENSORFLOW_MINOR } from "./platform.ts";
import { readStamp } from "./stamp.ts";

/** A libtensorflow that was found. */
export interface Located {
  /** The absolute path of the folder that holds the two libraries. */
  readonly directory: string;
  /** TensorFlow's version, e.g. "2.21.0"; "unknown" for an explicit folder that has nothing beside it to tell. */
  readonly version: string;
  /** Where it was found: the environment variable's folder, our cache, or a Python. */
  readonly source: "environment" | "cache" | "python";
}

/** Where to look. */
export interface Places {
  /** The cache folder. */
  readonly cache: string;
  /** The environment variables. */
  readonly env: Env;
  /** The Pythons to ask, in this order; the first one that answers counts. */
  readonly pythons: readonly string[];
  /** The machine: an operating system and an architecture, as Deno names them. */
  readonly os: typeof Deno.build.os;
  /** See `os`. */
  readonly arch: typeof Deno.build.arch;
}

/** The places of this machine. */
export function thesePlaces(): Places {
  const { os, arch } = Deno.build;
  return { cache: cacheFolder(), env: processEnv, pythons: ["python3", "python"], os, arch };
}

/**
 * Looks for libtensorflow: in the folder that `RESNET_TENSORFLOW_DIR` names, in our cache, in the packages of Python.
 * Of Python only release 2.21 is taken; another one is named in a message and skipped.
 *
 * @param options.gpu Takes only a build with NVIDIA's libraries (an explicit folder is taken as it is).
 * @returns What was found first, or `undefined`.
 * @throws {UserError} If the explicit folder does not hold the libraries, or those of another release.
 */
export async function locate(
  options: { gpu: boolean; progress: Progress },
  places: Places = thesePlaces(),
): Promise<Located | undefined> {
  return await explicit(places) ?? await findInstalled(options.gpu, places) ??
    await fromPython(options, places);
}

/** The folder that the environment variable names, if it is set. */
async function explicit({ env, os }: Places): Promise<Located | undefined> {
  const folder = env(LIBRARY_VARIABLE);
  if (folder === undefined) return undefined;
  const directory = await libraryFolder(folder, libraryNames(os));
  if (directory === undefined) {
    throw new UserError(
      `Cannot use ${LIBRARY_VARIABLE}=${folder}: found no ${
        libraryNames(os).cc
      } there or in its folder tensorflow; ` +
        "set it to the folder that holds the library, or unset it",
    );
  }
  const version = await versionBeside(directory) ?? "unknown";
  if (version !== "unknown" && !isCompatible(version)) {
    throw new UserError(
      `Cannot use ${LIBRARY_VARIABLE}=${folder}: found TensorFlow ${version}, not ${TENSORFLOW_MINOR}; ` +
        "set it to the folder of that release, or unset it",
    );
  }
  return { directory, version, source: "environment" };
}

/** The install in the cache, if it is whole. */
export async function findInstalled(
  gpu: boolean,
  { cache, os, arch }: Pick<Places, "cache" | "os" | "arch">,
): Promise<Located | undefined> {
  const folder = join(cache, installName(os, arch));
  const stamp = await explainFileErrors(
    `Cannot look for TensorFlow in ${cache}`,
    `set ${CACHE_VARIABLE} to a folder that can be read and written`,
    () => readStamp(folder),
  );
  if (stamp === undefined || (gpu && !stamp.gpu)) return undefined;
  return { directory: join(folder, "tensorflow"), version: stamp.version, source: "cache" };
}

/** A TensorFlow among Python's packages, found by the names of folders: importing it would take seconds. */
async function fromPython(
  { gpu, progress }: { gpu: boolean; progress: Progress },
  { pythons, os }: Places,
): Promise<Located | undefined> {
  for (const site of await sitePaths(pythons)) {
    const directory = await libraryFolder(join(site, "tensorflow"), libraryNames(os));
    const version = directory && await versionBeside(directory);
    if (!directory || !version) continue;
    if (!isCompatible(version)) {
      progress.message(`Skipping Python's TensorFlow ${version} in ${site}: ${TENSORFLOW_MINOR} is needed`);
    } else if (gpu && !await isSeen(join(site, "nvidia", "cudnn"))) {
      progress.message(`Skipping Python's TensorFlow ${version} in ${site}: it has no CUDA libraries`);
    } else return { directory, version, source: "python" };
  }
  return undefined;
}

/** Where the first Python that answers looks for packages; none if there is no Python. */
async function sitePaths(pythons: readonly string[]): Promise<string[]> {
  for (const python of pythons) {
    try {
      const { success, stdout } = await new Deno.Command(python, {
        args: [
          "-c",
          "import json, sys; print(json.dumps([path for path in sys.path if isinstance(path, str)]))",
        ],
        stdin: "null",
        stderr: "null",
      }).output();
      if (!success) continue;
      const paths = jsonOf(list(text), new TextDecoder().decode(stdout));
      // "" is the working directory, which is not a place of packages.
      if (paths !== undefined) return paths.filter((path) => path !== "");
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return [];
}

/** The folder with the libraries: the given one, or the folder `tensorflow` in it. */
export async function libraryFolder(folder: string, names: LibraryNames): Promise<string | undefined> {
  for (const directory of [resolve(folder), resolve(folder, "tensorflow")]) {
    if (await isSeen(join(directory, names.cc)) && await isSeen(join(directory, names.framework))) {
      return directory;
    }
  }
  return undefined;
}

/** The version of the library in a folder, by the `tensorflow*-VERSION.dist-info` that pip put beside the folder. */
export async function versionBeside(directory: string): Promise<string | undefined> {
  try {
    for await (const { name } of Deno.readDir(dirname(directory))) {
      const version = distInfoVersion(name);
      if (version !== undefined) return version;
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound || error instanceof Deno.errors.PermissionDenied)) {
      throw error;
    }
  }
  return undefined;
}

/** `2.21.0` of `tensorflow_cpu-2.21.0.dist-info`; `undefined` for other packages' folders. */
export function distInfoVersion(name: string): string | undefined {
  return /^tensorflow(?:_cpu|_gpu|_cpu_aws|_macos|_rocm)?-(\d[^-]*)\.dist-info$/.exec(name)?.[1];
}

/**
 * Whether there is something at a path, among folders that are somebody else's: where one may not look, or the system
 * cannot, there is nothing.
 */
async function isSeen(path: string): Promise<boolean> {
  try {
    return await exists(path);
  } catch (error) {
    if (systemError(error) !== undefined) return false;
    throw error;
  }
}
