/** A folder of pictures from its files to memory. */
import { createHash } from "node:crypto";
import { availableParallelism } from "node:os";
import { UserError } from "../../runtime/system/errors.ts";
import { type Progress, silent } from "../../runtime/system/progress.ts";
import { createDataset, type Data, type Dataset } from "./dataset.ts";
import { type PictureFile, type PictureFolder, withoutFiles } from "./folder.ts";
import { MAX_PIXELS } from "./images/decode.ts";
import { CHANNELS, type Picture } from "./images/picture.ts";
import { picturePool, readAll } from "./picture_pool.ts";
import { type KeptPictures, pictureAt, type PictureFiles } from "./pictures.ts";

/** How pictures are loaded. */
export interface LoadOptions {
  /** Pictures whose shorter side is longer are resized to this: the `shorter` of the view that is meant. */
  readonly keep: number;
  /** Bytes that decoded pictures may take; the others are decoded whenever they are asked for. 2 GiB unless given. */
  readonly cache?: number;
  /** The most pixels that a file may have. */
  readonly maxPixels?: number;
  /** Threads that decode; as many as there are processors, up to 8, unless given. */
  readonly threads?: number;
  /** Shows how far it is; nothing unless given. */
  readonly progress?: Progress;
}

/** A part of a folder. */
export interface LoadedPart {
  /** Its files and pictures. */
  readonly source: PictureFiles;
  /** Class numbers, `[N]`. */
  readonly labels: Uint32Array;
}

/** A folder all of whose files were decoded once. */
export interface LoadedPictures {
  /** Without the files that could not be decoded. */
  readonly folder: PictureFolder;
  /** To train on. */
  readonly train: LoadedPart;
  /** To choose by, of a folder of its own. */
  readonly validation?: LoadedPart;
  /** For the final figure only. */
  readonly test?: LoadedPart;
}

/** Bytes that are reserved at a time. */
const CHUNK_BYTES = 2 ** 26;

/** From so many pictures on it pays to start another thread. */
const WORTH_A_THREAD = 4;

/** Pictures a thread that are read before those in front of them are. */
const AHEAD = 16;

/**
 * Decodes every picture of a folder once, on several threads, so that what cannot be decoded is known before training, and
 * keeps as many as memory is given for.
 *
 * @throws {UserError} If what can be decoded is not enough to train on, as `listPictures` says.
 * @example
 * ```ts
 * import { folderLines, listPictures, loadPictures } from "@resnet/deno";
 * import { pictureData, sharedPictures, split } from "@resnet/deno";
 *
 * async function load(root: string) {
 *   const loaded = await loadPictures(await listPictures(root), { keep: 256 });
 *   const data = split(0.2, { seed: 1, stratify: true })(pictureData(loaded, 224));
 *   const [train, validation] = [data.train.indices.length, data.validation!.indices.length];
 *   folderLines(loaded.folder, { train, validation }).forEach((line) => console.log(line));
 *   console.log(sharedPictures(data.train, data.validation!), "pictures are on both sides");
 *   return data;
 * }
 * ```
 */
export async function loadPictures(folder: PictureFolder, options: LoadOptions): Promise<LoadedPictures> {
  const { keep, maxPixels = MAX_PIXELS, cache = 2 ** 31, progress = silent } = options;
  const files = [...folder.train, ...folder.validation ?? [], ...folder.test ?? []];
  const paths = files.map(({ path }) => path);
  const store = keeper(paths.length, cache);
  const digests = new Array<string>(paths.length).fill("");
  const unreadable = new Set<string>();
  const threads = Math.min(
    options.threads ?? Math.min(8, availableParallelism()),
    Math.ceil(paths.length / WORTH_A_THREAD),
  );
  const pool = picturePool("keep", { keep, maxPixels }, { threads });
  const bar = progress.start("Reading pictures", paths.length, "images");
  try {
    let at = 0;
    for await (const { name, found } of readAll(paths, pool, AHEAD * threads)) {
      if ("problem" in found) unreadable.add(name);
      else {
        store.add(at, found.picture);
        digests[at] = found.digest;
      }
      bar.update(++at);
    }
  } finally {
    bar.stop();
    pool.close();
  }
  const left = withoutFiles(folder, unreadable);
  const places = new Map(paths.map((path, place) => [path, place]));
  const part = (members: readonly PictureFile[]): LoadedPart => {
    const at = Int32Array.from(members, ({ path }) => places.get(path)!);
    const { chunks, ...rows } = store.kept;
    const [chunk, start, width, height] = [rows.chunk, rows.start, rows.width, rows.height].map((row) =>
      at.map((place) => row[place])
    );
    return {
      source: {
        kind: "files",
        files: members.map(({ path }) => path),
        digests: Array.from(at, (place) => digests[place]),
        keep,
        maxPixels,
        kept: { chunks, chunk, start, width, height },
      },
      labels: Uint32Array.from(members, ({ label }) => label),
    };
  };
  return {
    folder: left,
    train: part(left.train),
    ...(left.validation && { validation: part(left.validation) }),
    ...(left.test && { test: part(left.test) }),
  };
}

/**
 * Loaded pictures as data: the middle of each, `size` x `size`, until `crop` says otherwise.
 * @param size The side of the images. Left out, every picture must have one size, and is taken as it is.
 * @throws {UserError} If they have not, or cannot be read again.
 * @example
 * ```ts
 * import { listPictures, loadPictures, pictureData } from "@resnet/deno";
 *
 * async function load(root: string) {
 *   return pictureData(await loadPictures(await listPictures(root), { keep: 256 }), 224);
 * }
 * ```
 */
export function pictureData({ folder, train, validation, test }: LoadedPictures, size?: number): Data {
  const { classes } = folder;
  const shown = size === undefined ? whole : view(size);
  const data = (part: LoadedPart): Dataset => shown(part, classes);
  return {
    train: data(train),
    ...(validation && { validation: data(validation) }),
    ...(test && { test: data(test) }),
    digest: digestOf([train, validation, test]),
  };
}

/** Of the files of all parts and their classes. */
function digestOf(parts: readonly (LoadedPart | undefined)[]): string {
  const hash = createHash("sha256");
  for (const part of parts) {
    hash.update("part\n");
    part?.source.digests.forEach((digest, i) => hash.update(`${part.labels[i]} ${digest}\n`));
  }
  return hash.digest("base64");
}

/** Images in memory, as they are. */
function whole({ source, labels }: LoadedPart, classes: readonly string[]): Dataset {
  const { width, height } = source.kept;
  const other = width.findIndex((_, i) => width[i] !== width[0] || height[i] !== height[0]);
  if (other >= 0) {
    throw new UserError(
      `Cannot take the pictures as they are: ${source.files[0]} has ${width[0]} x ${height[0]} pixels, ` +
        `${source.files[other]} ${width[other]} x ${height[other]}; give the size of the images`,
    );
  }
  const length = width[0] * height[0] * CHANNELS;
  const images = new Uint8Array(labels.length * length);
  for (let i = 0; i < labels.length; i++) images.set(pictureAt(source, i).pixels, i * length);
  const imageShape = [height[0], width[0], CHANNELS] as const;
  return { ...createDataset({ images, labels, imageShape, classes }), files: source.files };
}

/** The middle of each picture, made when it is asked for. */
function view(size: number): (part: LoadedPart, classes: readonly string[]) => Dataset {
  return ({ source, labels }, classes) => ({
    images: new Uint8Array(),
    pictures: { source, view: { shorter: size, size } },
    files: source.files,
    labels,
    imageShape: [size, size, CHANNELS],
    classes,
    indices: Uint32Array.from(labels, (_, index) => index),
    transforms: [],
  });
}

/**
 * How many members of a part have the bytes of a training picture: a figure measured on them tells less.
 * @param train Of pictures in files.
 * @param part Likewise.
 * @example
 * ```ts
 * import { type Data, sharedPictures } from "@resnet/deno";
 *
 * function share({ train, validation }: Data): number {
 *   return sharedPictures(train, validation!) / validation!.indices.length;
 * }
 * ```
 */
export function sharedPictures(train: Dataset, part: Dataset): number {
  const digests = ({ pictures, indices }: Dataset): string[] => {
    const source = pictures?.source;
    return source?.kind === "files" ? Array.from(indices, (index) => source.digests[index]) : [];
  };
  const known = new Set(digests(train));
  return digests(part).filter((digest) => known.has(digest)).length;
}

/** Room for decoded pictures, up to so many bytes. */
function keeper(
  count: number,
  cache: number,
): { kept: KeptPictures; add(at: number, picture: Picture): void } {
  const chunks: Uint8Array<SharedArrayBuffer>[] = [];
  const kept = {
    chunks,
    chunk: new Int32Array(count).fill(-1),
    start: new Int32Array(count),
    width: new Int32Array(count),
    height: new Int32Array(count),
  };
  let [reserved, used] = [0, 0];
  return {
    kept,
    add(at, { width, height, pixels }) {
      kept.width[at] = width;
      kept.height[at] = height;
      if (used + pixels.length > (chunks.at(-1)?.length ?? 0)) {
        const bytes = Math.max(pixels.length, Math.min(CHUNK_BYTES, cache - reserved));
        if (reserved + bytes > cache) return;
        chunks.push(new Uint8Array(new SharedArrayBuffer(bytes)));
        reserved += bytes;
        used = 0;
      }
      chunks.at(-1)!.set(pixels, used);
      kept.chunk[at] = chunks.length - 1;
      kept.start[at] = used;
      used += pixels.length;
    },
  };
}
