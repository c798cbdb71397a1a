/**
 * The model as data: what a node is, and nothing that acts on one.
 *
 * A node is `{ op, inputs, cfg, name, shape }`. The union is discriminated by `op`, so whoever reads nodes
 * with a `switch` is told by the compiler which case is missing.
 */

/** Shape of a feature map without the batch: `[h, w, c]`. */
export type SpatialShape = readonly [height: number, width: number, channels: number];

/** Shape of a row of features without the batch: `[features]`. */
export type FlatShape = readonly [features: number];

/** What a node puts out for one image. */
export type Shape = SpatialShape | FlatShape;

/** What all nodes have. */
export interface NodeOf<Op extends string, Inputs extends readonly Node[], Cfg, S extends Shape> {
  /** What kind of node it is. */
  readonly op: Op;
  /** The nodes that it is computed from. */
  readonly inputs: Inputs;
  /** The layer's settings, all of them resolved. */
  readonly cfg: Readonly<Cfg>;
  /** PyTorch's name of the module, e.g. `layer0.0.conv1.0`; those of its parameters follow from it. */
  readonly name: string;
  /** Shape of the output, the batch left out. */
  readonly shape: S;
}

/** A layer without settings. */
export type NoCfg = Record<never, never>;

/** Marks a node as the end of a block: a table of the layers names the block after it. */
export interface BlockEnd {
  /** What the block is called there, e.g. `ResidualBlock`; empty where none ends. */
  readonly block: string;
}

/** The images. */
export type InputNode = NodeOf<"input", readonly [], NoCfg, SpatialShape>;

/** Convolution with a square kernel and the same zero padding on all sides. */
export type ConvNode = NodeOf<
  "conv",
  readonly [Node],
  { filters: number; kernelSize: number; stride: number; padding: number; bias: boolean },
  SpatialShape
>;

/** Batch normalisation over batch, height and width. */
export type BatchNormNode = NodeOf<
  "batchNorm",
  readonly [Node],
  { epsilon: number; momentum: number },
  SpatialShape
>;

/** `max(x, 0)`. */
export type ReluNode = NodeOf<"relu", readonly [Node], BlockEnd, Shape>;

/** `x` above 0, `alpha (exp(x / alpha) - 1)` below. */
export type CeluNode = NodeOf<"celu", readonly [Node], { alpha: number }, Shape>;

/** Maximum over square windows; padding never wins. */
export type MaxPoolNode = NodeOf<
  "maxPool",
  readonly [Node],
  { kernelSize: number; stride: number; padding: number },
  SpatialShape
>;

/** Mean over square windows, without padding. */
export type AvgPoolNode = NodeOf<
  "avgPool",
  readonly [Node],
  { kernelSize: number; stride: number },
  SpatialShape
>;

/** Mean over the whole map: `[h, w, c]` to `[1, 1, c]`. */
export type GlobalAvgPoolNode = NodeOf<"globalAvgPool", readonly [Node], NoCfg, SpatialShape>;

/** `[h, w, c]` to `[c * h * w]`, in PyTorch's order (channels outermost). */
export type FlattenNode = NodeOf<"flatten", readonly [Node], NoCfg, FlatShape>;

/** `x W + b`. */
export type LinearNode = NodeOf<"linear", readonly [Node], { features: number; bias: boolean }, FlatShape>;

/** Sum of two nodes of one shape. */
export type AddNode = NodeOf<"add", readonly [Node, Node], BlockEnd, Shape>;

/** While training, zeroes each element with probability `rate` and divides the others by `1 - rate`. */
export type DropoutNode = NodeOf<"dropout", readonly [Node], { rate: number }, Shape>;

/** Shortcut without parameters: every `stride`-th row and column, with channels of zeros put around. */
export type PadShortcutNode = NodeOf<
  "padShortcut",
  readonly [Node],
  { stride: number; channelsBefore: number; channelsAfter: number },
  SpatialShape
>;

/** `factor * x`. */
export type ScaleNode = NodeOf<"scale", readonly [Node], { factor: number }, Shape>;

/** `x * sigmoid(by)`, one weight a channel. */
export type GateNode = NodeOf<"gate", readonly [x: Node, by: Node], NoCfg, SpatialShape>;

/** Every kind of node. */
export type Node =
  | InputNode
  | ConvNode
  | BatchNormNode
  | ReluNode
  | CeluNode
  | MaxPoolNode
  | AvgPoolNode
  | GlobalAvgPoolNode
  | FlattenNode
  | LinearNode
  | AddNode
  | DropoutNode
  | PadShortcutNode
  | ScaleNode
  | GateNode;

/** A shape as messages show it: `[28, 28, 128]`. */
export function showShape(shape: readonly number[]): string {
  return `[${shape.join(", ")}]`;
}

/** The last case of a `switch` over all ops: does not compile while one is missing. */
export function unreachable(node: never): never {
  throw new TypeError(`Cannot read node ${JSON.stringify(node)}: no such op`);
}
