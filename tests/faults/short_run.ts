/** A run of two seconds for tests of what may befall one. */
import { join } from "@std/path";
import { recipes } from "../../pipeline/training/recipes.ts";

/** 54 training images in two steps an epoch, so that a run of this many steps saves at every second. */
export const STEPS = 24;

/** Writes the run's recipe into a folder, and gives the flags that ask for it. */
export async function shortRun(root: string): Promise<string[]> {
  const { fast } = recipes;
  const path = join(root, "short.json");
  const training = { epochs: STEPS / 2, batchSize: 27 };
  await Deno.writeTextFile(
    path,
    JSON.stringify({ extends: fast.name, network: { cfg: { widths: [4] } }, training }),
  );
  return ["--recipe", path, "--limit", "60", "--threads", "1"];
}
