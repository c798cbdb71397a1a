/** Where things are kept outside the project. */
import { resolve } from "@std/path";
import { UserError } from "../system/errors.ts";

/** The environment variable that moves the cache folder. */
export const CACHE_VARIABLE = "RESNET_DENO_CACHE";

/** The environment variable that names a folder with libtensorflow in it. */
export const LIBRARY_VARIABLE = "RESNET_TENSORFLOW_DIR";

/** Reads an environment variable; empty counts as unset. */
export type Env = (name: string) => string | undefined;

/** The environment of this process. */
export function processEnv(name: string): string | undefined {
  return Deno.env.get(name) || undefined;
}

/**
 * The cache folder of an operating system's convention: `$XDG_CACHE_HOME/resnet-deno` or `~/.cache/resnet-deno`,
 * `~/Library/Caches/resnet-deno` on macOS, `%LOCALAPPDATA%\resnet-deno` on Windows. `RESNET_DENO_CACHE` overrides it.
 *
 * @throws {UserError} If none of the variables that would place it is set.
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(cacheFolderOf("linux", (name) => ({ HOME: "/home/me" })[name]), "/home/me/.cache/resnet-deno");
 * ```
 */
export function cacheFolderOf(os: typeof Deno.build.os, env: Env): string {
  const override = env(CACHE_VARIABLE);
  if (override !== undefined) return override;
  const home = env("HOME");
  if (os === "windows") {
    const local = env("LOCALAPPDATA");
    if (local !== undefined) return `${local}\\resnet-deno`;
  } else if (os === "darwin") {
    if (home !== undefined) return `${home}/Library/Caches/resnet-deno`;
  } else {
    // The XDG base directory specification: a relative path is invalid and is to be ignored.
    const xdg = env("XDG_CACHE_HOME");
    if (xdg?.startsWith("/")) return `${xdg}/resnet-deno`;
    if (home !== undefined) return `${home}/.cache/resnet-deno`;
  }
  const missing = os === "windows" ? "LOCALAPPDATA" : "HOME";
  throw new UserError(
    `Cannot place the cache folder: ${missing} is not set; set ${CACHE_VARIABLE} to a folder`,
  );
}

/** The absolute path of this machine's cache folder. It need not exist yet. */
export function cacheFolder(): string {
  return resolve(cacheFolderOf(Deno.build.os, processEnv));
}
