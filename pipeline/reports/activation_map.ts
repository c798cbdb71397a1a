/** A picture with a map of where a network sees something in it. */
import type { Picture } from "../data/images/picture.ts";
import type { Box } from "../data/images/resample.ts";
import type { ActivationMap } from "../inference/activation_map.ts";

/** How much of the colour covers the picture where the map is at its highest. */
const STRONGEST = 0.65;

/** What is left of the light of what the network was not shown. */
const NOT_SHOWN = 0.4;

/**
 * Draws a map over a picture: from nothing, where it is 0 or less, by yellow to red, where it is at its highest. What the
 * network was not shown is darker.
 *
 * @param shown What of the picture the map is of, in pixels.
 * @returns A picture of the same size.
 */
export function drawActivationMap(
  { width, height, pixels }: Picture,
  map: ActivationMap,
  shown: Box,
): Picture {
  const highest = map.values.reduce((highest, value) => Math.max(highest, value), 0);
  const across = Array.from({ length: width }, (_, x) => place(x, shown.left, shown.width, map.width));
  const data = new Uint8ClampedArray(pixels.length); // rounds
  let at = 0;
  for (let y = 0; y < height; y++) {
    const row = place(y, shown.top, shown.height, map.height);
    for (let x = 0; x < width; x++) {
      const column = across[x];
      const isShown = row !== undefined && column !== undefined && highest > 0;
      const heat = isShown ? Math.max(0, valueAt(map, row, column)) / highest : 0;
      const cover = STRONGEST * heat;
      const light = row === undefined || column === undefined ? NOT_SHOWN : 1 - cover;
      for (const colour of [255, 255 * (1 - heat), 0]) {
        data[at] = light * pixels[at] + cover * colour;
        at++;
      }
    }
  }
  return { width, height, pixels: new Uint8Array(data.buffer) };
}

/** Between which two rows or columns of a map a pixel's centre is, and how far on the way. */
interface Place {
  readonly before: number;
  readonly after: number;
  readonly way: number;
}

/** Where a pixel is in the map; nothing if it is outside. */
function place(pixel: number, start: number, length: number, cells: number): Place | undefined {
  const share = (pixel + 0.5 - start) / length;
  if (share < 0 || share > 1) return undefined;
  const at = Math.min(Math.max(share * cells - 0.5, 0), cells - 1);
  const before = Math.floor(at);
  return { before, after: Math.min(before + 1, cells - 1), way: at - before };
}

/** The map between its places: bilinear. */
function valueAt({ values, width }: ActivationMap, row: Place, column: Place): number {
  const along = (y: number) => {
    const from = values[y * width + column.before];
    return from + (values[y * width + column.after] - from) * column.way;
  };
  const from = along(row.before);
  return from + (along(row.after) - from) * row.way;
}
