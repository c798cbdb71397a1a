/** Reads pictures as the images that a network takes. */
import { decodeImage, MAX_PIXELS } from "./images/decode.ts";
import { inputOf, type InputSpec } from "./images/input.ts";
import type { Picture } from "./images/picture.ts";
import { longerSize, resizePicture } from "./images/resample.ts";
import { bytesOf, type NamedPicture, nameOf } from "./picture_bytes.ts";

/** How pictures become the images of a network. */
export interface InputOptions extends InputSpec {
  /** The most pixels that a picture may have; `MAX_PIXELS` unless given. */
  readonly maxPixels?: number;
  /** The longer side of a copy of each picture to show, in pixels; none is made unless given. */
  readonly preview?: number;
}

/** What a picture was, and the image that it is now. */
export interface PictureInput extends Pick<Picture, "width" | "height"> {
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
