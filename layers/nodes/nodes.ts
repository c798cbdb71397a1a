/**
 * One constructor a kind of node. Each checks its settings and the shapes it is given, and works out the
 * shape it puts out: a network that exists is a network whose shapes fit.
 *
 * All throw `TypeError` for shapes that do not fit and `RangeError` for settings that are out of range; the
 * message begins with the op and the layer's name.
 */
import { checkRate, checkWhole, describe, outputSize, showShape, spatial } from "./checks.ts";
import type {
  AddNode,
  AvgPoolNode,
  BatchNormNode,
  CeluNode,
  ConvNode,
  DropoutNode,
  FlattenNode,
  GlobalAvgPoolNode,
  InputNode,
  LinearNode,
  MaxPoolNode,
  Node,
  PadShortcutNode,
  ReluNode,
  ScaleNode,
  SpatialShape,
  StochasticDepthNode,
} from "./node.ts";

/** What every layer is given. */
export interface Named {
  /** PyTorch's name of the module, e.g. `layer0.0.conv1.0`; unique within a model. */
  readonly name: string;
}

/**
 * Images of `shape` `[h, w, c]`, float32.
 * @throws {RangeError} If a size is not a whole number from 1 up.
 * @example
 * ```ts
 * import { conv, input } from "@resnet/deno";
 * const x = input([224, 224, 3]);
 * conv(x, { name: "conv1.0", filters: 64, kernelSize: 7, stride: 2, padding: 3 }).shape; // [112, 112, 64]
 * ```
 */
export function input(shape: SpatialShape, name = "input"): InputNode {
  const [height, width, channels] = shape;
  checkWhole("input", name, { height, width, channels }, 1);
  return { op: "input", inputs: [], cfg: {}, name, shape };
}

/**
 * Convolution with a `kernelSize` x `kernelSize` kernel and `padding` zeros on all four sides, as PyTorch's
 * `Conv2d`: an axis of length `n` becomes `floor((n + 2 padding - kernelSize) / stride) + 1`.
 *
 * Parameters: `weight` `[kernelSize, kernelSize, c / groups, filters]` (HWIO) and, with `bias`, `bias` `[filters]`.
 * @param x `[h, w, c]`.
 * @param cfg `stride` is 1, `padding` 0, `groups` 1 and `bias` true unless given, as in PyTorch.
 * @returns `[h', w', filters]`.
 * @throws {TypeError} If `x` is no map, its channels do not divide into groups, or the kernel is larger than the padded map.
 * @throws {RangeError} If a setting is out of range, or the filters do not divide into groups.
 * @example
 * ```ts
 * import { conv, input } from "@resnet/deno";
 * const x = input([224, 224, 3]);
 * conv(x, { name: "conv1", filters: 64, kernelSize: 7, stride: 2, padding: 3 }).shape; // [112, 112, 64]
 * ```
 */
export function conv(
  x: Node,
  cfg: Named & {
    readonly filters: number;
    readonly kernelSize: number;
    readonly stride?: number;
    readonly padding?: number;
    readonly groups?: number;
    readonly bias?: boolean;
  },
): ConvNode {
  const { name, filters, kernelSize, stride = 1, padding = 0, groups = 1, bias = true } = cfg;
  checkWhole("conv", name, { filters, kernelSize, stride, groups }, 1);
  checkWhole("conv", name, { padding }, 0);
  if (filters % groups !== 0) {
    throw new RangeError(`conv "${name}": ${filters} filters do not divide into ${groups} groups`);
  }
  const shape = spatial("conv", name, x);
  if (shape[2] % groups !== 0) {
    throw new TypeError(`conv "${name}": the channels of ${describe(x)} do not divide into ${groups} groups`);
  }
  const [height, width] = outputSize("conv", name, shape, kernelSize, stride, padding);
  return {
    op: "conv",
    inputs: [x],
    cfg: { filters, kernelSize, stride, padding, groups, bias },
    name,
    shape: [height, width, filters],
  };
}

/**
 * Batch normalisation of each channel: `y = weight * (x - mean) / sqrt(variance + epsilon) + bias` (S. Ioffe
 * and C. Szegedy, arXiv:1502.03167). Training takes mean and (biased) variance of the batch, and keeps
 * `running = (1 - momentum) * running + momentum * batch` with the unbiased variance; evaluation takes the
 * running ones.
 *
 * Parameters: `weight`, `bias` `[c]`; statistics: `running_mean`, `running_var` `[c]`.
 * @param x `[h, w, c]`.
 * @param cfg `epsilon` is 1e-5 and `momentum` 0.1 unless given, as in PyTorch's `BatchNorm2d`.
 * @returns `[h, w, c]`.
 * @throws {TypeError} If `x` is no map.
 * @throws {RangeError} If `epsilon` is not above 0 or `momentum` is outside `[0, 1]`.
 * @example
 * ```ts
 * import { batchNorm, input } from "@resnet/deno";
 * batchNorm(input([32, 32, 16]), { name: "bn1" }).cfg; // { epsilon: 0.00001, momentum: 0.1 }
 * ```
 */
export function batchNorm(
  x: Node,
  cfg: Named & { readonly epsilon?: number; readonly momentum?: number },
): BatchNormNode {
  const { name, epsilon = 1e-5, momentum = 0.1 } = cfg;
  if (!(epsilon > 0)) throw new RangeError(`batchNorm "${name}": epsilon must be above 0, found ${epsilon}`);
  if (!(momentum >= 0 && momentum <= 1)) {
    throw new RangeError(`batchNorm "${name}": momentum must be from 0 to 1, found ${momentum}`);
  }
  return {
    op: "batchNorm",
    inputs: [x],
    cfg: { epsilon, momentum },
    name,
    shape: spatial("batchNorm", name, x),
  };
}

/**
 * Rectified linear unit, `max(x, 0)`.
 * @param cfg `block`: where this is the last layer of a block, what `summary` calls the block.
 * @returns The shape of `x`.
 * @example
 * ```ts
 * import { input, relu } from "@resnet/deno";
 * relu(input([32, 32, 16]), { name: "relu1" }).shape; // [32, 32, 16]
 * ```
 */
export function relu(x: Node, cfg: Named & { readonly block?: string }): ReluNode {
  const { name, block = "" } = cfg;
  return { op: "relu", inputs: [x], cfg: { block }, name, shape: x.shape };
}

/**
 * Continuously differentiable exponential linear unit (J. Barron, arXiv:1704.07483), as PyTorch's `CELU`: `x` above 0,
 * `alpha (exp(x / alpha) - 1)` below.
 * @returns The shape of `x`.
 * @throws {RangeError} If `alpha` is not above 0.
 * @example
 * ```ts
 * import { celu, input } from "@resnet/deno";
 * celu(input([32, 32, 16]), { name: "act1", alpha: 0.3 }).shape; // [32, 32, 16]
 * ```
 */
export function celu(x: Node, cfg: Named & { readonly alpha: number }): CeluNode {
  const { name, alpha } = cfg;
  if (!(alpha > 0 && alpha < Infinity)) {
    throw new RangeError(`celu "${name}": alpha must be above 0, found ${alpha}`);
  }
  return { op: "celu", inputs: [x], cfg: { alpha }, name, shape: x.shape };
}

/**
 * Maximum over `kernelSize` x `kernelSize` windows, as PyTorch's `MaxPool2d`: `padding` positions on all four
 * sides count as minus infinity, sizes are rounded down as in `conv`.
 * @param x `[h, w, c]`.
 * @param cfg `stride` is `kernelSize` and `padding` 0 unless given.
 * @returns `[h', w', c]`.
 * @throws {TypeError} If `x` is no map, or the window is larger than the padded map.
 * @throws {RangeError} If a setting is out of range; `padding` may be at most half of `kernelSize`.
 * @example
 * ```ts
 * import { input, maxPool } from "@resnet/deno";
 * maxPool(input([112, 112, 64]), { name: "pool", kernelSize: 3, stride: 2, padding: 1 }).shape; // [56, 56, 64]
 * ```
 */
export function maxPool(
  x: Node,
  cfg: Named & { readonly kernelSize: number; readonly stride?: number; readonly padding?: number },
): MaxPoolNode {
  const { name, kernelSize, stride = kernelSize, padding = 0 } = cfg;
  checkWhole("maxPool", name, { kernelSize, stride }, 1);
  checkWhole("maxPool", name, { padding }, 0);
  if (padding > kernelSize / 2) {
    throw new RangeError(
      `maxPool "${name}": padding may be at most half of kernelSize ${kernelSize}, found ${padding}`,
    );
  }
  const shape = spatial("maxPool", name, x);
  const [height, width] = outputSize("maxPool", name, shape, kernelSize, stride, padding);
  return {
    op: "maxPool",
    inputs: [x],
    cfg: { kernelSize, stride, padding },
    name,
    shape: [height, width, shape[2]],
  };
}

/**
 * Mean over `kernelSize` x `kernelSize` windows, as PyTorch's `AvgPool2d` without padding.
 * @param x `[h, w, c]`.
 * @param cfg `stride` is `kernelSize` unless given.
 * @returns `[h', w', c]`.
 * @throws {TypeError} If `x` is no map, or the window is larger than the map.
 * @throws {RangeError} If a setting is out of range.
 * @example
 * ```ts
 * import { avgPool, input } from "@resnet/deno";
 * avgPool(input([7, 7, 512]), { name: "pool", kernelSize: 7 }).shape; // [1, 1, 512]
 * ```
 */
export function avgPool(
  x: Node,
  cfg: Named & { readonly kernelSize: number; readonly stride?: number },
): AvgPoolNode {
  const { name, kernelSize, stride = kernelSize } = cfg;
  checkWhole("avgPool", name, { kernelSize, stride }, 1);
  const shape = spatial("avgPool", name, x);
  const [height, width] = outputSize("avgPool", name, shape, kernelSize, stride, 0);
  return { op: "avgPool", inputs: [x], cfg: { kernelSize, stride }, name, shape: [height, width, shape[2]] };
}

/**
 * Mean over the whole map, as PyTorch's `AdaptiveAvgPool2d(1)`.
 * @param x `[h, w, c]`.
 * @param cfg Its name.
 * @returns `[1, 1, c]`.
 * @throws {TypeError} If `x` is no map.
 * @example
 * ```ts
 * import { globalAvgPool, input } from "@resnet/deno";
 * globalAvgPool(input([7, 5, 512]), { name: "pool" }).shape; // [1, 1, 512]
 * ```
 */
export function globalAvgPool(x: Node, { name }: Named): GlobalAvgPoolNode {
  const [, , channels] = spatial("globalAvgPool", name, x);
  return { op: "globalAvgPool", inputs: [x], cfg: {}, name, shape: [1, 1, channels] };
}

/**
 * A map as one row of features, channels outermost, so that the weights of a `linear` layer behind it mean
 * the same as in PyTorch.
 * @param x `[h, w, c]`.
 * @param cfg Its name.
 * @returns `[c * h * w]`.
 * @throws {TypeError} If `x` is no map.
 * @example
 * ```ts
 * import { flatten, input } from "@resnet/deno";
 * flatten(input([4, 4, 16]), { name: "flatten" }).shape; // [256]
 * ```
 */
export function flatten(x: Node, { name }: Named): FlattenNode {
  const [height, width, channels] = spatial("flatten", name, x);
  return { op: "flatten", inputs: [x], cfg: {}, name, shape: [channels * height * width] };
}

/**
 * Fully connected layer, `x W + b`, as PyTorch's `Linear`.
 *
 * Parameters: `weight` `[in, features]` and, with `bias`, `bias` `[features]`.
 * @param x `[in]`.
 * @param cfg `bias` is true unless given.
 * @returns `[features]`.
 * @throws {TypeError} If `x` is a map.
 * @throws {RangeError} If `features` is not a whole number from 1 up.
 * @example
 * ```ts
 * import { flatten, input, linear } from "@resnet/deno";
 * const x = flatten(input([1, 1, 512]), { name: "flatten" });
 * linear(x, { name: "fc", features: 10 }).shape; // [10]
 * ```
 */
export function linear(
  x: Node,
  cfg: Named & { readonly features: number; readonly bias?: boolean },
): LinearNode {
  const { name, features, bias = true } = cfg;
  checkWhole("linear", name, { features }, 1);
  if (x.shape.length !== 1) {
    throw new TypeError(`linear "${name}": needs [features], found ${describe(x)}; put flatten in between`);
  }
  return { op: "linear", inputs: [x], cfg: { features, bias }, name, shape: [features] };
}

/**
 * Sum of two nodes, element by element.
 * @param cfg `block`: where this is the last layer of a block, what `summary` calls the block.
 * @returns The shape of both.
 * @throws {TypeError} If the shapes differ.
 * @example
 * ```ts
 * import { add, conv, input } from "@resnet/deno";
 * const x = input([32, 32, 16]);
 * const y = conv(x, { name: "conv1", filters: 16, kernelSize: 3, padding: 1 });
 * add(x, y, { name: "sum" }).shape; // [32, 32, 16]
 * ```
 */
export function add(a: Node, b: Node, cfg: Named & { readonly block?: string }): AddNode {
  const { name, block = "" } = cfg;
  if (showShape(a.shape) !== showShape(b.shape)) {
    throw new TypeError(`add "${name}": shapes ${showShape(a.shape)} and ${showShape(b.shape)} differ`);
  }
  return { op: "add", inputs: [a, b], cfg: { block }, name, shape: a.shape };
}

/**
 * Dropout (N. Srivastava et al., JMLR 15, 2014): while training, each element becomes zero with probability
 * `rate`, the others are divided by `1 - rate`; evaluation changes nothing.
 * @returns The shape of `x`.
 * @throws {RangeError} If `rate` is not in `[0, 1)`.
 * @example
 * ```ts
 * import { dropout, flatten, input } from "@resnet/deno";
 * dropout(flatten(input([1, 1, 512]), { name: "flatten" }), { name: "drop", rate: 0.5 }).shape; // [512]
 * ```
 */
export function dropout(x: Node, cfg: Named & { readonly rate: number }): DropoutNode {
  const { name, rate } = cfg;
  checkRate("dropout", name, rate);
  return { op: "dropout", inputs: [x], cfg: { rate }, name, shape: x.shape };
}

/**
 * Stochastic depth (G. Huang et al., arXiv:1603.09382), as torchvision's `StochasticDepth` by rows: while training, the
 * whole of an image's map becomes zero with probability `rate`, the others are divided by `1 - rate`. In front of a
 * residual sum it leaves the block out for that image. Evaluation changes nothing.
 * @returns The shape of `x`.
 * @throws {RangeError} If `rate` is not in `[0, 1)`.
 * @example
 * ```ts
 * import { add, conv, input, stochasticDepth } from "@resnet/deno";
 * const x = input([32, 32, 16]);
 * const y = conv(x, { name: "conv1", filters: 16, kernelSize: 3, padding: 1 });
 * add(x, stochasticDepth(y, { name: "drop", rate: 0.2 }), { name: "sum" }).shape; // [32, 32, 16]
 * ```
 */
export function stochasticDepth(x: Node, cfg: Named & { readonly rate: number }): StochasticDepthNode {
  const { name, rate } = cfg;
  checkRate("stochasticDepth", name, rate);
  return { op: "stochasticDepth", inputs: [x], cfg: { rate }, name, shape: x.shape };
}

/**
 * The parameter-free shortcut of He et al. (arXiv:1512.03385, option A): the identity on every `stride`-th
 * row and column, "with extra zero entries padded for increasing dimensions". The paper leaves open where the
 * zeros go; here half of them go before the channels there are and half after (the odd one after), as in the
 * PyTorch implementation that reproduced the paper's figures (akamaster/pytorch_resnet_cifar10).
 * @param x `[h, w, c]`.
 * @returns `[ceil(h / stride), ceil(w / stride), filters]`.
 * @throws {TypeError} If `x` is no map, or has more channels than `filters`.
 * @throws {RangeError} If a setting is out of range.
 * @example
 * ```ts
 * import { input, padShortcut } from "@resnet/deno";
 * padShortcut(input([32, 32, 16]), { name: "shortcut", filters: 32, stride: 2 }).shape; // [16, 16, 32]
 * ```
 */
export function padShortcut(
  x: Node,
  cfg: Named & { readonly filters: number; readonly stride: number },
): PadShortcutNode {
  const { name, filters, stride } = cfg;
  checkWhole("padShortcut", name, { filters, stride }, 1);
  const [height, width, channels] = spatial("padShortcut", name, x);
  const extra = filters - channels;
  if (extra < 0) {
    throw new TypeError(`padShortcut "${name}": cannot pad ${describe(x)} to ${filters} channels`);
  }
  const channelsBefore = Math.floor(extra / 2);
  return {
    op: "padShortcut",
    inputs: [x],
    cfg: { stride, channelsBefore, channelsAfter: extra - channelsBefore },
    name,
    shape: [Math.ceil(height / stride), Math.ceil(width / stride), filters],
  };
}

/**
 * Multiplies by a constant, e.g. the logits by 1/8.
 * @returns The shape of `x`.
 * @throws {RangeError} If `factor` is not finite.
 * @example
 * ```ts
 * import { flatten, input, linear, scale } from "@resnet/deno";
 * const logits = linear(flatten(input([1, 1, 64]), { name: "flatten" }), { name: "fc", features: 10 });
 * scale(logits, { name: "scale", factor: 1 / 8 }).shape; // [10]
 * ```
 */
export function scale(x: Node, cfg: Named & { readonly factor: number }): ScaleNode {
  const { name, factor } = cfg;
  if (!Number.isFinite(factor)) {
    throw new RangeError(`scale "${name}": factor must be finite, found ${factor}`);
  }
  return { op: "scale", inputs: [x], cfg: { factor }, name, shape: x.shape };
}
