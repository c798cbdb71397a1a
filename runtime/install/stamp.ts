/** The stamp of a finished install. A folder without it, or with files of other sizes than it says, does not count. */
import { join } from "@std/path";
import * as v from "valibot";
import { readJsonIfThere, statIfThere, writeFileAtomic } from "../system/files.ts";
import { number, recordOf, type Schema, someFields, text, truth } from "../system/schema.ts";

/** What the stamp says. */
export interface Stamp {
  /** TensorFlow's version, e.g. "2.21.0". */
  readonly version: string;
  /** Whether NVIDIA's libraries are with it. */
  readonly gpu: boolean;
  /** Where it came from: a package of PyPI, or the folder it was copied from. */
  readonly source: string;
  /** The hash of TensorFlow's wheel, if it came from one. */
  readonly sha256?: string;
  /** When it was installed, in ISO 8601. */
  readonly date: string;
  /** The size in bytes of each library, by its path in the folder. */
  readonly files: Readonly<Record<string, number>>;
}

const STAMP: Schema<Stamp> = someFields({
  version: text,
  gpu: truth,
  source: text,
  sha256: v.optional(text),
  date: text,
  files: recordOf(number({ whole: true, min: 0 })),
});

const NAME = "install.json";

/** Writes the stamp into a folder, with the sizes that the named files have, and returns it. To be done last. */
export async function writeStamp(
  folder: string,
  stamp: Omit<Stamp, "files">,
  files: readonly string[],
): Promise<Stamp> {
  const sizes = await Promise.all(
    files.map(async (file) => [file, (await Deno.stat(join(folder, file))).size]),
  );
  const content: Stamp = { ...stamp, files: Object.fromEntries(sizes) };
  await writeFileAtomic(join(folder, NAME), JSON.stringify(content, null, 2) + "\n");
  return content;
}

/** The stamp of a folder, or `undefined` if there is none or the files are not as it says. */
export async function readStamp(folder: string): Promise<Stamp | undefined> {
  try {
    const stamp = await readJsonIfThere(STAMP, join(folder, NAME));
    for (const [file, size] of Object.entries(stamp?.files ?? {})) {
      if ((await statIfThere(join(folder, file)))?.size !== size) return undefined;
    }
    return stamp;
  } catch (error) {
    if (error instanceof Deno.errors.NotADirectory) return undefined;
    throw error;
  }
}
