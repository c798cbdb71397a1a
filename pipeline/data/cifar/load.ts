/** CIFAR-10 (A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009) from its six binary files. */
import { join } from "@std/path";
import { UserError } from "../../../runtime/system/errors.ts";
import { explainFileErrors } from "../../../runtime/system/file_errors.ts";
import { statIfThere } from "../../../runtime/system/files.ts";
import { taskCommand } from "../../../runtime/system/package.ts";
import { type Progress, silent } from "../../../runtime/system/progress.ts";
import { createDataset, type Data } from "../dataset.ts";
import { CIFAR10_FILES, IMAGES_PER_FILE, type KnownFile } from "./files.ts";
import {
  allocateRecords,
  CIFAR10_CLASSES,
  decodeRecords,
  IMAGE_SHAPE,
  partOfRecords,
  wrongLabel,
} from "./records.ts";

/** The first files are for training, the last one for testing. */
const TRAIN_FILES = CIFAR10_FILES.length - 1;

/**
 * Reads CIFAR-10: 50,000 images to train on and 10,000 to test with, in the order of the files, with no transforms.
 *
 * @param dir The folder with `data_batch_1.bin` to `data_batch_5.bin` and `test_batch.bin`.
 * @param options `progress`: where a bar goes; nowhere by default.
 * @returns uint8 images `[32, 32, 3]`; `train` and `test`, no `validation` yet.
 * @throws {UserError} If a file is missing, cannot be read, has another size, or a label above 9; it names the file.
 * @example
 * ```ts
 * import { loadCifar } from "@resnet/deno";
 *
 * async function show(): Promise<void> {
 *   const { train } = await loadCifar("data");
 *   console.log(train.indices.length, train.classes[train.labels[0]]); // 50000 frog
 * }
 * ```
 */
export async function loadCifar(
  dir: string,
  { progress = silent }: { progress?: Progress } = {},
): Promise<Data> {
  const bar = progress.start("Reading CIFAR-10", CIFAR10_FILES.length * IMAGES_PER_FILE, "images");
  try {
    const train = allocateRecords(TRAIN_FILES * IMAGES_PER_FILE);
    const test = allocateRecords(IMAGES_PER_FILE);
    for (const [position, file] of CIFAR10_FILES.entries()) {
      const bytes = await readRecords(dir, file);
      const [start, end] = [position * IMAGES_PER_FILE, (position + 1) * IMAGES_PER_FILE];
      decodeRecords(bytes, position < TRAIN_FILES ? partOfRecords(train, start, end) : test);
      bar.update(end);
    }
    const known = { imageShape: IMAGE_SHAPE, classes: CIFAR10_CLASSES };
    return { train: createDataset({ ...train, ...known }), test: createDataset({ ...test, ...known }) };
  } finally {
    bar.stop();
  }
}

/** Reads a file of 10,000 records; every way in which it can be wrong is a `UserError`. */
async function readRecords(dir: string, { name, bytes: expected }: KnownFile): Promise<Uint8Array> {
  const path = join(dir, name);
  const command = taskCommand("fetch-data", dir === "data" ? {} : { data: dir });
  const wrong = (found: string) =>
    new UserError(`Cannot read ${path}: ${found}; run "${command}" to fetch it again`);
  return await explainFileErrors(`Cannot read ${path}`, "check the folder and who may read it", async () => {
    const stat = await statIfThere(path);
    if (!stat) throw new UserError(`Cannot read ${path}: no such file; run "${command}" to fetch it`);
    if (!stat.isFile) throw wrong("not a file");
    // Before it is read: a file under this name may be of any size.
    if (stat.size !== expected) throw wrong(`${stat.size} bytes, expected ${expected}`);
    const bytes = await Deno.readFile(path);
    const problem = wrongLabel(bytes);
    if (problem) throw wrong(problem);
    return bytes;
  });
}
