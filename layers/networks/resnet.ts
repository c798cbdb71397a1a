/** Residual networks: the tutorial's and torchvision's for 224 x 224 images, and those of He et al. for CIFAR. */
import { defineModel, type InitScheme, type Model } from "../model.ts";
import type { Node, SpatialShape } from "../nodes/node.ts";
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
import { type Layer, sequential } from "../nodes/sequential.ts";
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
 * quarter of the size). `deep`: three 3x3 convolutions in the place of the 7x7 one (ResNet-D of T. He et al.,
 * arXiv:1812.01187, section 4.2). `cifar`: 3x3 convolution (the same size).
 */
export type Stem = "imagenet" | "deep" | "cifar";

/** Name of a block that `resnet` knows: `residualBlock`, `bottleneckBlock`, and the two with pre-activation. */
export type BlockName = "basic" | "bottleneck" | "preActivation" | "preActivationBottleneck";

/** The blocks by name, as plain data can name them. */
const BLOCKS: Readonly<Record<BlockName, Block>> = {
  basic: residualBlock,
  bottleneck: bottleneckBlock,
  preActivation: preActivationBlock,
  preActivationBottleneck,
};

/** Settings of `resnet`; what is left out follows the family, which stem and naming tell. */
export interface ResnetCfg {
  /** `imagenet` unless given. */
  readonly stem?: Stem;
  /** Height and width of the images, or one number for both: 224, or 32 with the stem `cifar`, unless given. */
  readonly inputSize?: number | readonly [height: number, width: number];
  /** Channels of the images: 3 unless given; grey ones have 1. */
  readonly channels?: number;
  /** 10 unless given. */
  readonly numClasses?: number;
  /** Channels of each stage: 64, 128, 256, 512, or 16, 32, 64 with the stem `cifar`, unless given. */
  readonly widths?: readonly number[];
  /** Channels that leave the stem; as many as those of the first stage unless given. */
  readonly stemFilters?: number;
  /** One of the project's blocks, or one of your own; `basic`, which is `residualBlock`, unless given. */
  readonly block?: BlockName | Block;
  /** Of bottlenecks: groups of their 3x3 convolutions; 1 unless given. */
  readonly groups?: number;
  /** Of bottlenecks: channels of a group in the first stage of 64; 64 unless given. */
  readonly widthPerGroup?: number;
  /** Whose names the layers have; the tutorial's unless given. See `withTorchvisionNames`. */
  readonly naming?: "tutorial" | "torchvision";
  /** `projection`, or `padding` with the stem `cifar`, unless given. */
  readonly shortcut?: Shortcut;
  /** Whether convolutions have biases: in the tutorial's network they do, else not, unless given. */
  readonly bias?: boolean;
  /** Rate of the dropout before the last layer; 0, no such layer, unless given. */
  readonly dropout?: number;
  /**
   * Rate at which training leaves the last block out for an image; it grows in proportion to the depth (G. Huang et al.,
   * arXiv:1603.09382). 0, no such layers, unless given.
   */
  readonly stochasticDepth?: number;
}

/** What the families differ in. */
interface Family {
  readonly inputSize: number;
  readonly widths: readonly number[];
  readonly shortcut: Shortcut;
  readonly bias: boolean;
  readonly initScheme: InitScheme;
  /** Side of the window that the last means are over, where the map has that size; of the whole map else. */
  readonly pool?: number;
}

const IMAGENET = { inputSize: 224, widths: [64, 128, 256, 512], shortcut: "projection" } as const;

const FAMILIES: Readonly<Record<"tutorial" | "torchvision" | "cifar", Family>> = {
  tutorial: { ...IMAGENET, bias: true, initScheme: "pytorch", pool: 7 },
  torchvision: { ...IMAGENET, bias: false, initScheme: "heNormal" },
  cifar: { inputSize: 32, widths: [16, 32, 64], shortcut: "padding", bias: false, initScheme: "heNormal" },
};

/**
 * A ResNet of K. He et al., "Deep Residual Learning for Image Recognition" (arXiv:1512.03385): stem, stages
 * of residual blocks (each but the first halves the size), global average pooling, one linear layer.
 *
 * - `resnet([3, 4, 6, 3])` is the tutorial's ResNet-34, layer by layer and name by name.
 * - `resnet([3, 4, 6, 3], { block: "bottleneck", naming: "torchvision", numClasses: 1000 })` is torchvision's
 *   ResNet-50; its ResNet-18 and 34 have basic blocks and depths `[2, 2, 2, 2]` and `[3, 4, 6, 3]`, its ResNet-101 and
 *   152 bottlenecks and `[3, 4, 23, 3]` and `[3, 8, 36, 3]`.
 * - `resnet([n, n, n], { stem: "cifar" })` is the paper's network of `6n + 2` layers for CIFAR (section 4.2).
 * - With `block: "bottleneck", groups: 32, widthPerGroup: 4` it is ResNeXt-50 32x4d (arXiv:1611.05431), with
 *   `widthPerGroup: 128` the wide ResNet-50-2 of torchvision; with `stem: "deep", shortcut: "average"` ResNet-50-D
 *   (arXiv:1812.01187), which with `naming: "torchvision"` has timm's names.
 * - `resnet([4, 4, 4], { stem: "cifar", block: "preActivation", shortcut: "projection", stemFilters: 16,
 *   widths: [160, 320, 640] })` is the Wide ResNet-28-10 (arXiv:1605.07146).
 * - With `block: "preActivation"` or `"preActivationBottleneck"` it is the network of K. He et al., "Identity Mappings
 *   in Deep Residual Networks" (arXiv:1603.05027): the first block goes without its own activation, and batch norm and
 *   relu (`bn`, `relu`) come before the pooling, as they do behind any block that ends in its sum.
 *
 * Weights are drawn as PyTorch's layers do it in the tutorial's network, else by He's rule (`heNormal`).
 *
 * @param depths How many blocks each stage has.
 * @returns A model from `[h, w, channels]` to `[numClasses]`.
 * @throws {RangeError} If there is not one width a stage, a setting is out of range, or groups are asked of blocks that have
 *   none.
 * @throws {TypeError} If shapes do not fit.
 * @example
 * ```ts
 * import { resnet } from "@resnet/deno";
 * const tutorial = resnet([3, 4, 6, 3], { numClasses: 10 });
 * const resnet20 = resnet([3, 3, 3], { stem: "cifar" });
 * const resnet50 = resnet([3, 4, 6, 3], { block: "bottleneck", naming: "torchvision", numClasses: 1000 });
 * ```
 */
export function resnet(depths: readonly number[], cfg: ResnetCfg = {}): Model {
  const { stem = "imagenet", naming = "tutorial", numClasses = 10, channels = 3, dropout = 0 } = cfg;
  const { groups, widthPerGroup, stochasticDepth = 0 } = cfg;
  const family = FAMILIES[stem === "cifar" ? "cifar" : naming];
  const { inputSize = family.inputSize, widths = family.widths } = cfg;
  const { shortcut = family.shortcut, bias = family.bias, stemFilters = widths[0] } = cfg;
  checkStages(depths, widths);
  checkGroups(cfg);
  const block = typeof cfg.block === "function" ? cfg.block : BLOCKS[cfg.block ?? "basic"];
  const [height, width] = typeof inputSize === "number" ? [inputSize, inputSize] : inputSize;

  let x: Node = STEMS[stem](input([height, width, channels]), stemFilters, bias);
  const blocks = depths.flatMap((depth, stage) => Array.from({ length: depth }, (_, i) => ({ stage, i })));
  let convolutions = 0;
  for (const [index, { stage, i }] of blocks.entries()) {
    const y: Node = block(x, {
      name: `layer${stage}.${i}`,
      filters: widths[stage],
      stride: stage > 0 && i === 0 ? 2 : 1,
      shortcut,
      bias,
      activated: index === 0,
      groups,
      widthPerGroup,
      dropRate: stochasticDepth * (index + 1) / blocks.length,
    });
    convolutions += convolutionsBetween(x, y);
    x = y;
  }

  if (x.op === "add") x = relu(batchNorm(x, { name: "bn" }), { name: "relu" });
  const [rows, columns] = x.shape as SpatialShape;
  x = rows === family.pool && columns === family.pool
    ? avgPool(x, { name: "avgpool", kernelSize: family.pool, stride: 1 })
    : globalAvgPool(x, { name: "avgpool" });
  x = flatten(x, { name: "flatten" });
  if (dropout !== 0) x = dropoutNode(x, { name: "dropout", rate: dropout });
  x = linear(x, { name: "fc", features: numClasses });

  // Layers with weights, as the paper counts them: those of the blocks, the stem, the last one, and no projections.
  const name = nameOf(convolutions + 2, stemFilters, widths[0], cfg);
  const model = defineModel(x, { name, initScheme: family.initScheme });
  const named = naming === "torchvision" ? withTorchvisionNames(model) : model;
  const { numClasses: _, ...data } = cfg;
  return typeof cfg.block === "function"
    ? named
    : { ...named, network: { kind: "resnet", depths, cfg: data } };
}

/** The first layers, from the images to the first block. */
const STEMS: Readonly<Record<Stem, (x: Node, filters: number, bias: boolean) => Node>> = {
  imagenet: (x, filters, bias) =>
    pooled(
      sequential(x, { name: "conv1" }, convNormRelu({ filters, bias, kernelSize: 7, stride: 2, padding: 3 })),
    ),
  deep: (x, filters, bias) => {
    const [half, conv3x3] = [Math.floor(filters / 2), { bias, kernelSize: 3, padding: 1 }];
    return pooled(sequential(x, { name: "stem" }, [
      ...convNormRelu({ ...conv3x3, filters: half, stride: 2 }),
      ...convNormRelu({ ...conv3x3, filters: half }),
      ...convNormRelu({ ...conv3x3, filters }),
    ]));
  },
  cifar: (x, filters, bias) =>
    sequential(x, { name: "conv1" }, convNormRelu({ filters, bias, kernelSize: 3, padding: 1 })),
};

function convNormRelu(cfg: Omit<Parameters<typeof conv>[1], "name">): Layer[] {
  return [(x, at) => conv(x, { ...at, ...cfg }), batchNorm, relu];
}

function pooled(x: Node): Node {
  return maxPool(x, { name: "maxpool", kernelSize: 3, stride: 2, padding: 1 });
}

/** Convolutions on the way from one node to another, by the first input of each: that of a sum is what a block adds. */
function convolutionsBetween(from: Node, to: Node): number {
  let count = 0;
  for (let node: Node | undefined = to; node !== undefined && node !== from; node = node.inputs[0]) {
    if (node.op === "conv") count++;
  }
  return count;
}

/** What the papers call such a network; those of wide ones for CIFAR count the three projections too. */
function nameOf(
  layers: number,
  stemFilters: number,
  firstWidth: number,
  { groups = 1, widthPerGroup = 64, stem }: ResnetCfg,
): string {
  if (groups > 1) return `ResNeXt-${layers} ${groups}x${widthPerGroup}d`;
  if (widthPerGroup !== 64) return `Wide ResNet-${layers}-${widthPerGroup / 64}`;
  const widening = firstWidth / stemFilters;
  return stem === "cifar" && widening > 1 ? `Wide ResNet-${layers + 2}-${widening}` : `ResNet-${layers}`;
}

function checkGroups({ block = "basic", groups = 1, widthPerGroup = 64 }: ResnetCfg): void {
  if ((groups === 1 && widthPerGroup === 64) || (block !== "basic" && block !== "preActivation")) return;
  throw new RangeError(
    `resnet: groups and widthPerGroup are for bottlenecks, found ${groups} and ${widthPerGroup} with the block ` +
      `"${block}"; take "bottleneck" or "preActivationBottleneck"`,
  );
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
