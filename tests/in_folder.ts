/** Tests that write files, each into a folder of its own. */
import { granted } from "./needs.ts";

/** Runs `use` with an empty folder, and removes that. */
export async function inFolder(use: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await use(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** A test that is given an empty folder. */
export function folderTest(name: string, fn: (dir: string) => Promise<void>): void {
  Deno.test({ name, ignore: !granted("read", "write"), fn: () => inFolder(fn) });
}
