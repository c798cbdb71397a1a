/** Where a picture of any size becomes the image that a network takes. */
import type { ImageSpec } from "../data/dataset.ts";
import { grey } from "../data/images/adjust.ts";
import { CHANNELS, type Picture } from "../data/images/picture.ts";
import { type Box, cropPicture, middle, resizePicture } from "../data/images/resample.ts";

/** Columns and rows. */
type Size = Pick<Picture, "width" | "height">;

/** What of a picture a network is shown: the middle of it, resized. */
interface Shown {
  /** What the whole picture is resized to. */
  readonly resized: Size;
  /** The part of that which is the image. */
  readonly box: Box;
}

/**
 * What a network that takes images `[height, width, ...]` is shown of a picture: of square ones torchvision's
 * `Resize(height)` and `CenterCrop(height)`, of others the same, the picture being resized to cover the image.
 */
function shown(picture: Size, [height, width]: ImageSpec["imageShape"]): Shown {
  const isNarrow = picture.width * height <= picture.height * width;
  const resized = isNarrow
    ? { width, height: Math.max(height, Math.trunc(width * picture.height / picture.width)) }
    : { width: Math.max(width, Math.trunc(height * picture.width / picture.height)), height };
  return { resized, box: middle(resized, { width, height }) };
}

/**
 * The image of a picture as the network's own transforms take it: `[H, W, C]` of `imageShape`, 0 to 255. A picture of that
 * size stays as it is; one of another is resized and cropped as for evaluation. For one channel it becomes grey, as
 * Pillow's `convert("L")` does it.
 *
 * @param imageShape One channel or three.
 */
export function inputOf(
  picture: Picture,
  { imageShape }: Pick<ImageSpec, "imageShape">,
): Uint8Array<ArrayBuffer> {
  const { resized, box } = shown(picture, imageShape);
  const { pixels } = cropPicture(resizePicture(picture, resized), box);
  if (imageShape[2] === CHANNELS) return new Uint8Array(pixels);
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
export function shownPart(picture: Size, { imageShape }: Pick<ImageSpec, "imageShape">): Box {
  const { resized, box } = shown(picture, imageShape);
  const [across, down] = [picture.width / resized.width, picture.height / resized.height];
  return {
    left: box.left * across,
    top: box.top * down,
    width: box.width * across,
    height: box.height * down,
  };
}
