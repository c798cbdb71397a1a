/** The steps between stored pixels and the network's input, as data. `apply.ts` runs them on the device. */
import * as v from "valibot";
import {
  fields,
  kinds,
  list,
  mismatch,
  number,
  oneOf,
  type Schema,
  truth,
} from "../../runtime/system/schema.ts";
import {
  type Augment,
  type Crop,
  type Data,
  type Dataset,
  mapParts,
  outputShape,
  type Step,
  type Transform,
} from "../data/dataset.ts";

/** Mean and standard deviation of the pixels by channel, on the scale 0 to 1. */
export interface ChannelStats {
  /** `[C]`. */
  readonly mean: readonly number[];
  /** `[C]`. */
  readonly std: readonly number[];
}

/** Of the 50,000 training images of CIFAR-10 (population deviation over all pixels of a channel). */
export const CIFAR10_STATS: ChannelStats = {
  mean: [0.49139968, 0.48215841, 0.44653091],
  std: [0.24703223, 0.24348513, 0.26158784],
};

/**
 * What the tutorial normalises by. Its deviations are not those of all pixels: they are the mean, over the training
 * images, of the deviation within one image (0.2023, 0.1994, 0.2010 when recomputed so), as in many CIFAR-10 scripts.
 */
export const TUTORIAL_STATS: ChannelStats = { mean: [0.4914, 0.4822, 0.4465], std: [0.2023, 0.1994, 0.2010] };

/** Of the ImageNet training images, as torchvision's published weights expect (its documentation of `resnet50`). */
export const IMAGENET_STATS: ChannelStats = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

/**
 * Resizes the images of every part to `size` x `size`: bilinear, half-pixel centres, as torchvision's `Resize`; on
 * shrinking the filter widens to cover every pixel (`antialias`).
 *
 * @param size The new side, in pixels.
 * @param options `quantize`: round to whole values 0 to 255 between and after the passes, as torchvision does when it
 *   resizes an 8-bit PIL image (see `applyTransforms` for how exactly).
 * @throws {RangeError} If `size` is not a positive integer.
 * @throws {TypeError} If `quantize` is asked for after `normalize`, where pixel values are no longer 0 to 255.
 * @example
 * ```ts
 * import { CIFAR10_STATS, loadCifar, normalize, pipe, resize } from "@resnet/deno";
 *
 * const load = async () => pipe(await loadCifar("data"), resize(224), normalize(CIFAR10_STATS));
 * ```
 */
export function resize(
  size: number,
  { quantize = false }: { quantize?: boolean } = {},
): (data: Data) => Data {
  if (!Number.isInteger(size) || size < 1) {
    throw new RangeError(`resize: size must be a positive integer, found ${size}`);
  }
  return (data) =>
    mapParts(data, (part) => {
      if (quantize && part.transforms.some(({ kind }) => kind === "normalize")) {
        throw new TypeError("resize: quantize needs pixel values 0 to 255; put resize before normalize");
      }
      return append(part, { kind: "resize", size, quantize });
    });
}

/**
 * Normalises the images of every part: `(pixel / 255 - mean) / std` by channel.
 *
 * @param stats One mean and one deviation a channel, on the scale 0 to 1, such as `CIFAR10_STATS`.
 * @throws {TypeError} If their number is not that of the images' channels, or the images are normalised already.
 * @throws {RangeError} If a deviation is not above zero.
 * @example
 * ```ts
 * import { CIFAR10_STATS, loadCifar, normalize, pipe } from "@resnet/deno";
 *
 * const load = async () => pipe(await loadCifar("data"), normalize(CIFAR10_STATS));
 * ```
 */
export function normalize({ mean, std }: ChannelStats): (data: Data) => Data {
  const zero = std.findIndex((value) => !(value > 0));
  if (zero >= 0) {
    throw new RangeError(`normalize: std must be above 0, found ${std[zero]} for channel ${zero}`);
  }
  return (data) =>
    mapParts(data, (part) => {
      const channels = part.imageShape[2];
      if (mean.length !== channels || std.length !== channels) {
        throw new TypeError(
          `normalize: ${mean.length} means and ${std.length} deviations for images of ${channels} channels`,
        );
      }
      if (part.transforms.some(({ kind }) => kind === "normalize")) {
        throw new TypeError("normalize: the images are normalised already");
      }
      return append(part, { kind: "normalize", mean, std });
    });
}

/**
 * Changes the training images at random, anew each time they are seen; validation and test images stay as they are.
 *
 * @param cfg `flip`: mirror each image left to right with probability 1/2, or (`"alternate"`) in every other epoch.
 *   `crop`: shift each image by a whole number of pixels, uniform in `[-crop, crop]` down and across, which is
 *   torchvision's `RandomCrop(size, padding=crop)`. `padding`: what the shift brings in. `"zero"` (the
 *   default) is black, pixel value 0, wherever in the list the step stands: after `normalize` it is the normalised
 *   black. `"reflect"` mirrors about the edge pixel, which is not repeated, as NumPy's and PyTorch's `reflect`.
 * @throws {RangeError} If `crop` is not an integer from 0, or `"reflect"` would reach past the image.
 * @example
 * ```ts
 * import { augment, CIFAR10_STATS, loadCifar, normalize, pipe } from "@resnet/deno";
 *
 * const load = async () =>
 *   pipe(await loadCifar("data"), augment({ flip: true, crop: 4 }), normalize(CIFAR10_STATS));
 * ```
 */
export function augment(
  { flip, crop, padding = "zero" }: Pick<Augment, "flip" | "crop"> & Partial<Pick<Augment, "padding">>,
): (data: Data) => Data {
  if (!Number.isInteger(crop) || crop < 0) {
    throw new RangeError(`augment: crop must be an integer from 0, found ${crop}`);
  }
  return (data) => {
    const [height, width] = outputShape(data.train);
    if (padding === "reflect" && crop >= Math.min(height, width)) {
      throw new RangeError(
        `augment: crop ${crop} with reflected padding needs images larger than ${crop} pixels, ` +
          `found ${height} x ${width}`,
      );
    }
    return { ...data, train: append(data.train, { kind: "augment", flip, crop, padding }) };
  };
}

/**
 * Shows a part of every picture, as `Crop` says. What is random follows from the seed, the epoch and the picture's place.
 *
 * @throws {RangeError} If a size is no whole number from 1, `shorter` is below `size`, or a range is none.
 * @throws {TypeError} If another transform comes before, the images are not RGB, or pictures are kept smaller than `shorter`.
 * @example
 * ```ts
 * import { loadCifar } from "../data/cifar/load.ts";
 * import { pipe } from "../pipe.ts";
 * import { CIFAR10_STATS, crop, normalize } from "./transforms.ts";
 *
 * const range = { scale: [0.35, 1], ratio: [3 / 4, 4 / 3] } as const;
 * const load = async () =>
 *   pipe(
 *     await loadCifar("data"),
 *     crop({ size: 24, shorter: 28, ...range, augment: "trivialAugment" }),
 *     normalize(CIFAR10_STATS),
 *   );
 * ```
 */
export function crop(cfg: Omit<Crop, "kind">): (data: Data) => Data {
  const { size, shorter, scale, ratio, augment } = cfg;
  for (const [name, value] of Object.entries({ size, shorter })) {
    if (!Number.isInteger(value) || value < 1) {
      throw new RangeError(`crop: ${name} must be a positive integer, found ${value}`);
    }
  }
  if (shorter < size) throw new RangeError(`crop: shorter must be at least size, ${size}, found ${shorter}`);
  for (const [name, [min, max]] of Object.entries({ scale, ratio })) {
    if (!(min > 0 && min <= max && max < Infinity) || (name === "scale" && max > 1)) {
      throw new RangeError(
        `crop: ${name} must be two numbers above 0, the smaller first, found ${min}, ${max}`,
      );
    }
  }
  const random = { scale, ratio, change: augment === "trivialAugment" };
  const shown = (part: Dataset): Dataset => {
    const { images, imageShape, pictures, transforms } = part;
    if (transforms.length > 0) {
      throw new TypeError(`crop: it comes first, found ${transforms[0].kind} before`);
    }
    if (imageShape[2] !== 3) throw new TypeError(`crop: images must be RGB, found ${imageShape[2]} channels`);
    const source = pictures?.source ?? { kind: "stored", images, imageShape };
    if (source.kind === "files" && source.keep < shorter) {
      throw new TypeError(
        `crop: shorter is ${shorter}, but the pictures are kept with ${source.keep}; load them with keep: ${shorter}`,
      );
    }
    return {
      ...part,
      images: new Uint8Array(),
      pictures: { source, view: { shorter, size } },
      imageShape: [size, size, 3],
    };
  };
  return (data) => {
    const { train, ...rest } = mapParts(data, shown);
    return { ...rest, train: { ...train, pictures: { ...train.pictures!, random } } };
  };
}

/** Two numbers above 0, the smaller first. */
function range(max: number): Schema<readonly [number, number]> {
  const wrong = ({ input }: { input: unknown }) => mismatch(input, "two numbers above 0, the smaller first");
  return v.pipe(
    v.tuple(
      [v.pipe(v.number(wrong), v.gtValue(0, wrong)), v.pipe(v.number(wrong), v.maxValue(max, wrong))],
      wrong,
    ),
    v.check(([smaller, larger]) => smaller <= larger, wrong),
  );
}

const TRANSFORMS = [
  fields({ kind: v.literal("resize"), size: number({ whole: true, min: 1 }), quantize: truth }),
  fields({
    kind: v.literal("normalize"),
    mean: list(number(), { min: 1 }),
    std: list(number({ above: 0 }), { min: 1 }),
  }),
  fields({
    kind: v.literal("augment"),
    flip: v.union(
      [truth, v.literal("alternate")],
      ({ input }) => mismatch(input, 'true, false or "alternate"'),
    ),
    crop: number({ whole: true, min: 0 }),
    padding: oneOf(["zero", "reflect"]),
  }),
] as const;

/** What a transform looks like in a file. */
export const transformSchema: Schema<Transform> = kinds(TRANSFORMS);

/** What a step of a recipe looks like in a file. */
export const stepSchema: Schema<Step> = kinds([
  ...TRANSFORMS,
  fields({
    kind: v.literal("crop"),
    size: number({ whole: true, min: 1 }),
    shorter: number({ whole: true, min: 1 }),
    scale: range(1),
    ratio: range(Number.MAX_VALUE),
    augment: oneOf(["none", "trivialAugment"]),
  }),
]);

/** A step that is given as data, as one of the functions above. */
export function transform(step: Step): (data: Data) => Data {
  switch (step.kind) {
    case "crop":
      return crop(step);
    case "resize":
      return resize(step.size, step);
    case "normalize":
      return normalize(step);
    case "augment":
      return augment(step);
  }
}

function append(part: Dataset, transform: Transform): Dataset {
  return { ...part, transforms: [...part.transforms, transform] };
}
