/** The residual block: what a ResNet is made of. */
import type { Node } from "./node.ts";
import { add, batchNorm, conv, padShortcut, relu } from "./nodes.ts";

/**
 * What stands in for the identity where a block changes the shape. `projection`: a strided 1x1 convolution
 * and batch norm (option B of He et al.). `padding`: subsampling and channels of zeros (option A).
 */
export type Shortcut = "projection" | "padding";

/** Settings of a residual block. */
export interface ResidualBlockCfg {
  /** PyTorch's name of the block, e.g. `layer1.0`. */
  readonly name: string;
  /** Channels that come out. */
  readonly filters: number;
  /** Stride of the first convolution; 1 unless given. */
  readonly stride?: number;
  /** `projection` unless given. */
  readonly shortcut?: Shortcut;
  /** Whether the convolutions have biases (which the batch norm behind them cancels); true unless given. */
  readonly bias?: boolean;
}

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
 * import { input } from "./nodes.ts";
 * import { residualBlock } from "./residual_block.ts";
 * residualBlock(input([56, 56, 64]), { name: "layer1.0", filters: 128, stride: 2 }).shape; // [28, 28, 128]
 * ```
 */
export function residualBlock(x: Node, cfg: ResidualBlockCfg): Node {
  const { name, filters, stride = 1, shortcut = "projection", bias = true } = cfg;
  const conv3x3 = { filters, kernelSize: 3, padding: 1, bias };

  let y: Node = conv(x, { ...conv3x3, name: `${name}.conv1.0`, stride });
  y = batchNorm(y, { name: `${name}.conv1.1` });
  y = relu(y, { name: `${name}.conv1.2` });
  y = conv(y, { ...conv3x3, name: `${name}.conv2.0` });
  y = batchNorm(y, { name: `${name}.conv2.1` });

  const shapeChanges = stride !== 1 || x.shape[2] !== filters;
  const residual = !shapeChanges
    ? x
    : shortcut === "projection"
    ? projection(x, { name: `${name}.downsample`, filters, stride, bias })
    : padShortcut(x, { name: `${name}.downsample`, filters, stride });
  return relu(add(y, residual, { name }), { name: `${name}.relu`, block: true });
}

function projection(x: Node, cfg: Required<Omit<ResidualBlockCfg, "shortcut">>): Node {
  const { name, ...rest } = cfg;
  return batchNorm(conv(x, { ...rest, name: `${name}.0`, kernelSize: 1 }), { name: `${name}.1` });
}
