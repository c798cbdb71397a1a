/** A command `npm` that does as it is told, first on PATH. */
import { join } from "@std/path";

/**
 * Runs `body` while `npm` is a shell script.
 * @param script What it does; `$4` is the folder for the tarball, `$6` the cache.
 */
export async function withNpm<T>(script: string, body: () => Promise<T>): Promise<T> {
  const bin = await Deno.makeTempDir();
  const path = Deno.env.get("PATH") ?? "";
  try {
    await Deno.writeTextFile(join(bin, "npm"), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    Deno.env.set("PATH", `${bin}:${path}`);
    return await body();
  } finally {
    Deno.env.set("PATH", path);
    await Deno.remove(bin, { recursive: true });
  }
}

/** Runs `body` while no command is found. */
export async function withoutNpm<T>(body: () => Promise<T>): Promise<T> {
  const path = Deno.env.get("PATH") ?? "";
  try {
    Deno.env.set("PATH", "/nowhere");
    return await body();
  } finally {
    Deno.env.set("PATH", path);
  }
}
