/** Folders of pictures to train on. */
import { join } from "@std/path";
import { png } from "../pipeline/data/made_pictures.ts";

/** A picture that is mostly of one colour: what a network tells apart at once. */
export function coloured(number: number, colour: readonly number[]): Uint8Array {
  const [width, height] = [40 + number % 7, 36 + number % 5];
  const pixels = Uint8Array.from(
    { length: width * height * 3 },
    (_, i) => colour[i % 3] + (i * 37 + number * 101) % 40,
  );
  return png({ width, height, pixels });
}

/** The classes, by their names. */
export const COLOURS = { blau: [20, 20, 190], "red ones": [190, 20, 20], "緑": [20, 190, 20] };

/** Files of a folder: so many pictures a class. */
export function pictures(folder: string, count: number, seed = 0): Record<string, Uint8Array> {
  return Object.fromEntries(
    Object.entries(COLOURS).flatMap(([name, colour]) =>
      Array.from(
        { length: count },
        (_, i) => [join(folder, name, `${i}.png`), coloured(seed + i, colour)] as const,
      )
    ),
  );
}
