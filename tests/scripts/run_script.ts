/** A task as a process of its own, as `deno task` starts it. */
import { fromFileUrl } from "@std/path";
import { packageFile } from "../../runtime/system/package.ts";
import { runArgs } from "../child.ts";

/** What a person would see of it. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a file of `scripts/` with the project's settings, in this folder unless another is given. */
export async function runScript(
  file: string,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
  cwd?: string,
): Promise<Outcome> {
  const script = fromFileUrl(packageFile(`scripts/${file}`));
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: runArgs(script, ...args),
    // Neither npm nor Deno's look for a newer Deno is held by permissions.
    env: {
      ...{ RESNET_DEBUG: "", NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
      npm_config_registry: "http://127.0.0.1:9/",
      ...env,
    },
    cwd,
  }).output();
  const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

/** What the task of a file prints for `--help`, without a process of its own. */
export async function helpOf(file: string): Promise<string> {
  const { main }: { main: (args: readonly string[]) => Promise<void> } = await import(
    packageFile(file).href
  );
  const log = console.log;
  const printed: string[] = [];
  console.log = (text: string) => void printed.push(text);
  try {
    void main(["--help"]); // prints at once
  } finally {
    console.log = log;
  }
  return printed.join("\n");
}
