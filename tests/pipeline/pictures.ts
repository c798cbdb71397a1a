/** Pictures as files, of those in tests/data. */
import pictures from "../data/pictures.json" with { type: "json" };

/** The bytes of a picture's file, and its pixels as Pillow decodes them. */
export function pictureFile(
  name: string,
): { file: Uint8Array<ArrayBuffer>; width: number; height: number; pixels: Uint8Array<ArrayBuffer> } {
  const { file, pixels, width, height } = pictures.cases.find((one) => one.name === name)!;
  return { file: Uint8Array.fromBase64(file), pixels: Uint8Array.fromBase64(pixels), width, height };
}
