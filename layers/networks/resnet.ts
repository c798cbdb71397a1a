/** Residual networks: the tutorial's and torchvision's for 224 x 224 images, and those of He et al. for CIFAR. */
import { defineModel, type Model } from "../model.ts";
import type { Node } from "../nodes/node.ts";
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
} from "../nodes/nodes.ts";
import { sequential } from "../nodes/sequential.ts";
import {
  type Block,
  bottleneckBlock,
  preActivationBlock,
  preActivationBottleneck,
  residualBlock,
  type Shortcut,
} from "./residual_block.ts";
import { withTorchvisionNames } from "./torchvision.ts";

/**
 * How the images enter. `imagenet`: 7x7 convolution with stride 2, then 3x3 max pooling with stride 2 (a
 * quarter of the size). `cifar`: 3x3 convolution (the same size).
 */
export type Stem = "imagenet" | "cifar";

/** Name of a block that `resnet` knows: `residualBlock`, `bottleneckBlock`, and the two with pre-activation. */
export type BlockName = "basic" | "bottleneck" | "preActivation" | "preActivationBottleneck";

/** The blocks by name, as plain data can name them. */
const BLOCKS: Readonly<Record<BlockName, Block>> = {
  basic: residualBlock,
  bottleneck: bottleneckBlock,
  preActivation: preActivationBlock,
  preActivationBottleneck,
};

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
  /** One of the project's blocks, or one of your own; `basic`, which is `residualBlock`, unless given. */
  readonly block?: BlockName | Block;
  /** Whose names the layers have; the tutorial's unless given. See `withTorchvisionNames`. */
  readonly naming?: "tutorial" | "torchvision";
  /** `projection` (imagenet) or `padding` (cifar) unless given. */
  readonly shortcut?: Shortcut;
  /**
   * Whether convolutions have biases: true with the tutorial's names and the imagenet stem, as there, else false,
   * unless given.
   */
  readonly bias?: boolean;
  /** Rate of the dropout before the last layer; 0, no such layer, unless given. */
  readonly dropout?: number;
}

/** What the two families differ in. */
const DEFAULTS = {
  imagenet: { inputSize: 224, widths: [64, 128, 256, 512], shortcut: "projection" },
  cifar: { inputSize: 32, widths: [16, 32, 64], shortcut: "padding" },
} as const;

/** The window that the tutorial averages over: what 224 x 224 images leave after five halvings. */
const TUTORIAL_POOL = 7;

/**
 * A ResNet of K. He et al., "Deep Residual Learning for Image Recognition" (arXiv:1512.03385): stem, stages
 * of residual blocks (each but the first halves the size), global average pooling, one linear layer.
 *
 * - `resnet([3, 4, 6, 3])` is the tutorial's ResNet-34, layer by layer and name by name.
 * - `resnet([3, 4, 6, 3], { block: "bottleneck", naming: "torchvision", numClasses: 1000 })` is torchvision's
 *   ResNet-50; its ResNet-18 and 34 have basic blocks and depths `[2, 2, 2, 2]` and `[3, 4, 6, 3]`, its ResNet-101 and
 *   152 bottlenecks and `[3, 4, 23, 3]` and `[3, 8, 36, 3]`.
 * - `resnet([n, n, n], { stem: "cifar" })` is the paper's network of `6n + 2` layers for CIFAR (section 4.2).
 * - With `block: "preActivation"` or `"preActivationBottleneck"` it is the network of K. He et al., "Identity Mappings
 *   in Deep Residual Networks" (arXiv:1603.05027): the first block goes without its own activation, and batch norm and
 *   relu (`bn`, `relu`) come before the pooling.
 *
 * Weights are drawn as PyTorch's layers do it in the tutorial's network, else by He's rule (`heNormal`).
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
 * const resnet50 = resnet([3, 4, 6, 3], { block: "bottleneck", naming: "torchvision", numClasses: 1000 });
 * ```
 */
export function resnet(depths: readonly number[], cfg: ResnetCfg = {}): Model {
  const { stem = "imagenet", naming = "tutorial", numClasses = 10, dropout = 0 } = cfg;
  const isTutorial = stem === "imagenet" && naming === "tutorial";
  const {
    inputSize = DEFAULTS[stem].inputSize,
    widths = DEFAULTS[stem].widths,
    shortcut = DEFAULTS[stem].shortcut,
    bias = isTutorial,
  } = cfg;
  checkStages(depths, widths);
  const block = typeof cfg.block === "function" ? cfg.block : BLOCKS[cfg.block ?? "basic"];

  let x: Node = input([inputSize, inputSize, 3]);
  const kernel = stem === "imagenet"
    ? { kernelSize: 7, stride: 2, padding: 3 }
    : { kernelSize: 3, stride: 1, padding: 1 };
  x = sequential(x, { name: "conv1" }, [
    (x, at) => conv(x, { ...at, ...kernel, filters: widths[0], bias }),
    batchNorm,
    relu,
  ]);
  if (stem === "imagenet") x = maxPool(x, { name: "maxpool", kernelSize: 3, stride: 2, padding: 1 });

  for (const [stage, depth] of depths.entries()) {
    for (let i = 0; i < depth; i++) {
      const stride = stage > 0 && i === 0 ? 2 : 1;
      const activated = stage === 0 && i === 0;
      x = block(x, { name: `layer${stage}.${i}`, filters: widths[stage], stride, shortcut, bias, activated });
    }
  }

  if (block === preActivationBlock || block === preActivationBottleneck) {
    x = relu(batchNorm(x, { name: "bn" }), { name: "relu" });
  }
  x = isTutorial && x.shape[0] === TUTORIAL_POOL
    ? avgPool(x, { name: "avgpool", kernelSize: TUTORIAL_POOL, stride: 1 })
    : globalAvgPool(x, { name: "avgpool" });
  x = flatten(x, { name: "flatten" });
  if (dropout !== 0) x = dropoutNode(x, { name: "dropout", rate: dropout });
  x = linear(x, { name: "fc", features: numClasses });

  // Layers with weights, as the paper counts them: those of the blocks, the stem, the last one, and no projections.
  const ofBlock = block === bottleneckBlock || block === preActivationBottleneck ? 3 : 2;
  const layers = ofBlock * depths.reduce((sum, depth) => sum + depth, 0) + 2;
  const model = defineModel(x, {
    name: `ResNet-${layers}`,
    initScheme: isTutorial ? "pytorch" : "heNormal",
  });
  return naming === "torchvision" ? withTorchvisionNames(model) : model;
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
