/**
 * CIFAR-10 (A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009) from its six binary files.
 * A record is the label, then 1024 red, 1024 green and 1024 blue bytes, each plane row by row.
 */
import { join } from "@std/path";
import { UserError } from "../../../runtime/system/errors.ts";
import { explainFileErrors } from "../../../runtime/system/file_errors.ts";
import { statIfThere } from "../../../runtime/system/files.ts";
import { taskCommand } from "../../../runtime/system/package.ts";
import { type Progress, silent } from "../../../runtime/system/progress.ts";
import { createDataset, type Data } from "../dataset.ts";
import { CIFAR10_FILES, type KnownFile } from "./files.ts";

/** Names of the ten classes, by class number. */
export const CIFAR10_CLASSES: readonly string[] = [
  "airplane",
  "automobile",
  "bird",
  "cat",
  "deer",
  "dog",
  "frog",
  "horse",
  "ship",
  "truck",
];

const IMAGE_SHAPE = [32, 32, 3] as const;
const PLANE = 32 * 32;
const IMAGE = 3 * PLANE;
const RECORD = 1 + IMAGE;
const IMAGES_PER_FILE = 10_000;
/** The first files are for training, the last one for testing. */
const TRAIN_FILES = CIFAR10_FILES.length - 1;

/** Decoded records. */
export interface Records {
  /** `[N, 32, 32, 3]` in row-major order, 0 to 255. */
  readonly images: Uint8Array;
  /** `[N]`, 0 to 9. */
  readonly labels: Uint8Array;
}

/**
 * Reads CIFAR-10: 50,000 images to train on and 10,000 to test with, in the order of the files, with no transforms.
 *
 * @param dir The folder with `data_batch_1.bin` to `data_batch_5.bin` and `test_batch.bin`.
 * @param options `progress`: where a bar goes; nowhere by default.
 * @returns uint8 images `[32, 32, 3]`; `train` and `test`, no `validation` yet.
 * @throws {UserError} If a file is missing, cannot be read, has another size, or a label above 9; it names the file.
 * @example
 * ```ts
 * import { loadCifar } from "./load.ts";
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
    const train = allocate(TRAIN_FILES * IMAGES_PER_FILE);
    const test = allocate(IMAGES_PER_FILE);
    for (const [position, file] of CIFAR10_FILES.entries()) {
      const bytes = await readRecords(dir, file);
      decodeRecords(bytes, position < TRAIN_FILES ? partOf(train, position) : test);
      bar.update((position + 1) * IMAGES_PER_FILE);
    }
    const known = { imageShape: IMAGE_SHAPE, classes: CIFAR10_CLASSES };
    return { train: createDataset({ ...train, ...known }), test: createDataset({ ...test, ...known }) };
  } finally {
    bar.stop();
  }
}

/**
 * Decodes records to pixels and labels: colour planes become interleaved pixels.
 *
 * @param bytes Whole records, `[N * 3073]`.
 * @param target Where the result goes; new arrays by default.
 * @throws {RangeError} If the length is not a multiple of 3073, the target has room for another number of images, or a
 *   label is above 9.
 */
export function decodeRecords(bytes: Uint8Array, target?: Records): Records {
  const count = bytes.length / RECORD;
  if (!Number.isInteger(count)) {
    throw new RangeError(
      `decodeRecords: ${bytes.length} bytes are not a whole number of ${RECORD}-byte records`,
    );
  }
  const { images, labels } = target ?? allocate(count);
  if (labels.length !== count || images.length !== count * IMAGE) {
    throw new RangeError(
      `decodeRecords: ${count} records need ${count} labels and ${count * IMAGE} image bytes, ` +
        `the target has ${labels.length} and ${images.length}`,
    );
  }
  const problem = wrongLabel(bytes);
  if (problem) throw new RangeError(`decodeRecords: ${problem}`);
  for (let record = 0; record < count; record++) {
    const red = record * RECORD + 1;
    const green = red + PLANE;
    const blue = green + PLANE;
    labels[record] = bytes[red - 1];
    for (let pixel = 0, out = record * IMAGE; pixel < PLANE; pixel++, out += 3) {
      images[out] = bytes[red + pixel];
      images[out + 1] = bytes[green + pixel];
      images[out + 2] = bytes[blue + pixel];
    }
  }
  return { images, labels };
}

/** Reads a file of 10,000 records; every way in which it can be wrong is a `UserError`. */
async function readRecords(dir: string, { name, bytes: expected }: KnownFile): Promise<Uint8Array> {
  const path = join(dir, name);
  const command = taskCommand(dir === "data" ? "fetch-data" : `fetch-data --data ${dir}`);
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

/** Says which record has a label that is no class, if one has. */
function wrongLabel(bytes: Uint8Array): string | undefined {
  for (let start = 0, record = 0; start < bytes.length; start += RECORD, record++) {
    if (bytes[start] >= CIFAR10_CLASSES.length) {
      return `record ${record} has label ${bytes[start]}, expected 0 to ${CIFAR10_CLASSES.length - 1}`;
    }
  }
}

function allocate(count: number): Records {
  return { images: new Uint8Array(count * IMAGE), labels: new Uint8Array(count) };
}

/** The part of a store that one file fills. */
function partOf({ images, labels }: Records, file: number): Records {
  const start = file * IMAGES_PER_FILE;
  const end = start + IMAGES_PER_FILE;
  return { images: images.subarray(start * IMAGE, end * IMAGE), labels: labels.subarray(start, end) };
}
