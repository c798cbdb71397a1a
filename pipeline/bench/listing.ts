/** How long it takes to list a folder of many pictures. */
import { join } from "@std/path";
import { listPictures } from "../data/folder.ts";

/** Classes of the folder, if it has as many files. */
const CLASSES = 100;

/** What a PNG begins with, which is all that listing looks at. */
const PNG = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 0);

/** What listing a folder came to. */
export interface ListingTiming {
  /** Pictures that were found: all. */
  readonly files: number;
  /** Folders that they are in. */
  readonly classes: number;
  /** Of `listPictures`. */
  readonly seconds: number;
  /** Pictures a second. */
  readonly filesPerSecond: number;
}

/**
 * Lists a made folder, which was written just before and so is in the system's cache, and removes it.
 * @param files How many pictures, at least 2.
 */
export async function timeListing(files: number): Promise<ListingTiming> {
  const root = await Deno.makeTempDir({ prefix: "resnet-listing-" });
  try {
    const count = Math.min(CLASSES, files);
    const folders = Array.from({ length: count }, (_, label) => join(root, `class ${label}`));
    for (const folder of folders) Deno.mkdirSync(folder);
    for (let i = 0; i < files; i++) Deno.writeFileSync(join(folders[i % count], `${i}.png`), PNG);
    const start = performance.now();
    const { train, classes } = await listPictures(root);
    const seconds = (performance.now() - start) / 1000;
    return { files: train.length, classes: classes.length, seconds, filesPerSecond: train.length / seconds };
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}
