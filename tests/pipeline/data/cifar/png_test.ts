/** Pixels out of PNGs, held against another reader. */
import { assertEquals, assertThrows } from "@std/assert";
import { decode, encode } from "fast-png";
import { deflateSync } from "node:zlib";
import { decodePng } from "../../../../pipeline/data/cifar/png.ts";

const fail = (problem: string) => new Error(problem);
const SIZE = { width: 7, height: 10 };

/** A picture that is different in every direction. */
const picture = Uint8Array.from({ length: 7 * 10 * 3 }, (_, i) => (i * i * 7 + i * 13) % 256);

/** A chunk; nobody looks at the check sum. */
function chunk(type: string, data: Uint8Array): Uint8Array[] {
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, data.length);
  return [length, new TextEncoder().encode(type), data, new Uint8Array(4)];
}

/** A PNG of rows as they are stored, in two chunks of pixels, with a text between. */
async function pngOf(
  rows: Uint8Array,
  header = [0, 0, 0, 7, 0, 0, 0, 10, 8, 2, 0, 0, 0],
): Promise<Uint8Array> {
  const packed = new Uint8Array(deflateSync(rows));
  const parts = [
    Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a),
    ...chunk("IHDR", Uint8Array.from(header)),
    ...chunk("IDAT", packed.subarray(0, 20)),
    ...chunk("tIME", new Uint8Array(7)),
    ...chunk("IDAT", packed.subarray(20)),
    ...chunk("IEND", new Uint8Array()),
  ];
  return await new Blob(parts.map((part) => new Uint8Array(part))).bytes();
}

/** Rows of any bytes under each of the five filters in turn. */
const filtered = Uint8Array.from(
  { length: 10 * 22 },
  (_, i) => i % 22 === 0 ? (i / 22) % 5 : (i * 37 + (i >> 3)) % 256,
);

Deno.test("decodePng gives back what fast-png has written", () => {
  const png = encode({ ...SIZE, channels: 3, data: picture });
  assertEquals(decodePng(png, SIZE, fail), picture);
});

Deno.test("decodePng undoes the five filters as fast-png does", async () => {
  const png = await pngOf(filtered);
  assertEquals(decodePng(png, SIZE, fail), new Uint8Array(decode(png).data));
});

Deno.test("decodePng says what is wrong", async () => {
  const png = await pngOf(filtered);
  const header = (...bytes: number[]) => pngOf(filtered, bytes);
  const size = "it is not 7 x 10 pixels of 8-bit RGB";
  const cases: [Uint8Array, string][] = [
    [new Uint8Array(), "it is not a PNG"],
    [new TextEncoder().encode("<html>"), "it is not a PNG"],
    [png.subarray(0, 8), "it is cut short"],
    [png.subarray(0, -8), "it is cut short"],
    [await header(0, 0, 0, 8, 0, 0, 0, 10, 8, 2, 0, 0, 0), size],
    [await header(127, 255, 255, 255, 127, 255, 255, 255, 8, 2, 0, 0, 0), size],
    [await header(0, 0, 0, 7, 0, 0, 0, 10, 16, 2, 0, 0, 0), size],
    [await header(0, 0, 0, 7, 0, 0, 0, 10, 8, 2, 0, 0, 1), size],
    [await header(), size],
    [png.with(60, png[60] ^ 255), "its pixels are damaged"],
    [await pngOf(filtered.subarray(22)), "its pixels are damaged"],
    [await pngOf(new Uint8Array(100_000_000)), "its pixels are damaged"],
    [await pngOf(filtered.with(44, 5)), "a row has filter 5, expected 0 to 4"],
  ];
  for (const [bytes, problem] of cases) assertThrows(() => decodePng(bytes, SIZE, fail), Error, problem);
});
