/** The first picture of a GIF (CompuServe, Graphics Interchange Format, version 89a, 1990) as a GIF of its own. */

/** A GIF's first picture and where on the screen it belongs. */
export interface FirstFrame {
  /** A GIF with that picture alone, as large as it, in which no colour is transparent. */
  readonly gif: Uint8Array<ArrayBuffer>;
  /** Where on the screen its left column is. */
  readonly left: number;
  /** Where on the screen its upper row is. */
  readonly top: number;
  /** The screen, enlarged where the picture reaches beyond it. */
  readonly screen: { readonly width: number; readonly height: number };
  /** RGB of what it leaves free: of the transparent colour, or of the first one. */
  readonly background: readonly number[];
}

const [IMAGE, EXTENSION, TRAILER] = [0x2c, 0x21, 0x3b];

/**
 * Cuts the first picture out, so that the others are not decoded, which may be thousands, and takes its transparency away,
 * as Pillow does: each pixel has its colour.
 *
 * @param fail Makes an error of what is wrong, a phrase.
 */
export function firstFrame(bytes: Uint8Array, fail: (problem: string) => Error): FirstFrame {
  const byte = (at: number): number => {
    if (at < bytes.length) return bytes[at];
    throw fail("the GIF is cut off");
  };
  const uint16 = (at: number): number => byte(at) + 256 * byte(at + 1);
  /** The length of the table of colours that flags tell of; 0 if of none. */
  const table = (flags: number): number => flags & 0x80 ? 3 * 2 ** (1 + (flags & 7)) : 0;
  /** The place behind blocks that each begin with their length. */
  const skip = (at: number): number => {
    while (byte(at) > 0) at += 1 + bytes[at];
    return at + 1;
  };

  const globalTable = table(byte(10));
  let transparent = 0;
  for (let at = 13 + globalTable;;) {
    const kind = byte(at);
    if (kind === EXTENSION) {
      if (byte(at + 1) === 0xf9 && byte(at + 3) & 1) transparent = byte(at + 6);
      at = skip(at + 2);
      continue;
    }
    if (kind === TRAILER) throw fail("the GIF has no image in it");
    if (kind !== IMAGE) throw fail("the GIF is damaged");
    const [left, top, width, height] = [1, 3, 5, 7].map((offset) => uint16(at + offset));
    if (width === 0 || height === 0) {
      throw fail(`the GIF says that its image has ${width} x ${height} pixels`);
    }
    const localTable = table(byte(at + 9));
    const end = skip(at + 11 + localTable);
    const colours = localTable > 0 ? at + 10 : 13;
    const headBytes = 13 + globalTable;
    const gif = new Uint8Array(headBytes + end - at + 1);
    gif.set(bytes.subarray(0, headBytes));
    gif.set([width % 256, width >> 8, height % 256, height >> 8], 6);
    gif.set(bytes.subarray(at, end), headBytes);
    gif.fill(0, headBytes + 1, headBytes + 5); // its place
    gif[gif.length - 1] = TRAILER;
    return {
      gif,
      left,
      top,
      screen: { width: Math.max(uint16(6), left + width), height: Math.max(uint16(8), top + height) },
      background: [0, 1, 2].map((channel) => byte(colours + 3 * transparent + channel)),
    };
  }
}
