/** Pictures of any size as the store of a data set: what they are made of, and how one becomes an image of a fixed size. */
import { createHash } from "node:crypto";
import { decodeImage } from "./images/decode.ts";
import { CHANNELS, type Picture } from "./images/picture.ts";
import { changed, type CropRange, drawBox, drawChange } from "./images/random_changes.ts";
import { centerView, resizePicture, shorterSize } from "./images/resample.ts";
import { numpyUniform } from "./numpy_random.ts";
import { bytesOf, type NamedPicture, nameOf } from "./picture_bytes.ts";

/** Pictures and how images are made of them. Plain data. */
export interface Pictures {
  /** What they are made of. */
  readonly source: PictureSource;
  /** What of a picture is shown where nothing is random: torchvision's `Resize(shorter)` and `CenterCrop(size)`. */
  readonly view: View;
  /** What is shown of it in training; as in evaluation unless given. */
  readonly random?: RandomView;
}

/** The middle of a picture. */
export interface View {
  /** What its shorter side is resized to; at least `size`. */
  readonly shorter: number;
  /** The side of the image. */
  readonly size: number;
}

/** A random part of a picture, resized to the view's size: torchvision's `RandomResizedCrop`. */
export interface RandomView extends CropRange {
  /** Whether TrivialAugment changes it then. */
  readonly change: boolean;
}

/** Where pictures come from. */
export type PictureSource = PictureFiles | StoredImages;

/** Pictures in files, of which as many are kept decoded as memory was given for. */
export interface PictureFiles {
  /** Tells it from the other source. */
  readonly kind: "files";
  /** Paths, `[N]`. */
  readonly files: readonly string[];
  /** SHA-256 of each file in base 64, `[N]`. */
  readonly digests: readonly string[];
  /** A picture whose shorter side is longer is resized to this when it is decoded. */
  readonly keep: number;
  /** The most pixels that a file may have. */
  readonly maxPixels: number;
  /** Those that are kept. */
  readonly kept: KeptPictures;
}

/** Decoded pictures, in memory that threads share. */
export interface KeptPictures {
  /** The pictures' bytes. */
  readonly chunks: readonly Uint8Array<SharedArrayBuffer>[];
  /** In which chunk a picture is, `[N]`; -1 if it is not kept. */
  readonly chunk: Int32Array;
  /** Where in it, `[N]`. */
  readonly start: Int32Array;
  /** Columns as it is kept, or would be, `[N]`. */
  readonly width: Int32Array;
  /** Rows, `[N]`. */
  readonly height: Int32Array;
}

/** Images that lie in memory anyway. */
export interface StoredImages {
  /** Tells it from the other source. */
  readonly kind: "stored";
  /** `[N, H, W, 3]` in row-major order, 0 to 255. */
  readonly images: Uint8Array;
  /** `[H, W, 3]`. */
  readonly imageShape: readonly [height: number, width: number, channels: number];
}

/** When an image is asked for: what is random follows from it and from the image's place. */
export interface Turn {
  /** The run's seed, an integer in `[0, 2^32)`. */
  readonly seed: number;
  /** The epoch, 0-based. */
  readonly epoch: number;
}

/**
 * The image of a picture.
 *
 * @param member Its place in the store.
 * @param turn In training; without one it is the view of evaluation.
 * @returns `size` x `size`.
 * @throws {UserError} If its file cannot be read or decoded.
 */
export function imageOf(pictures: Pictures, member: number, turn?: Turn): Picture {
  const picture = pictureAt(pictures.source, member);
  const { view, random } = pictures;
  if (turn === undefined || random === undefined) return centerView(picture, view);
  const draw = numpyUniform([turn.seed, turn.epoch, member]);
  const box = drawBox(picture, random, draw);
  const part = resizePicture(picture, { width: view.size, height: view.size }, box);
  return random.change ? changed(part, drawChange(draw)) : part;
}

/** Whether all pictures are in memory. */
export function isKept(source: PictureSource): boolean {
  return source.kind === "stored" || source.kept.chunk.every((chunk) => chunk >= 0);
}

/**
 * A picture as it is kept: decoded if it is not.
 * @throws {UserError} If its file cannot be read or decoded.
 */
export function pictureAt(source: PictureSource, member: number): Picture {
  if (source.kind === "stored") {
    const [height, width] = source.imageShape;
    const length = height * width * CHANNELS;
    return { width, height, pixels: source.images.subarray(member * length, (member + 1) * length) };
  }
  const { files, kept: { chunks, chunk, start, width, height } } = source;
  if (chunk[member] < 0) {
    return readPicture(files[member], source, "; put it back, or begin anew without it").picture;
  }
  const from = start[member];
  return {
    width: width[member],
    height: height[member],
    pixels: chunks[chunk[member]].subarray(from, from + width[member] * height[member] * CHANNELS),
  };
}

/** How pictures are kept. */
export type KeepOptions = Pick<PictureFiles, "keep" | "maxPixels">;

/** A picture as it is kept. */
export interface ReadPicture {
  /** Its shorter side is `keep` at the most. */
  readonly picture: Picture;
  /** SHA-256 of its file, in base 64. */
  readonly digest: string;
}

/**
 * Reads a picture as it is kept.
 * @param advice What to do about a file that cannot be read, as the end of a message.
 * @throws {UserError} If it cannot be read or decoded.
 */
export function readPicture(
  source: NamedPicture,
  { keep, maxPixels }: KeepOptions,
  advice?: string,
): ReadPicture {
  const bytes = bytesOf(source, advice);
  const whole = decodeImage(bytes, { name: nameOf(source), maxPixels });
  const isSmall = Math.min(whole.width, whole.height) <= keep;
  return {
    picture: isSmall ? whole : resizePicture(whole, shorterSize(whole, keep)),
    digest: createHash("sha256").update(bytes).digest("base64"),
  };
}
