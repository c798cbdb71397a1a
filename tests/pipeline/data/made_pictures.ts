/** Folders of made pictures for tests. */
import { dirname, join } from "@std/path";
import { encode } from "fast-png";
import type { Picture } from "../../../pipeline/data/images/picture.ts";

/** A picture whose bytes differ from their neighbours; of the same number always the same. */
export function madePicture(number: number, width: number, height = width): Picture {
  const pixels = Uint8Array.from(
    { length: width * height * 3 },
    (_, i) => (i * 37 + (i >> 4) * 11 + number * 101 + ((i * number) >> 6)) % 256,
  );
  return { width, height, pixels };
}

/** A file of it. */
export function png({ width, height, pixels }: Picture): Uint8Array {
  return encode({ width, height, channels: 3, data: pixels });
}

/** Writes files by their paths in a folder. */
export function writeFiles(dir: string, files: Readonly<Record<string, Uint8Array>>): void {
  for (const [name, bytes] of Object.entries(files)) {
    const path = join(dir, name);
    Deno.mkdirSync(dirname(path), { recursive: true });
    Deno.writeFileSync(path, bytes);
  }
}
