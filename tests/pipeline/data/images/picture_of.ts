/** Pictures as the files in tests/data hold them. */
import type { Picture } from "../../../../pipeline/data/images/picture.ts";

/** A picture whose pixels are in base 64. */
export function pictureOf(
  { width, height, pixels }: { readonly width: number; readonly height: number; readonly pixels: string },
): Picture {
  return { width, height, pixels: Uint8Array.fromBase64(pixels) };
}
