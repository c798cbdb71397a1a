/** A shallow residual network that learns CIFAR in few steps. */
import { defineModel, type Model } from "../model.ts";
import type { Node } from "../nodes/node.ts";
import { add, batchNorm, celu, conv, flatten, input, linear, maxPool, relu, scale } from "../nodes/nodes.ts";
import type { Layer } from "../nodes/sequential.ts";

/** Settings of `fastResnet`. */
export interface FastResnetCfg {
  /** Height and width of the images, which are the same; 32 unless given. */
  readonly inputSize?: number | readonly [height: number, width: number];
  /** Channels of the images; 3 unless given. */
  readonly channels?: number;
  /** 10 unless given. */
  readonly numClasses?: number;
  /**
   * Filters of the 2x2 stem; 24 unless given: both signs of the 2 * 2 * 3 = 12 directions that a patch of an
   * image has, when the kernel whitens the patches.
   */
  readonly stemFilters?: number;
  /** Channels of each stage; 64, 128, 256 unless given. */
  readonly widths?: readonly number[];
  /** The activations are `celu` of this alpha; `relu` unless given. */
  readonly celuAlpha?: number;
  /** What the logits are multiplied by; 1/8 unless given. */
  readonly headScale?: number;
}

/**
 * The network of the fast CIFAR trainers, with a residual connection in every stage.
 *
 * Stem: 2x2 convolution with bias, relu; its kernel may be set to whiten the patches and kept so. Each stage:
 * 3x3 convolution, 2x2 max pooling, batch norm, relu, then `x + relu(batchNorm(conv3x3(x)))`. Head: maximum
 * over the whole map, linear layer without bias, logits times `headScale`.
 *
 * Sources: D. Page, "How to Train Your ResNet" (the stages, global max pooling, logits times 0.125, CELU); K.
 * Jordan, "94% on CIFAR-10 in 3.29 Seconds on a Single GPU", arXiv:2404.00498 (the whitening 2x2 stem with 24
 * filters).
 *
 * @returns A model from `[inputSize, inputSize, channels]` to `[numClasses]`. Names: `stem.0`, `stages.0.conv1.0`,
 * `stages.0.conv1.2`, `stages.0.conv2.0`, `stages.0.conv2.1`, ..., `fc`.
 * @throws {TypeError} If the images are too small for so many stages, or not square.
 * @throws {RangeError} If a setting is out of range.
 * @example
 * ```ts
 * import { fastResnet } from "@resnet/deno";
 * const model = fastResnet({ widths: [64, 256, 256], headScale: 1 / 9 });
 * ```
 */
export function fastResnet(cfg: FastResnetCfg = {}): Model {
  const {
    inputSize = 32,
    channels = 3,
    numClasses = 10,
    stemFilters = 24,
    widths = [64, 128, 256],
    celuAlpha,
    headScale = 0.125,
  } = cfg;
  const activate: Layer = (x, at) =>
    celuAlpha === undefined ? relu(x, at) : celu(x, { ...at, alpha: celuAlpha });

  const [height, width] = typeof inputSize === "number" ? [inputSize, inputSize] : inputSize;
  if (height !== width) {
    throw new TypeError(
      `fastResnet: takes square images, found ${height} x ${width}; resize them, or take resnet`,
    );
  }
  let x: Node = input([height, width, channels]);
  x = conv(x, { name: "stem.0", filters: stemFilters, kernelSize: 2 });
  x = activate(x, { name: "stem.1" });
  for (const [i, filters] of widths.entries()) x = stage(x, `stages.${i}`, filters, activate);
  x = maxPool(x, { name: "pool", kernelSize: x.shape[0] });
  x = flatten(x, { name: "flatten" });
  x = linear(x, { name: "fc", features: numClasses, bias: false });
  x = scale(x, { name: "scale", factor: headScale });
  const model = defineModel(x, { name: `FastResNet-${2 * widths.length + 2}`, initScheme: "dirac" });
  const { numClasses: _, ...data } = cfg;
  return { ...model, network: { kind: "fast", cfg: data } };
}

/** `[h, w, c]` to `[floor(h / 2), floor(w / 2), filters]`. */
function stage(x: Node, name: string, filters: number, activate: Layer): Node {
  const conv3x3 = { filters, kernelSize: 3, padding: 1, bias: false };
  x = conv(x, { ...conv3x3, name: `${name}.conv1.0` });
  x = maxPool(x, { name: `${name}.conv1.1`, kernelSize: 2 });
  x = batchNorm(x, { name: `${name}.conv1.2` });
  x = activate(x, { name: `${name}.conv1.3` });

  let y: Node = conv(x, { ...conv3x3, name: `${name}.conv2.0` });
  y = batchNorm(y, { name: `${name}.conv2.1` });
  y = activate(y, { name: `${name}.conv2.2` });
  return add(x, y, { name, block: "ResidualBlock" });
}
