/** What the first bytes of a picture tell: its format, its size, which way up it is. Nothing is decoded for it. */

/** The formats that can be decoded. */
export type ImageFormat = "JPEG" | "PNG" | "GIF" | "BMP" | "WebP";

/**
 * EXIF's Orientation (CIPA DC-008, tag 0x0112), which says where the first row and column of the stored pixels belong:
 * 1 as they are, 2 mirrored left to right, 3 turned by a half, 4 mirrored top to bottom, 5 transposed, 6 to be turned
 * clockwise by a quarter, 7 transposed about the other diagonal, 8 to be turned counterclockwise by a quarter.
 */
export type Orientation = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;

/** A picture's header. */
export interface ImageHeader {
  /** By its bytes, whatever the file is called. */
  readonly format: ImageFormat;
  /** Columns as stored, before the orientation is followed; of a GIF those of its screen. */
  readonly width: number;
  /** Rows as stored. */
  readonly height: number;
  /** 1 where the file says nothing. */
  readonly orientation: Orientation;
}

/**
 * Which format bytes are in, by how they begin.
 * @returns Nothing if they are no picture that can be decoded.
 */
export function formatOf(bytes: Uint8Array): ImageFormat | undefined {
  if (bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff) return "JPEG";
  if (hasText(bytes, 0, "\x89PNG\r\n\x1a\n")) return "PNG";
  if (hasText(bytes, 0, "GIF87a") || hasText(bytes, 0, "GIF89a")) return "GIF";
  if (hasText(bytes, 0, "BM")) return "BMP";
  if (hasText(bytes, 0, "RIFF") && hasText(bytes, 8, "WEBP")) return "WebP";
  return undefined;
}

/**
 * Reads a picture's header.
 *
 * @param fail Makes an error of what is wrong, a phrase such as `the JPEG is cut off`.
 * @throws What `fail` makes, if the bytes are no picture or end before its size.
 * @example
 * ```ts ignore
 * readHeader(await Deno.readFile("cat.jpg"), Error); // { format: "JPEG", width: 640, height: 480, orientation: 1 }
 * ```
 */
export function readHeader(bytes: Uint8Array, fail: (problem: string) => Error): ImageHeader {
  if (bytes.length === 0) throw fail("the file is empty");
  const format = formatOf(bytes);
  if (format === undefined) throw fail("its bytes are none of JPEG, PNG, GIF, BMP and WebP");
  try {
    const found = READERS[format](bytes, fail);
    if (found.width < 1 || found.height < 1) {
      throw fail(`the ${format} says that it has ${found.width} x ${found.height} pixels`);
    }
    return { format, ...found };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error; // of a DataView: it ends before what is to be read
    throw fail(`the ${format} is cut off`);
  }
}

type Found = Omit<ImageHeader, "format">;

const READERS: Readonly<
  Record<ImageFormat, (bytes: Uint8Array, fail: (problem: string) => Error) => Found>
> = { JPEG: readJpeg, PNG: readPng, GIF: readGif, BMP: readBmp, WebP: readWebp };

/** A piece of a JPEG between two markers. */
export interface JpegSegment {
  /** Its marker's second byte. */
  readonly marker: number;
  /** Where its marker begins. */
  readonly start: number;
  /** What is in it, without the length. */
  readonly data: Uint8Array;
}

/** The segments of a JPEG up to its first scan (ITU-T T.81, annex B). */
export function* jpegSegments(bytes: Uint8Array): Generator<JpegSegment, void, void> {
  const view = viewOf(bytes);
  for (let at = 2;;) {
    while (view.getUint8(at) !== 0xff) at++; // what decoders skip
    while (view.getUint8(at + 1) === 0xff) at++;
    const marker = bytes[at + 1];
    const isAlone = marker <= 0x01 || (marker >= 0xd0 && marker <= 0xd8);
    const length = isAlone ? 0 : view.getUint16(at + 2);
    if (marker === 0xd9) return;
    if (!isAlone) yield { marker, start: at, data: bytes.subarray(at + 4, at + 2 + length) };
    if (marker === 0xda) return;
    at += 2 + length;
  }
}

/** Start-of-frame markers, without those between them that are tables: DHT, JPG, DAC. */
export function isJpegFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
}

function readJpeg(bytes: Uint8Array, fail: (problem: string) => Error): Found {
  let size: Pick<Found, "width" | "height"> | undefined;
  let orientation: Orientation | undefined;
  for (const { marker, data } of jpegSegments(bytes)) {
    if (isJpegFrame(marker)) {
      const view = viewOf(data);
      size ??= { height: view.getUint16(1), width: view.getUint16(3) };
    } else if (marker === 0xe1 && hasText(data, 0, "Exif\0")) {
      orientation ??= exifOrientation(data.subarray(6));
    }
  }
  if (size === undefined) throw fail("the JPEG has no image in it");
  return { ...size, orientation: orientation ?? 1 };
}

function readPng(bytes: Uint8Array, fail: (problem: string) => Error): Found {
  const view = viewOf(bytes);
  if (!hasText(bytes, 12, "IHDR")) throw fail("the PNG does not begin with a header");
  const [width, height] = [view.getUint32(16), view.getUint32(20)];
  let orientation: Orientation = 1;
  for (let at = 8; at + 12 <= bytes.length; at += 12 + view.getUint32(at)) {
    const from = at + 8;
    if (hasText(bytes, at + 4, "eXIf")) {
      orientation = exifOrientation(bytes.subarray(from, from + view.getUint32(at)));
    }
  }
  return { width, height, orientation };
}

function readGif(bytes: Uint8Array): Found {
  const view = viewOf(bytes);
  return { width: view.getUint16(6, true), height: view.getUint16(8, true), orientation: 1 };
}

function readBmp(bytes: Uint8Array): Found {
  const view = viewOf(bytes);
  const isOs2 = view.getUint32(14, true) === 12; // the oldest header, with sizes of 16 bits
  const width = isOs2 ? view.getUint16(18, true) : view.getInt32(18, true);
  const height = isOs2 ? view.getUint16(20, true) : view.getInt32(22, true);
  return { width, height: Math.abs(height), orientation: 1 }; // below 0: the rows go down
}

/** A piece of a WebP. */
export interface WebpChunk {
  /** Four letters. */
  readonly type: string;
  /** Where it begins, its type and length included. */
  readonly start: number;
  /** Where the next one begins. */
  readonly end: number;
}

/** The chunks of a WebP (RFC 9649), the last one perhaps cut off. */
export function* webpChunks(bytes: Uint8Array): Generator<WebpChunk, void, void> {
  const view = viewOf(bytes);
  for (let start = 12; start + 8 <= bytes.length;) {
    const length = view.getUint32(start + 4, true);
    const end = start + 8 + length + length % 2;
    yield { type: String.fromCharCode(...bytes.subarray(start, start + 4)), start, end };
    start = end;
  }
}

function readWebp(bytes: Uint8Array, fail: (problem: string) => Error): Found {
  const view = viewOf(bytes);
  let size: Pick<Found, "width" | "height"> | undefined;
  let orientation: Orientation = 1;
  for (const { type, start, end } of webpChunks(bytes)) {
    const at = start + 8;
    if (type === "VP8X") size ??= { width: 1 + uint24(view, at + 4), height: 1 + uint24(view, at + 7) };
    if (type === "VP8 ") {
      size ??= {
        width: view.getUint16(at + 6, true) & 0x3fff,
        height: view.getUint16(at + 8, true) & 0x3fff,
      };
    }
    if (type === "VP8L") {
      const bits = view.getUint32(at + 1, true);
      size ??= { width: 1 + (bits & 0x3fff), height: 1 + (bits >>> 14 & 0x3fff) };
    }
    if (type === "EXIF") orientation = exifOrientation(bytes.subarray(at, end));
  }
  if (size === undefined) throw fail("the WebP has no image in it");
  return { ...size, orientation };
}

function uint24(view: DataView, at: number): number {
  return view.getUint16(at, true) + 2 ** 16 * view.getUint8(at + 2);
}

/** The orientation in EXIF data, a TIFF (revision 6.0, section 2); 1 where it is damaged or says none. */
function exifOrientation(bytes: Uint8Array): Orientation {
  const exif = hasText(bytes, 0, "Exif\0") ? bytes.subarray(6) : bytes; // some write it into a WebP as into a JPEG
  const isLittle = hasText(exif, 0, "II*\0");
  if (!isLittle && !hasText(exif, 0, "MM\0*")) return 1;
  const view = viewOf(exif);
  try {
    const first = view.getUint32(4, isLittle);
    const entries = view.getUint16(first, isLittle);
    for (let at = first + 2; at < first + 2 + 12 * entries; at += 12) {
      if (view.getUint16(at, isLittle) !== 0x0112) continue;
      const value = view.getUint16(at + 8, isLittle);
      return value >= 1 && value <= 8 ? value as Orientation : 1;
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error; // it ends too early
  }
  return 1;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Whether the bytes at a place are these characters, each below 256. */
function hasText(bytes: Uint8Array, at: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text.charCodeAt(i)) return false;
  return true;
}
