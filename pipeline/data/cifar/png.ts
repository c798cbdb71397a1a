/** The one kind of PNG that the npm package has: 8-bit RGB, not interlaced (W3C, Portable Network Graphics, 2003). */
import { inflateSync } from "node:zlib";

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/** Bytes of a pixel. */
const CHANNELS = 3;

/**
 * The pixels of a PNG. It takes no more memory than an image of the given size does, whatever the file says. Check sums
 * are left to whoever knows what the pixels should be.
 *
 * @param fail Makes an error of what is wrong, a phrase.
 * @returns RGB in row-major order, `[height, width, 3]`.
 */
export function decodePng(
  bytes: Uint8Array,
  { width, height }: { readonly width: number; readonly height: number },
  fail: (problem: string) => Error,
): Uint8Array {
  if (!SIGNATURE.every((byte, i) => bytes[i] === byte)) throw fail("it is not a PNG");
  const chunks = readChunks(bytes, fail);
  const header = chunks.find(({ type }) => type === "IHDR")?.data;
  const expected = new Uint8Array(13); // width and height; 8 bits, RGB, deflate, the five filters, not interlaced
  new DataView(expected.buffer).setUint32(0, width);
  new DataView(expected.buffer).setUint32(4, height);
  expected.set([8, 2, 0, 0, 0], 8);
  if (
    header === undefined || header.length !== expected.length ||
    expected.some((byte, i) => header[i] !== byte)
  ) {
    throw fail(`it is not ${width} x ${height} pixels of 8-bit RGB`);
  }
  const packed = chunks.filter(({ type }) => type === "IDAT").map(({ data }) => data);
  const stride = 1 + CHANNELS * width; // each row begins with the number of its filter
  const rows = inflate(joined(packed), stride * height);
  if (rows?.length !== stride * height) throw fail("its pixels are damaged");
  return unfiltered(rows, stride, fail);
}

/** A chunk of a PNG. */
interface Chunk {
  /** Four letters. */
  readonly type: string;
  /** What is in it. */
  readonly data: Uint8Array;
}

/** The chunks up to the one that ends the image: length, type, data and check sum each. */
function readChunks(bytes: Uint8Array, fail: (problem: string) => Error): Chunk[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const chunks: Chunk[] = [];
  for (let at = SIGNATURE.length; at + 12 <= bytes.length;) {
    const end = at + 8 + view.getUint32(at);
    if (end + 4 > bytes.length) break;
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (type === "IEND") return chunks;
    chunks.push({ type, data: bytes.subarray(at + 8, end) });
    at = end + 4;
  }
  throw fail("it is cut short");
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** What was packed; nothing if it is damaged, or more than there can be. */
function inflate(packed: Uint8Array, maxOutputLength: number): Uint8Array | undefined {
  try {
    return inflateSync(packed, { maxOutputLength });
  } catch {
    return undefined;
  }
}

/** Rows without their filters: each byte was stored as the difference from what its neighbours tell of it (section 9). */
function unfiltered(rows: Uint8Array, stride: number, fail: (problem: string) => Error): Uint8Array {
  const rowBytes = stride - 1;
  const pixels = new Uint8Array(rows.length / stride * rowBytes);
  for (let from = 0, to = 0; from < rows.length; from += stride, to += rowBytes) {
    const predict = PREDICTIONS[rows[from]];
    if (predict === undefined) throw fail(`a row has filter ${rows[from]}, expected 0 to 4`);
    for (let i = 0; i < rowBytes; i++) {
      const hasLeft = i >= CHANNELS;
      const left = hasLeft ? pixels[to + i - CHANNELS] : 0;
      const up = to > 0 ? pixels[to + i - rowBytes] : 0;
      const upLeft = hasLeft && to > 0 ? pixels[to + i - rowBytes - CHANNELS] : 0;
      pixels[to + i] = rows[from + 1 + i] + predict(left, up, upLeft);
    }
  }
  return pixels;
}

/** By number of the filter: none, left, up, average, Paeth. */
const PREDICTIONS: readonly ((left: number, up: number, upLeft: number) => number)[] = [
  () => 0,
  (left) => left,
  (_, up) => up,
  (left, up) => (left + up) >> 1,
  paeth,
];

/** Whichever of the three is nearest to `left + up - upLeft` (section 9.4). */
function paeth(left: number, up: number, upLeft: number): number {
  const fromLeft = Math.abs(up - upLeft);
  const fromUp = Math.abs(left - upLeft);
  const fromUpLeft = Math.abs(left + up - 2 * upLeft);
  if (fromLeft <= fromUp && fromLeft <= fromUpLeft) return left;
  return fromUp <= fromUpLeft ? up : upLeft;
}
