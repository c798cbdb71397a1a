/**
 * Local stand-in for `jsr:@std/path` 1.x: the functions this project uses, for the platform it runs on, with the
 * published package's signatures and semantics. `links` in deno.json puts it in that package's place.
 */
import * as path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/** The last part of a path, without `suffix`: `basename("a/b.txt", ".txt")` is `"b"`; of the root, the root. */
export function basename(of: string, suffix = ""): string {
  const name = path.basename(of) || of.slice(0, 1);
  return name.length > suffix.length && name.endsWith(suffix)
    ? name.slice(0, name.length - suffix.length)
    : name;
}

/** The path without its last part: `dirname("a/b.txt")` is `"a"`. */
export function dirname(of: string): string {
  return path.dirname(of).replace(/(?<=[^])\/+$/, "");
}

/** The extension with its dot: `extname("a/b.txt")` is `".txt"`. */
export function extname(of: string): string {
  return path.extname(of);
}

/** Whether a path starts at the root. */
export function isAbsolute(of: string): boolean {
  return path.isAbsolute(of);
}

/** Joins parts into one normalised path. */
export function join(first: string, ...others: string[]): string {
  return path.join(first, ...others);
}

/** The way from one path to another. */
export function relative(from: string, to: string): string {
  return path.relative(from, to);
}

/** The absolute path that the parts lead to, from the working directory. */
export function resolve(...parts: string[]): string {
  return path.resolve(...parts);
}

/**
 * The path that a `file:` URL names.
 * @throws {TypeError} If the URL has another scheme.
 */
export function fromFileUrl(url: string | URL): string {
  const { href, protocol } = new URL(url);
  if (protocol !== "file:") {
    throw new TypeError(`URL must be a file URL: received "${protocol}"`);
  }
  // A percent sign that escapes nothing stands for itself.
  return fileURLToPath(href.replaceAll(/%(?![0-9a-f]{2})/gi, "%25"));
}

/**
 * The `file:` URL of an absolute path. It may escape more characters than the published one, such as `~`.
 * @throws {TypeError} If the path is relative.
 */
export function toFileUrl(of: string): URL {
  if (!path.isAbsolute(of)) {
    throw new TypeError(`Path must be absolute: received "${of}"`);
  }
  return pathToFileURL(of);
}
