/** Where a picture of any size becomes the image that a network takes. */
import type { ImageSpec } from "./dataset.ts";
import { grey } from "./images/adjust.ts";
import { decodeImage, MAX_PIXELS } from "./images/decode.ts";
import { CHANNELS, type Picture } from "./images/picture.ts";
import { type Box, cropPicture, longerSize, middle, resizePicture, shorterSize } from "./images/resample.ts";
import { bytesOf, type NamedPicture, nameOf } from "./picture_bytes.ts";

/** Columns and rows. */
type Size = Pick<Picture, "width" | "height">;

/** What of a picture a network is shown: the middle of it, resized. */
interface Shown {
  /** What the whole picture is resized to. */
  readonly resized: Size;
  /** The part of that which is the image. */
  readonly box: Box;
}

/** What a network takes: images of one channel or three, and if it says so, what of a picture is one. */
export type InputSpec = Pick<ImageSpec, "imageShape" | "view">;

/**
 * What a network is shown of a picture: as its view says; without one, of a picture resized to cover an image the middle,
 * which for square images is torchvision's `Resize(height)` and `CenterCrop(height)`.
 */
function shown(picture: Size, { imageShape: [height, width], view }: InputSpec): Shown {
  const resized = view === undefined
    ? covering(picture, { width, height })
    : shorterSize(picture, view.shorter);
  return { resized, box: middle(resized, { width, height }) };
}

/** The smallest size of a picture's own proportions that covers another; what is not whole is rounded down. */
function covering(picture: Size, { width, height }: Size): Size {
  return picture.width * height <= picture.height * width
    ? { width, height: Math.max(height, Math.trunc(width * picture.height / picture.width)) }
    : { width: Math.max(width, Math.trunc(height * picture.width / picture.height)), height };
}

/**
 * The image of a picture as the network's own transforms take it: `[H, W, C]` of `imageShape`, 0 to 255, resized and cropped
 * as for evaluation. For one channel it becomes grey, as Pillow's `convert("L")` does it.
 */
export function inputOf(picture: Picture, spec: InputSpec): Uint8Array<ArrayBuffer> {
  const { resized, box } = shown(picture, spec);
  const { pixels } = cropPicture(resizePicture(picture, resized), box);
  if (spec.imageShape[2] === CHANNELS) return new Uint8Array(pixels);
  return Uint8Array.from({ length: box.width * box.height }, (_, at) => grey(pixels, CHANNELS * at));
}

/** How pictures become the images of a network. */
export interface InputOptions extends InputSpec {
  /** The most pixels that a picture may have; `MAX_PIXELS` unless given. */
  readonly maxPixels?: number;
  /** The longer side of a copy of each picture to show, in pixels; none is made unless given. */
  readonly preview?: number;
}

/** What a picture was, and the image that it is now. */
export interface PictureInput extends Size {
  /** `[H, W, C]`, 0 to 255. */
  readonly input: Uint8Array;
  /** Milliseconds that decoding and resizing took. */
  readonly ms: number;
  /** The copy, if one was asked for. */
  readonly preview?: Picture;
}

/**
 * Reads a picture as the image of a network.
 * @throws {UserError} If it cannot be read or decoded.
 */
export function readInput(
  source: NamedPicture,
  { preview, maxPixels = MAX_PIXELS, ...spec }: InputOptions,
): PictureInput {
  const bytes = bytesOf(source);
  const start = performance.now();
  const picture = decodeImage(bytes, { name: nameOf(source), maxPixels });
  const input = inputOf(picture, spec);
  const { width, height } = picture;
  return {
    ...{ width, height, input, ms: performance.now() - start },
    ...(preview !== undefined && { preview: resizePicture(picture, longerSize(picture, preview)) }),
  };
}

/** Why pictures cannot be the images of a network, as a phrase; nothing if they can. */
export function inputProblem(
  { imageShape: [, , channels] }: Pick<ImageSpec, "imageShape">,
): string | undefined {
  if (channels === 1 || channels === CHANNELS) return undefined;
  return `it takes images of ${channels} channels, a picture has ${CHANNELS}, or 1 if it is grey`;
}

/** The part of a picture that `inputOf` shows, in the picture's own pixels, not always whole ones. */
export function shownPart(picture: Size, spec: InputSpec): Box {
  const { resized, box } = shown(picture, spec);
  const [across, down] = [picture.width / resized.width, picture.height / resized.height];
  return {
    left: box.left * across,
    top: box.top * down,
    width: box.width * across,
    height: box.height * down,
  };
}
