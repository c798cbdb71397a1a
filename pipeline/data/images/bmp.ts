/** BMP with a table of colours, which TensorFlow's kernel takes for grey. */
import { CHANNELS } from "./picture.ts";

/** What of a BMP's header matters beside its size. */
export interface BmpKind {
  /** Where its pixels begin. */
  readonly pixels: number;
  /** Where its table of colours begins. */
  readonly colours: number;
  /** Bytes of a colour there. */
  readonly colourBytes: number;
  /** Bits of a pixel. */
  readonly bits: number;
  /** Whether the rows go up. */
  readonly isUp: boolean;
  /** Whether it is packed, its channels lie elsewhere than in blue, green and red bytes, or it is OS/2's in full colour. */
  readonly isUnusual: boolean;
}

/** Compression with masks of where the channels lie; and the usual masks. */
const [BIT_FIELDS, USUAL_MASKS] = [3, [0xff0000, 0xff00, 0xff]];

/** @throws {RangeError} If it is cut off. */
export function bmpKind(bytes: Uint8Array): BmpKind {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerBytes = view.getUint32(14, true);
  const isOs2 = headerBytes === 12;
  const compression = isOs2 ? 0 : view.getUint32(30, true);
  const hasUsualMasks = compression === BIT_FIELDS &&
    USUAL_MASKS.every((mask, i) => view.getUint32(54 + 4 * i, true) === mask);
  const bits = view.getUint16(isOs2 ? 24 : 28, true);
  return {
    pixels: view.getUint32(10, true),
    colours: 14 + headerBytes,
    colourBytes: isOs2 ? 3 : 4,
    bits,
    isUp: isOs2 || view.getInt32(22, true) > 0,
    isUnusual: isOs2 ? bits > 8 : compression !== 0 && !hasUsualMasks,
  };
}

/**
 * The pixels of a BMP of 1, 4 or 8 bits a pixel, not packed.
 * @returns RGB, `[height, width, 3]`; nothing if its bytes do not reach so far. A colour that is not in the table is black.
 */
export function decodeIndexedBmp(
  bytes: Uint8Array,
  { width, height }: { readonly width: number; readonly height: number },
  { pixels: start, colours, colourBytes, bits, isUp }: BmpKind,
): Uint8Array<ArrayBuffer> | undefined {
  const stride = 4 * Math.ceil(width * bits / 32);
  if (bytes.length < start + stride * height) return undefined;
  const pixels = new Uint8Array(width * height * CHANNELS);
  const [perByte, mask] = [8 / bits, 2 ** bits - 1];
  for (let row = 0, to = 0; row < height; row++) {
    const from = start + stride * (isUp ? height - 1 - row : row);
    for (let column = 0; column < width; column++) {
      const shift = bits * (perByte - 1 - column % perByte);
      const colour = colours + colourBytes * (bytes[from + Math.floor(column / perByte)] >> shift & mask);
      if (colour + CHANNELS > start) {
        to += CHANNELS;
        continue;
      }
      for (let channel = CHANNELS - 1; channel >= 0; channel--) pixels[to++] = bytes[colour + channel];
    }
  }
  return pixels;
}
