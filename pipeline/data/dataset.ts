/** What a data set is: pixels, labels, which of them belong, and what is done to them on the way to the network. */

import type { CropRange } from "./images/random_changes.ts";
import type { Pictures, View } from "./pictures.ts";

/** One step between the stored pixels and the network's input. Plain data; `applyTransforms` runs it on the device. */
export type Transform = Resize | Normalize | Augment;

/** Bilinear resize to `size` x `size`; `quantize` rounds to whole pixel values as an 8-bit image does. */
export interface Resize {
  /** Tells it from the other transforms. */
  readonly kind: "resize";
  /** The new side, in pixels. */
  readonly size: number;
  /** Whether to round to whole values 0 to 255 after each pass. */
  readonly quantize: boolean;
}

/** `(pixel / 255 - mean) / std`, one mean and one deviation a channel. */
export interface Normalize {
  /** Tells it from the other transforms. */
  readonly kind: "normalize";
  /** `[C]`, on the scale 0 to 1. */
  readonly mean: readonly number[];
  /** `[C]`, on the scale 0 to 1, above 0. */
  readonly std: readonly number[];
}

/** Random changes of a training image. */
export interface Augment {
  /** Tells it from the other transforms. */
  readonly kind: "augment";
  /**
   * Whether images are mirrored left to right: half of them at random, or (`"alternate"`) each in every other epoch,
   * so that two epochs show both sides of all of them (K. Jordan 2024, arXiv:2404.00498, section 3.6).
   *
   * The alternate ones are mirrored once, as they are stored, while a batch is copied (`batches`), wherever in the
   * list this stands. What comes before it there does not know left from right: a mirrored image resized is the
   * resized image mirrored (to the byte with `quantize`, without it but for rounding), `normalize` looks at single
   * pixels, and a shift goes to the left as often as to the right.
   */
  readonly flip: boolean | "alternate";
  /** The longest shift down, up and to either side, in pixels. */
  readonly crop: number;
  /** What a shift brings in: black pixels, or the image mirrored about its edge pixel. */
  readonly padding: "zero" | "reflect";
}

/**
 * What is shown of pictures of any size: of training pictures a random part, which is torchvision's
 * `RandomResizedCrop(size, scale, ratio)`, of others the middle, which is its `Resize(shorter)` and `CenterCrop(size)`. To
 * the byte, of 8-bit images. It is done as they are read, so it comes before all that is done to images.
 */
export interface Crop {
  /** Tells it from the transforms. */
  readonly kind: "crop";
  /** The side of the images, in pixels. */
  readonly size: number;
  /** What the shorter side is resized to in evaluation, `size` at least. Larger pictures are kept as large as that. */
  readonly shorter: number;
  /** Of the picture's area, in training. */
  readonly scale: CropRange["scale"];
  /** Width by height of the part, in training. */
  readonly ratio: CropRange["ratio"];
  /** What else is done to a training picture: nothing, or what torchvision's `TrivialAugmentWide` does. */
  readonly augment: "none" | "trivialAugment";
}

/** What a recipe does to images: a crop, if there is one, first. */
export type Step = Crop | Transform;

/** Images with labels. Several may share one store of pixels and differ in `indices`. */
export interface Dataset {
  /** The whole store, `[N, H, W, C]` in row-major order, 0 to 255; empty where there are `pictures`. */
  readonly images: Uint8Array;
  /** What the images are made of, each when it is asked for. */
  readonly pictures?: Pictures;
  /** The files that the images were read from, `[N]` of the whole store, where each has one of its own. */
  readonly files?: readonly string[];
  /** Class numbers of the whole store, `[N]`, below `classes.length`. */
  readonly labels: Uint32Array;
  /** `[H, W, C]` as stored, or made of a picture; `outputShape` gives it after the transforms. */
  readonly imageShape: readonly [height: number, width: number, channels: number];
  /** Names of the classes, by class number. */
  readonly classes: readonly string[];
  /** The members, as positions in the store, in the order they are read. */
  readonly indices: Uint32Array;
  /** What is done to each image, in order. */
  readonly transforms: readonly Transform[];
}

/** What images are, without any: all that a network has to be told of those that it was trained on. */
export interface ImageSpec extends Pick<Dataset, "imageShape" | "transforms" | "classes"> {
  /** What of a picture of another size an image is; its middle, as large as goes, unless given. */
  readonly view?: View;
}

/** The parts of a data set that a training run uses. */
export interface Data {
  /** To train on. */
  readonly train: Dataset;
  /** To choose by: kept back from the training images by `split`. */
  readonly validation?: Dataset;
  /** For the final figure only. */
  readonly test?: Dataset;
  /** Of data from a folder of pictures: SHA-256 of all files and their classes, in base 64. */
  readonly digest?: string;
}

/**
 * A data set of everything in the given arrays, in order.
 *
 * @param store Pixels `[N, H, W, C]` 0 to 255, labels `[N]`, the shape of one image and the names of the classes;
 *   `transforms`: none unless given, such as those of a trained network.
 * @throws {TypeError} If the sizes of pixels, labels and shape do not agree.
 * @throws {RangeError} If a label is no class number: not whole, below 0, or without a class name.
 * @example
 * ```ts
 * import { createDataset } from "@resnet/deno";
 *
 * const dataset = createDataset({
 *   images: new Uint8Array(2 * 4 * 4 * 3),
 *   labels: Uint8Array.of(0, 1),
 *   imageShape: [4, 4, 3],
 *   classes: ["cat", "dog"],
 * });
 * ```
 */
export function createDataset(
  store: Pick<Dataset, "images" | "imageShape" | "classes"> & {
    readonly labels: ArrayLike<number>;
    readonly transforms?: Dataset["transforms"];
  },
): Dataset {
  const { images, labels, imageShape, classes, transforms = [] } = store;
  const [height, width, channels] = imageShape;
  if (images.length !== labels.length * height * width * channels) {
    throw new TypeError(
      `createDataset: ${labels.length} images of shape [${imageShape}] need ${
        labels.length * height * width * channels
      } bytes, found ${images.length}`,
    );
  }
  for (let i = 0; i < labels.length; i++) {
    if (Number.isInteger(labels[i]) && labels[i] >= 0 && labels[i] < classes.length) continue;
    throw new RangeError(
      `createDataset: label ${i} is ${labels[i]}, expected 0 to ${
        classes.length - 1
      } (${classes.length} classes)`,
    );
  }
  const indices = Uint32Array.from({ length: labels.length }, (_, index) => index);
  const stored = labels instanceof Uint32Array ? labels : Uint32Array.from(labels);
  return { images, labels: stored, imageShape, classes, indices, transforms };
}

/**
 * The shape `[H, W, C]` of an image after the transforms: what the network takes.
 * @param dataset The shape of its images as stored, and what is done to them.
 * @example
 * ```ts
 * import { outputShape } from "@resnet/deno";
 *
 * const transforms = [{ kind: "resize", size: 224, quantize: false }] as const;
 * outputShape({ imageShape: [32, 32, 3], transforms }); // [224, 224, 3]
 * ```
 */
export function outputShape(
  { imageShape, transforms }: Pick<Dataset, "imageShape"> & { readonly transforms: readonly Step[] },
): readonly [height: number, width: number, channels: number] {
  const resized = transforms.findLast((step) => step.kind === "resize" || step.kind === "crop");
  return resized ? [resized.size, resized.size, imageShape[2]] : imageShape;
}

/**
 * How many members of each class there are.
 * @param dataset Of its store, only the members are counted.
 * @returns `[K]`, by class number.
 * @example
 * ```ts
 * import { classCounts, createDataset } from "@resnet/deno";
 *
 * const images = new Uint8Array(3 * 4 * 4 * 3);
 * const classes = ["cat", "dog"];
 * classCounts(createDataset({ images, labels: [1, 0, 1], imageShape: [4, 4, 3], classes })); // [1, 2]
 * ```
 */
export function classCounts(
  { labels, indices, classes }: Pick<Dataset, "labels" | "indices" | "classes">,
): number[] {
  const counts = new Array<number>(classes.length).fill(0);
  for (const index of indices) counts[labels[index]]++;
  return counts;
}

/**
 * Replaces each part of the data by what `change` makes of it; parts that are not there stay away.
 * @example
 * ```ts
 * import { createDataset, mapParts } from "@resnet/deno";
 *
 * const images = new Uint8Array(5 * 4 * 4 * 3);
 * const train = createDataset({ images, labels: [0, 0, 0, 0, 0], imageShape: [4, 4, 3], classes: ["cat"] });
 * const firstTwo = mapParts({ train }, (part) => ({ ...part, indices: part.indices.slice(0, 2) }));
 * firstTwo.train.indices; // Uint32Array [0, 1]
 * ```
 */
export function mapParts(data: Data, change: (part: Dataset) => Dataset): Data {
  return {
    train: change(data.train),
    ...(data.validation && { validation: change(data.validation) }),
    ...(data.test && { test: change(data.test) }),
    ...(data.digest !== undefined && { digest: data.digest }),
  };
}

/** Bytes of the images of the whole store, as they come out of it. */
export function storeBytes({ labels, imageShape }: Pick<Dataset, "labels" | "imageShape">): number {
  const [height, width, channels] = imageShape;
  return labels.length * height * width * channels;
}

/** Images as they are looked at in validation and testing: nothing about them is random. */
export function withoutRandom(part: Dataset): Dataset {
  const { pictures, transforms } = part;
  return {
    ...part,
    ...(pictures && { pictures: { source: pictures.source, view: pictures.view } }),
    transforms: transforms.filter(({ kind }) => kind !== "augment"),
  };
}
