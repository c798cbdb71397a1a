/** Residual networks: the tutorial's for 224 x 224 images and those of He et al. for CIFAR. */
import { defineModel, type Model } from "./model.ts";
import type { Node } from "./node.ts";
import {
  avgPool,
  batchNorm,
  conv,
  dropout as dropoutNode,
  flatten,
  globalAvgPool,
  input,
  linear,
  maxPool,
  relu,
} from "./nodes.ts";
import { residualBlock, type ResidualBlockCfg, type Shortcut } from "./residual_block.ts";

/**
 * How the images enter. `imagenet`: 7x7 convolution with stride 2, then 3x3 max pooling with stride 2 (a
 * quarter of the size). `cifar`: 3x3 convolution (the same size).
 */
export type Stem = "imagenet" | "cifar";

/** Settings of `resnet`; what is left out follows the stem. */
export interface ResnetCfg {
  /** `imagenet` unless given. */
  readonly stem?: Stem;
  /** Height and width of the images: 224 (imagenet) or 32 (cifar) unless given. */
  readonly inputSize?: number;
  /** 10 unless given. */
  readonly numClasses?: number;
  /** Channels of each stage: 64, 128, 256, 512 (imagenet) or 16, 32, 64 (cifar) unless given. */
  readonly widths?: readonly number[];
  /** `residualBlock` unless given. */
  readonly block?: (x: Node, cfg: ResidualBlockCfg) => Node;
  /** `projection` (imagenet) or `padding` (cifar) unless given. */
  readonly shortcut?: Shortcut;
  /** Whether convolutions have biases: true (imagenet, as in the tutorial) or false (cifar) unless given. */
  readonly bias?: boolean;
  /** Rate of the dropout before the last layer; 0, no such layer, unless given. */
  readonly dropout?: number;
}

/** What the two families differ in. */
const DEFAULTS = {
  imagenet: {
    inputSize: 224,
    widths: [64, 128, 256, 512],
    shortcut: "projection",
    bias: true,
    initScheme: "pytorch",
  },
  cifar: { inputSize: 32, widths: [16, 32, 64], shortcut: "padding", bias: false, initScheme: "heNormal" },
} as const;

/** The window that the tutorial averages over: what 224 x 224 images leave after five halvings. */
const TUTORIAL_POOL = 7;

/**
 * A ResNet of K. He et al., "Deep Residual Learning for Image Recognition" (arXiv:1512.03385): stem, stages
 * of residual blocks (each but the first halves the size), global average pooling, one linear layer.
 *
 * `resnet([3, 4, 6, 3])` is the tutorial's ResNet-34, layer by layer and name by name; `resnet([n, n, n], {
 * stem: "cifar" })` is the paper's network of `6n + 2` layers for CIFAR (section 4.2).
 *
 * @param depths How many blocks each stage has.
 * @returns A model from `[inputSize, inputSize, 3]` to `[numClasses]`.
 * @throws {RangeError} If there is not one width a stage, or a setting is out of range.
 * @throws {TypeError} If shapes do not fit.
 * @example
 * ```ts
 * import { resnet } from "./resnet.ts";
 * const tutorial = resnet([3, 4, 6, 3], { numClasses: 10 });
 * const resnet20 = resnet([3, 3, 3], { stem: "cifar" });
 * ```
 */
export function resnet(depths: readonly number[], cfg: ResnetCfg = {}): Model {
  const { stem = "imagenet", numClasses = 10, block = residualBlock, dropout = 0 } = cfg;
  const {
    inputSize = DEFAULTS[stem].inputSize,
    widths = DEFAULTS[stem].widths,
    shortcut = DEFAULTS[stem].shortcut,
    bias = DEFAULTS[stem].bias,
  } = cfg;
  checkStages(depths, widths);

  let x: Node = input([inputSize, inputSize, 3]);
  x = stem === "imagenet"
    ? conv(x, { name: "conv1.0", filters: widths[0], kernelSize: 7, stride: 2, padding: 3, bias })
    : conv(x, { name: "conv1.0", filters: widths[0], kernelSize: 3, stride: 1, padding: 1, bias });
  x = batchNorm(x, { name: "conv1.1" });
  x = relu(x, { name: "conv1.2" });
  if (stem === "imagenet") x = maxPool(x, { name: "maxpool", kernelSize: 3, stride: 2, padding: 1 });

  for (const [stage, depth] of depths.entries()) {
    for (let i = 0; i < depth; i++) {
      const stride = stage > 0 && i === 0 ? 2 : 1;
      x = block(x, { name: `layer${stage}.${i}`, filters: widths[stage], stride, shortcut, bias });
    }
  }

  x = stem === "imagenet" && x.shape[0] === TUTORIAL_POOL
    ? avgPool(x, { name: "avgpool", kernelSize: TUTORIAL_POOL, stride: 1 })
    : globalAvgPool(x, { name: "avgpool" });
  x = flatten(x, { name: "flatten" });
  if (dropout !== 0) x = dropoutNode(x, { name: "dropout", rate: dropout });
  x = linear(x, { name: "fc", features: numClasses });

  // Layers with weights, as the paper counts them: two a block, the stem, the last one, and no projections.
  const layers = 2 * depths.reduce((sum, depth) => sum + depth, 0) + 2;
  return defineModel(x, { name: `ResNet-${layers}`, initScheme: DEFAULTS[stem].initScheme });
}

function checkStages(depths: readonly number[], widths: readonly number[]): void {
  if (depths.length === 0) throw new RangeError("resnet: there must be a stage, found no depths");
  if (depths.length !== widths.length) {
    throw new RangeError(
      `resnet: each stage needs a width, found ${depths.length} depths [${depths.join(", ")}] and ` +
        `${widths.length} widths [${widths.join(", ")}]`,
    );
  }
  for (const [stage, depth] of depths.entries()) {
    if (!Number.isSafeInteger(depth) || depth < 1) {
      throw new RangeError(
        `resnet: depth of stage ${stage} must be a whole number from 1 up, found ${depth}`,
      );
    }
  }
}
