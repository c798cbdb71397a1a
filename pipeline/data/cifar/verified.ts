/** Which files of a folder are good, without hashing those that have not changed since they were last hashed. */
import { join } from "@std/path";
import { readJsonIfThere, statIfThere, writeFileAtomic } from "../../../runtime/system/files.ts";
import { number, recordOf, type Schema, someFields, text } from "../../../runtime/system/schema.ts";
import { type KnownFile, verifyFile } from "./files.ts";

/** Name of the record in the folder. */
const RECORD = "verified.json";

/** A file as it was when its hash was found to be right. */
interface Verified {
  readonly sha256: string;
  readonly bytes: number;
  /** Time of the last change, in milliseconds. */
  readonly modified: number;
}

const VERIFIED: Schema<Record<string, Verified>> = recordOf(
  someFields({ sha256: text, bytes: number(), modified: number() }),
);

/**
 * Compares the files in a folder with what they should be. A file whose size and time of change are those that
 * `verified.json` remembers is taken as good; any other is hashed. The record is then brought up to date.
 *
 * @returns What is wrong with each file that is not good, by name; empty when all are.
 * @throws {Deno.errors.PermissionDenied} If a file cannot be read.
 * @example
 * ```ts ignore
 * await findProblems("data", CIFAR10_FILES); // Map { "test_batch.bin" => "no such file" }
 * ```
 */
export async function findProblems(dir: string, files: readonly KnownFile[]): Promise<Map<string, string>> {
  const record = await readJsonIfThere(VERIFIED, join(dir, RECORD)) ?? {};
  const verified: Record<string, Verified> = {};
  const problems = new Map<string, string>();
  for (const file of files) {
    const path = join(dir, file.name);
    const state = await stateOf(path, file);
    const known = state !== undefined && isSame(record[file.name], state);
    const problem = known ? undefined : await verifyFile(path, file);
    if (problem !== undefined) problems.set(file.name, problem);
    else if (state !== undefined) verified[file.name] = state;
  }
  if (JSON.stringify(record) !== JSON.stringify(verified)) {
    // The record only saves time: a folder that cannot be written to is as good without it.
    await writeFileAtomic(join(dir, RECORD), JSON.stringify(verified, null, 2) + "\n").catch(() => {});
  }
  return problems;
}

/** What the record will say if the file is good; taken before it is hashed, so that a later change is seen. */
async function stateOf(path: string, { sha256 }: KnownFile): Promise<Verified | undefined> {
  const stat = await statIfThere(path);
  return stat && { sha256, bytes: stat.size, modified: stat.mtime?.getTime() ?? NaN };
}

function isSame(remembered: Verified | undefined, { sha256, bytes, modified }: Verified): boolean {
  return remembered?.sha256 === sha256 && remembered.bytes === bytes && remembered.modified === modified;
}
