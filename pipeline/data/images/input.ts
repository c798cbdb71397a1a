/** Where a picture of any size becomes the image that a network takes, here and in a browser. */
import type { ImageSpec } from "../dataset.ts";
import { grey } from "./adjust.ts";
import { CHANNELS, type Picture } from "./picture.ts";
import { type Box, cropPicture, middle, resizePicture, shorterSize } from "./resample.ts";

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
