/** Processes of Deno that tests start. Like the tests themselves they may do all but reach another machine. */
import { fromFileUrl } from "@std/path";
import { packageFile } from "../runtime/system/package.ts";

/** The permissions, as flags of `deno run`: those that `deno.json` gives the tests. */
export const CHILD_PERMISSIONS: readonly string[] = [
  ...["--allow-read", "--allow-write", "--allow-env", "--allow-run", "--allow-ffi", "--allow-sys"],
  "--allow-net=127.0.0.1",
  "--allow-import=127.0.0.1",
  "--no-prompt",
];

/** What `deno` is given to run a program with the project's settings. */
export function runArgs(program: string, ...args: string[]): string[] {
  const config = fromFileUrl(packageFile("deno.json"));
  return ["run", ...CHILD_PERMISSIONS, "--quiet", "--no-check", "--config", config, program, ...args];
}

/** The same for a piece of code, in which `./` of an import is the project's root. */
export function codeArgs(code: string): string[] {
  const root = packageFile(".").href;
  const located = code.replaceAll(/ from "\.\//g, ` from "${root}`);
  return runArgs(`data:application/typescript,${encodeURIComponent(located)}`);
}
