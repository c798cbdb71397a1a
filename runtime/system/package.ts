/** This package: its version, its files, and how a person calls its tasks. */
import { fromFileUrl, join } from "@std/path";
import config from "../../deno.json" with { type: "json" };
import { shellFlags, shellWord } from "./shell.ts";

/** The version that it is published as. */
export const VERSION: string = config.version;

/** The name of a task. */
export type TaskName = keyof typeof config.tasks;

/** What a task does, in one sentence: as `deno task` lists it. */
export function taskSummary(name: TaskName): string {
  return config.tasks[name].description;
}

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

/** Where a program runs and what it was started as; by default this one's. */
export interface Started {
  /** As `entryArgs` takes it. */
  readonly main?: string;
  /** As `entryArgs` takes it. */
  readonly here?: string;
  /** The folder that it runs in; nothing where it may not be known. */
  readonly folder?: string;
  /** Whether npx started the Deno that runs it. */
  readonly npx?: boolean;
}

/**
 * What a person types to run a task, to be pasted into a shell where the program was started: `deno task NAME` in a
 * checkout, the command-line entry where the program was started by it or runs in another folder, which paths in flags
 * are relative to, or where there is no checkout because the code came from a server. Where npx started Deno
 * it is npx that is typed: Deno itself may not be installed.
 *
 * @param task The task's name, with fixed flags if there are any.
 * @param flags Flags whose values come from elsewhere: each becomes one word, whatever it holds.
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(taskCommand("train --force", { run: "my run" }), "deno task train --force --run 'my run'");
 * ```
 */
export function taskCommand(
  task: string,
  flags: Readonly<Record<string, string>> = {},
  { main = Deno.mainModule, here = import.meta.url, folder = workingFolder(), npx = isNpx() }: Started = {},
): string {
  const line = [task, shellFlags(flags)].filter((part) => part !== "").join(" ");
  const entry = packageFile("scripts/main.ts", here);
  const isTask = entry.protocol === "file:" && entry.href !== main && !JSR_ENTRY.test(main) &&
    (folder === undefined || join(folder, "/") === fromFileUrl(packageFile(".", here)));
  const program = npx ? `npx -y deno@${Deno.version.deno}` : "deno";
  return isTask
    ? `${program} task ${line}`
    : `${program} run -A ${entryArgs(main, here).map(shellWord).join(" ")} ${line}`;
}

/** The folder that this program runs in; nothing if it may not read. */
function workingFolder(): string | undefined {
  try {
    return Deno.cwd();
  } catch {
    return undefined;
  }
}

/** Whether it was npx, or `npm exec`, that started Deno; not where the environment may not be read. */
function isNpx(): boolean {
  const variable = "npm_command";
  const { state } = Deno.permissions.querySync({ name: "env", variable });
  return state === "granted" && Deno.env.get(variable) === "exec";
}
