/** This package: its version, its files, and how a person calls its tasks. */
import { fromFileUrl } from "@std/path";
import config from "../../deno.json" with { type: "json" };

/** The version that it is published as. */
export const VERSION: string = config.version;

/** The command-line entry as JSR names it, of any version: `jsr:@scope/name@1/cli`. */
const JSR_ENTRY = new RegExp(`^jsr:/?${config.name}(@[^/]+)?/cli$`);

/**
 * One of its files, beside the code: on this disk, or on a server where the code came from one.
 * @param path From the package's root.
 */
export function packageFile(path: string, here: string = import.meta.url): URL {
  return new URL(`../../${path}`, here);
}

/**
 * What `deno run -A` takes to start the command-line entry: as the program was started, if it was by that, else where
 * the code is. On a server that is not JSR the names of packages need the map in `deno.json`.
 *
 * @param main URL of the program, as it was asked for: from JSR it begins with `jsr:`.
 * @param here URL of this module.
 */
export function entryArgs(main: string = Deno.mainModule, here: string = import.meta.url): string[] {
  if (JSR_ENTRY.test(main)) return [main];
  const entry = packageFile("scripts/main.ts", here);
  if (entry.protocol === "file:") return [fromFileUrl(entry)];
  const { name, version } = config;
  if (entry.pathname === `/${name}/${version}/scripts/main.ts`) return [`jsr:${name}@${version}/cli`];
  return [`--import-map=${packageFile("deno.json", here)}`, entry.href];
}

/**
 * What a person types to run a task: `deno task NAME` in a checkout, the command-line entry where the program was
 * started by it, or where there is no checkout because the code came from a server.
 *
 * @param task The task's name, with flags if there are any.
 * @param main As `entryArgs` takes it.
 * @param here As `entryArgs` takes it.
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(taskCommand("train --seed 1"), "deno task train --seed 1");
 * ```
 */
export function taskCommand(
  task: string,
  main: string = Deno.mainModule,
  here: string = import.meta.url,
): string {
  const entry = packageFile("scripts/main.ts", here);
  const isTask = entry.protocol === "file:" && entry.href !== main && !JSR_ENTRY.test(main);
  return isTask ? `deno task ${task}` : `deno run -A ${entryArgs(main, here).join(" ")} ${task}`;
}
