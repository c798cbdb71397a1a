/** A task as a process of its own, as `deno task` starts it. */
import { fromFileUrl } from "@std/path";
import { packageFile } from "../../runtime/system/package.ts";

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
  const config = fromFileUrl(new URL("../../deno.json", import.meta.url));
  const script = fromFileUrl(new URL(`../../scripts/${file}`, import.meta.url));
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "--config", config, script, ...args],
    env: { RESNET_DEBUG: "", NO_COLOR: "1", ...env },
    cwd,
  }).output();
  const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

/** What a task prints for `--help`, without a process of its own. */
export async function helpOf(name: string): Promise<string> {
  const { main }: { main: (args: readonly string[]) => Promise<void> } = await import(
    packageFile(`scripts/${name}.ts`).href
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
