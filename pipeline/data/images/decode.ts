/** From the bytes of a file to pixels, by TensorFlow's own kernels: what Pillow's `convert("RGB")` gives. */
import { callOp, float, tf, type } from "../../../runtime/mod.ts";
import { TensorFlowError, UserError } from "../../../runtime/system/errors.ts";
import { bmpKind, decodeIndexedBmp } from "./bmp.ts";
import { firstFrame } from "./gif.ts";
import { type ImageHeader, isJpegFrame, jpegSegments, readHeader, webpChunks } from "./header.ts";
import { CHANNELS, type Picture, upright } from "./picture.ts";

/** How a picture is decoded. */
export interface DecodeOptions {
  /** What errors call it, such as its path; `the image` unless given. */
  readonly name?: string;
  /** The most pixels that a picture may have, so that a small file cannot fill the memory; `MAX_PIXELS` unless given. */
  readonly maxPixels?: number;
}

/** As many as Pillow takes without a warning (`Image.MAX_IMAGE_PIXELS`): a quarter of 2^30 bytes, three a pixel. */
export const MAX_PIXELS = 89_478_485;

/**
 * Decodes a JPEG, PNG, GIF, BMP or WebP, whichever its bytes are, and turns it the right way up, as its EXIF data say.
 * Of an animation it is the first picture. Grey, palettes and CMYK become RGB, opacity is dropped, of 16 bits the upper 8
 * are kept.
 *
 * The bytes are those of Pillow 13.0's `ImageOps.exif_transpose(image).convert("RGB")`, but for CMYK, which TensorFlow
 * rounds down where Pillow rounds to the nearest: there they differ by 1 at the most. Pillow makes all above 255 of a grey
 * PNG of 16 bits white; here the upper bits are kept as everywhere else.
 *
 * @throws {UserError} If it is no such picture, damaged, cut off, of a kind that is not read, or larger than allowed; it
 *   says which, and what to do.
 * @example
 * ```ts
 * import { tf } from "../../../runtime/mod.ts";
 * import { decodeImage } from "./decode.ts";
 *
 * async function show(path: string): Promise<void> {
 *   await tf.ready();
 *   const { width, height, pixels } = decodeImage(await Deno.readFile(path), { name: path });
 *   console.log(width, height, pixels.subarray(0, 3));
 * }
 * ```
 */
export function decodeImage(
  bytes: Uint8Array,
  { name = "the image", maxPixels = MAX_PIXELS }: DecodeOptions = {},
): Picture {
  const fail = (problem: string, cause?: unknown): UserError =>
    new UserError(`Cannot decode ${name}: ${problem}; take it out, or put a good one in its place`, {
      cause,
    });
  const header = readHeader(bytes, fail);
  checkSize(header, maxPixels, fail);
  const broken = (cause?: unknown) => fail(`the ${header.format} is damaged or cut off`, cause);
  try {
    return upright(DECODERS[header.format](bytes, header, { fail, broken, maxPixels }), header.orientation);
  } catch (error) {
    if (error instanceof RangeError) throw broken(error); // of a DataView
    if (error instanceof TensorFlowError && error.code !== RESOURCE_EXHAUSTED) throw broken(error);
    throw error;
  }
}

/** TensorFlow's code for memory that runs out: the picture is not to blame. */
const RESOURCE_EXHAUSTED = 8;

function checkSize(
  { format, width, height }: Pick<ImageHeader, "format" | "width" | "height">,
  maxPixels: number,
  fail: (problem: string) => Error,
): void {
  if (width * height <= maxPixels) return;
  throw fail(`the ${format} has ${width} x ${height} pixels, more than the ${maxPixels} that are allowed`);
}

/** What decoders are told beside the picture. */
interface Context {
  /** Makes an error of what is wrong. */
  readonly fail: (problem: string) => Error;
  /** Makes an error of bytes that are not what their header says. */
  readonly broken: () => Error;
  readonly maxPixels: number;
}

type Decoder = (bytes: Uint8Array, header: ImageHeader, context: Context) => Picture;

const DECODERS: Readonly<Record<ImageHeader["format"], Decoder>> = {
  JPEG: (bytes) =>
    pixelsOf("DecodeJpeg", withAdobe(bytes), {
      channels: CHANNELS,
      ratio: 1,
      fancy_upscaling: true,
      try_recover_truncated: false,
      acceptable_fraction: float(1),
      dct_method: "INTEGER_ACCURATE", // Pillow's
    }),
  PNG: (bytes) => pixelsOf("DecodePng", bytes, { channels: CHANNELS, dtype: type("uint8") }),
  GIF: decodeGif,
  BMP: decodeBmp,
  WebP: decodeWebp,
};

/** Runs a kernel that decodes to `[..., H, W, C]`; only red, green and blue are kept. */
function pixelsOf(op: string, bytes: Uint8Array, attrs: Parameters<typeof callOp>[1]): Picture {
  // tfjs' types know strings only, its code bytes too.
  const image = tf.tidy(() => callOp(op, attrs, [tf.scalar(bytes as unknown as string, "string")])[0]);
  const [height, width, channels] = image.shape.slice(-3);
  // Not in the tidy, which looks at whatever it returns, byte by byte.
  const found = image.dataSync<"int32">() as unknown as Uint8Array<ArrayBuffer>;
  image.dispose();
  if (channels === CHANNELS) return { width, height, pixels: found };
  const pixels = new Uint8Array(width * height * CHANNELS);
  for (let from = 0, to = 0; to < pixels.length; from += channels) {
    pixels[to++] = found[from];
    pixels[to++] = found[from + 1];
    pixels[to++] = found[from + 2];
  }
  return { width, height, pixels };
}

/** Adobe's segment of a JPEG, which says that CMYK is stored the other way round: version 100, no flags, no transform. */
const ADOBE = Uint8Array.of(0xff, 0xee, 0, 14, ...new TextEncoder().encode("Adobe"), 0, 100, 0, 0, 0, 0, 0);

/** A JPEG of four channels says that it is Adobe's: all of them are, Pillow holds, whether they say so or not. */
function withAdobe(bytes: Uint8Array): Uint8Array {
  const segments = [...jpegSegments(bytes)];
  const frame = segments.find(({ marker }) => isJpegFrame(marker));
  const isAdobe = segments.some(({ marker, data }) => marker === 0xee && data[0] === ADOBE[4]);
  if (frame?.data[5] !== 4 || isAdobe) return bytes;
  const whole = new Uint8Array(bytes.length + ADOBE.length);
  whole.set(bytes.subarray(0, 2));
  whole.set(ADOBE, 2);
  whole.set(bytes.subarray(2), 2 + ADOBE.length);
  return whole;
}

function decodeGif(bytes: Uint8Array, _: ImageHeader, { fail, maxPixels }: Context): Picture {
  const { gif, left, top, screen, background } = firstFrame(bytes, fail);
  checkSize({ format: "GIF", ...screen }, maxPixels, fail);
  const frame = pixelsOf("DecodeGif", gif, {});
  if (frame.width === screen.width && frame.height === screen.height) return frame;
  const pixels = new Uint8Array(screen.width * screen.height * CHANNELS);
  for (let i = 0; i < pixels.length; i++) pixels[i] = background[i % CHANNELS];
  for (let row = 0; row < frame.height; row++) {
    const line = frame.pixels.subarray(row * frame.width * CHANNELS, (row + 1) * frame.width * CHANNELS);
    pixels.set(line, ((top + row) * screen.width + left) * CHANNELS);
  }
  return { ...screen, pixels };
}

function decodeBmp(bytes: Uint8Array, { width, height }: ImageHeader, { fail, broken }: Context): Picture {
  const kind = bmpKind(bytes);
  if (kind.isUnusual || ![1, 4, 8, 24, 32].includes(kind.bits)) {
    throw fail(
      `the BMP has ${kind.bits} bits a pixel${
        kind.isUnusual ? " in an unusual order" : ""
      }, which is not read`,
    );
  }
  if (kind.bits > 8) return pixelsOf("DecodeBmp", bytes, { channels: 0 });
  const pixels = decodeIndexedBmp(bytes, { width, height }, kind);
  if (pixels === undefined) throw broken();
  return { width, height, pixels };
}

/** Decodes a WebP; the kernel takes an animation only if its header says that there is opacity. */
function decodeWebp(bytes: Uint8Array): Picture {
  const first = Iterator.from(webpChunks(bytes)).find(({ type }) => type === "ANMF");
  if (first === undefined) return pixelsOf("DecodeWebP", bytes, { channels: 0, dtype: type("uint8") });
  // Without the pictures that come after the first one, of which there may be thousands.
  const still = bytes.slice(0, first.end);
  new DataView(still.buffer).setUint32(4, still.length - 8, true);
  still[20] |= 0x10; // the flags of the header, which comes first
  return pixelsOf("DecodeWebP", still, { channels: 4, dtype: type("uint8") });
}
