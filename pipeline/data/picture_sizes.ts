/** How large the pictures of a folder are, from the beginnings of some of its files. */
import type { PictureFile } from "./folder.ts";
import { readHeader } from "./images/header.ts";
import { spreadPlaces } from "./spread.ts";

/** How many files are looked at. */
const LOOKED_AT = 500;

/** How much of a file is read: a JPEG may have a preview before its size. */
const BEGINNING = 2 ** 17;

/**
 * The shorter sides of pictures: of up to 500 of them, spread evenly over the list.
 * @returns In pixels, `[n]`; those that cannot be read are left out.
 */
export function shorterSides(files: readonly PictureFile[]): number[] {
  const count = Math.min(LOOKED_AT, files.length);
  const bytes = new Uint8Array(BEGINNING);
  return spreadPlaces(count, files.length).flatMap(
    (place) => {
      const { path } = files[place];
      try {
        using file = Deno.openSync(path);
        const length = file.readSync(bytes) ?? 0;
        const { width, height } = readHeader(bytes.subarray(0, length), Error);
        return [Math.min(width, height)];
      } catch {
        return []; // told when it is decoded
      }
    },
  );
}
