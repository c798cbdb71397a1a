/** What a page looks like to a person: a browser without a window, as a process. */
import { join } from "@std/path";
import { granted } from "./needs.ts";

const names = ["chromium", "chromium-browser", "google-chrome"];

/** The browser's program, if there is one and it may be started. */
export const CHROMIUM: string | undefined = granted("run", "read", "write", "env")
  ? names.flatMap((name) => (Deno.env.get("PATH") ?? "").split(":").map((dir) => join(dir, name)))
    .find((path) => isFile(path))
  : undefined;

if (CHROMIUM === undefined && granted("run")) console.log(`Without ${names[0]} no page is looked at`);

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/** A page after its scripts ran, and what it wrote to the console: its own words and the browser's errors. */
export async function render(
  path: string,
  { width = 1000, dark = false } = {},
): Promise<{ html: string; console: string[] }> {
  const dir = await Deno.makeTempDir();
  try {
    const { stdout, stderr } = await new Deno.Command(CHROMIUM!, {
      args: [
        ...["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--enable-logging=stderr"],
        ...(dark ? ["--blink-settings=preferredColorScheme=0"] : []),
        ...[`--user-data-dir=${dir}`, `--window-size=${width},800`, "--virtual-time-budget=10000"],
        ...["--dump-dom", `file://${path}`],
      ],
    }).output();
    const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
    return { html: text(stdout), console: text(stderr).split("\n").filter((line) => /CONSOLE/.test(line)) };
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}
