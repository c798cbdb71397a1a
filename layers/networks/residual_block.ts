/** The residual blocks: what a ResNet is made of. */
import type { Node } from "../nodes/node.ts";
import { add, avgPool, batchNorm, conv, padShortcut, relu, stochasticDepth } from "../nodes/nodes.ts";
import { type Layer, sequential } from "../nodes/sequential.ts";

/**
 * What stands in for the identity where a block changes the shape. `projection`: a strided 1x1 convolution
 * and batch norm (option B of He et al.). `padding`: subsampling and channels of zeros (option A). `average`: the mean over
 * windows of the stride, then a 1x1 convolution and batch norm (ResNet-D of T. He et al., arXiv:1812.01187, section 4.2).
 */
export type Shortcut = "projection" | "padding" | "average";

/** Settings of a residual block. */
export interface ResidualBlockCfg {
  /** PyTorch's name of the block, e.g. `layer1.0`. */
  readonly name: string;
  /** Channels of its 3x3 convolutions. */
  readonly filters: number;
  /** Stride of its first 3x3 convolution; 1 unless given. */
  readonly stride?: number;
  /** `projection` unless given. */
  readonly shortcut?: Shortcut;
  /** Whether the convolutions have biases (which a batch norm behind them cancels); true unless given. */
  readonly bias?: boolean;
  /**
   * Whether the input has been through batch norm and relu already, as behind the stem: a pre-activation block then
   * has none of its own there; false unless given.
   */
  readonly activated?: boolean;
  /** Of a bottleneck: groups of its 3x3 convolution (ResNeXt, arXiv:1611.05431); 1 unless given. */
  readonly groups?: number;
  /** Of a bottleneck: channels of a group where `filters` is 64, and in proportion elsewhere; 64 unless given. */
  readonly widthPerGroup?: number;
  /** Rate at which training leaves the block out for an image (`stochasticDepth`); 0, never, unless given. */
  readonly dropRate?: number;
}

/** A residual block of any kind. */
export type Block = (x: Node, cfg: ResidualBlockCfg) => Node;

/** How many times as many channels leave a bottleneck as its 3x3 convolution has (arXiv:1512.03385, table 1). */
const EXPANSION = 4;

/**
 * The basic block of K. He et al., "Deep Residual Learning for Image Recognition" (arXiv:1512.03385, section
 * 3): `relu(F(x) + shortcut(x))` where `F` is 3x3 convolution, batch norm, relu, 3x3 convolution, batch norm.
 * The shortcut is the identity unless the shape changes.
 *
 * @param x `[h, w, c]`.
 * @returns `[ceil(h / stride), ceil(w / stride), filters]`.
 * @throws {TypeError} If `x` is no map, or a `padding` shortcut would have to drop channels.
 * @throws {RangeError} If `filters` or `stride` is not a whole number from 1 up.
 * @example
 * ```ts
 * import { input, residualBlock } from "@resnet/deno";
 * residualBlock(input([56, 56, 64]), { name: "layer1.0", filters: 128, stride: 2 }).shape; // [28, 28, 128]
 * ```
 */
export function residualBlock(x: Node, cfg: ResidualBlockCfg): Node {
  const { name, filters, stride = 1, bias = true } = cfg;
  let y = sequential(x, { name: `${name}.conv1` }, [conv3x3({ filters, stride, bias }), batchNorm, relu]);
  y = sequential(y, { name: `${name}.conv2` }, [conv3x3({ filters, bias }), batchNorm]);
  const sum = add(sometimes(y, cfg), shortcut(x, y, cfg), { name });
  return relu(sum, { name: `${name}.relu`, block: "ResidualBlock" });
}

/**
 * The bottleneck block of the same paper (section 4.1): `F` is 1x1 convolution to `filters` channels, 3x3 convolution,
 * 1x1 convolution to `4 * filters`, each with a batch norm and the first two with relu. The stride is that of the 3x3
 * convolution, as in torchvision ("ResNet v1.5"); the paper has it in the first. With `groups` it is the block of ResNeXt
 * (S. Xie et al., arXiv:1611.05431), with a larger `widthPerGroup` that of a wide ResNet (S. Zagoruyko and N. Komodakis,
 * arXiv:1605.07146): `F` then has `filters * widthPerGroup / 64 * groups` channels inside, as torchvision counts them.
 *
 * @param x `[h, w, c]`.
 * @returns `[ceil(h / stride), ceil(w / stride), 4 * filters]`.
 * @throws {TypeError} If `x` is no map, or a `padding` shortcut would have to drop channels.
 * @throws {RangeError} If `filters` or `stride` is not a whole number from 1 up.
 * @example
 * ```ts
 * import { bottleneckBlock, input } from "@resnet/deno";
 * bottleneckBlock(input([56, 56, 256]), { name: "layer1.0", filters: 128, stride: 2 }).shape; // [28, 28, 512]
 * ```
 */
export function bottleneckBlock(x: Node, cfg: ResidualBlockCfg): Node {
  const { name, filters, stride = 1, groups = 1, bias = true } = cfg;
  const inside = innerWidth(cfg);
  let y = sequential(x, { name: `${name}.conv1` }, [conv1x1({ filters: inside, bias }), batchNorm, relu]);
  y = sequential(y, { name: `${name}.conv2` }, [
    conv3x3({ filters: inside, stride, groups, bias }),
    batchNorm,
    relu,
  ]);
  y = sequential(y, { name: `${name}.conv3` }, [conv1x1({ filters: EXPANSION * filters, bias }), batchNorm]);
  const sum = add(sometimes(y, cfg), shortcut(x, y, cfg), { name });
  return relu(sum, { name: `${name}.relu`, block: "Bottleneck" });
}

/**
 * The basic block with pre-activation of K. He et al., "Identity Mappings in Deep Residual Networks"
 * (arXiv:1603.05027, figure 4e): batch norm and relu stand before each convolution, and nothing behind the sum. Where
 * the shape changes, the shortcut starts behind the first relu and has no batch norm, as in the authors' code
 * (facebook/fb.resnet.torch, `preactresnet.lua`).
 *
 * @param x `[h, w, c]`.
 * @returns `[ceil(h / stride), ceil(w / stride), filters]`, not activated: the network ends in batch norm and relu.
 * @throws {TypeError} If `x` is no map, or a `padding` shortcut would have to drop channels.
 * @throws {RangeError} If `filters` or `stride` is not a whole number from 1 up.
 * @example
 * ```ts
 * import { input, preActivationBlock } from "@resnet/deno";
 * preActivationBlock(input([32, 32, 16]), { name: "layer1.0", filters: 32, stride: 2 }).shape; // [16, 16, 32]
 * ```
 */
export function preActivationBlock(x: Node, cfg: ResidualBlockCfg): Node {
  const { name, filters, stride = 1, bias = true } = cfg;
  const active = preActivate(x, cfg);
  let y = conv3x3({ filters, stride, bias })(active, { name: `${name}.conv1` });
  y = conv3x3({ filters, bias })(activate(y, name, 2), { name: `${name}.conv2` });
  return add(sometimes(y, cfg), preShortcut(x, active, y, cfg), { name, block: "PreActivationBlock" });
}

/**
 * The bottleneck block with pre-activation (arXiv:1603.05027), its stride in the 3x3 convolution.
 *
 * @param x `[h, w, c]`.
 * @returns `[ceil(h / stride), ceil(w / stride), 4 * filters]`, not activated: the network ends in batch norm and relu.
 * @throws {TypeError} If `x` is no map, or a `padding` shortcut would have to drop channels.
 * @throws {RangeError} If `filters` or `stride` is not a whole number from 1 up.
 * @example
 * ```ts
 * import { input, preActivationBottleneck } from "@resnet/deno";
 * const x = input([32, 32, 64]);
 * preActivationBottleneck(x, { name: "layer1.0", filters: 32, stride: 2 }).shape; // [16, 16, 128]
 * ```
 */
export function preActivationBottleneck(x: Node, cfg: ResidualBlockCfg): Node {
  const { name, filters, stride = 1, groups = 1, bias = true } = cfg;
  const inside = innerWidth(cfg);
  const active = preActivate(x, cfg);
  let y = conv1x1({ filters: inside, bias })(active, { name: `${name}.conv1` });
  y = conv3x3({ filters: inside, stride, groups, bias })(activate(y, name, 2), { name: `${name}.conv2` });
  y = conv1x1({ filters: EXPANSION * filters, bias })(activate(y, name, 3), { name: `${name}.conv3` });
  return add(sometimes(y, cfg), preShortcut(x, active, y, cfg), { name, block: "PreActivationBottleneck" });
}

/** What a convolution needs besides its name, input and kernel size. */
interface ConvCfg {
  readonly filters: number;
  readonly stride?: number;
  readonly groups?: number;
  readonly bias: boolean;
}

function conv3x3(cfg: ConvCfg): Layer {
  return (x, at) => conv(x, { ...at, ...cfg, kernelSize: 3, padding: 1 });
}

/** Channels inside a bottleneck. */
function innerWidth({ filters, groups = 1, widthPerGroup = 64 }: ResidualBlockCfg): number {
  return Math.floor(filters * widthPerGroup / 64) * groups;
}

/** What is to be added, left out at the block's rate. */
function sometimes(y: Node, { name, dropRate = 0 }: ResidualBlockCfg): Node {
  return dropRate === 0 ? y : stochasticDepth(y, { name: `${name}.drop`, rate: dropRate });
}

function conv1x1(cfg: ConvCfg): Layer {
  return (x, at) => conv(x, { ...at, ...cfg, kernelSize: 1 });
}

/** Means over windows of that stride; of single pixels, what they are. */
function average(stride: number): Layer {
  return (x, at) => avgPool(x, { ...at, kernelSize: stride });
}

function activate(x: Node, block: string, index: number): Node {
  return relu(batchNorm(x, { name: `${block}.bn${index}` }), { name: `${block}.relu${index}` });
}

function preActivate(x: Node, { name, activated = false }: ResidualBlockCfg): Node {
  return activated ? x : activate(x, name, 1);
}

/** `x` itself where the block keeps the shape, else a projection of what the convolutions get. */
function preShortcut(x: Node, active: Node, y: Node, cfg: ResidualBlockCfg): Node {
  const residual = shortcut(active, y, cfg, []);
  return residual === active ? x : residual;
}

/**
 * The input of a block in the shape of what its convolutions put out: itself where it has it, else a projection or an
 * identity padded with zeros, as the block's settings say. With `average` the names go on as in timm, whose identity pool is
 * a layer too.
 *
 * @param x `[h, w, c]`, the block's input.
 * @param y `[h', w', c']`, what it is to be added to.
 * @param behind What follows a projection: batch norm in He et al.'s first paper, nothing in their second.
 * @returns `[h', w', c']`.
 * @throws {TypeError} If a `padding` shortcut would have to drop channels.
 * @example
 * ```ts
 * import { conv, input, shortcut } from "@resnet/deno";
 * const x = input([32, 32, 16]);
 * const y = conv(x, { name: "layer1.0.conv1", filters: 32, kernelSize: 3, stride: 2, padding: 1 });
 * shortcut(x, y, { name: "layer1.0", filters: 32, stride: 2 }).name; // "layer1.0.downsample.1"
 * ```
 */
export function shortcut(
  x: Node,
  y: Node,
  cfg: ResidualBlockCfg,
  behind: readonly Layer[] = [batchNorm],
): Node {
  const { name, stride = 1, shortcut: kind = "projection", bias = true } = cfg;
  const filters = y.shape[2]!;
  if (stride === 1 && x.shape[2] === filters) return x;
  const at = { name: `${name}.downsample` };
  switch (kind) {
    case "projection":
      return sequential(x, at, [conv1x1({ filters, stride, bias }), ...behind]);
    case "average":
      return sequential(x, at, [average(stride), conv1x1({ filters, bias }), ...behind]);
    case "padding":
      return padShortcut(x, { ...at, filters, stride });
  }
}
