/**
 * The model as data: what a node is, and nothing that acts on one.
 *
 * A node is `{ op, inputs, cfg, name, shape }`. The union is discriminated by `op`: the records with an entry for each op,
 * `facts.ts` of what is known of it and `kernels.ts` of what runs it, do not compile while one is missing.
 */
import type * as tf from "@tensorflow/tfjs";

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

/** What a weight is for: that says how it is drawn at first, whether it is trained, and how PyTorch lays it out. */
export type Role =
  | {
    /** Trained, and drawn at random. */
    readonly role: "convKernel" | "linearWeight" | "bias";
    /** How many values enter one output value: `kernelSize^2 * c` or `in`. */
    readonly fanIn: number;
  }
  | {
    /** Trained, from 1 (`scale`) or from 0 (`offset`); or a batch norm's statistic. */
    readonly role: "scale" | "offset" | "runningMean" | "runningVariance";
  };

/** A tensor that a layer keeps. */
export type Weight = Role & {
  /** What its name ends in, behind the layer's: that of PyTorch, e.g. `weight`. */
  readonly suffix: string;
  /** In memory: kernels are `[kh, kw, in, out]`, linear weights `[in, out]`. */
  readonly shape: readonly number[];
};

/** The images. */
export type InputNode = NodeOf<"input", readonly [], NoCfg, SpatialShape>;

/** Convolution with a square kernel and the same zero padding on all sides, of each group of channels by itself. */
export type ConvNode = NodeOf<
  "conv",
  readonly [Node],
  { filters: number; kernelSize: number; stride: number; padding: number; groups: number; bias: boolean },
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

/** While training, zeroes the whole of an image's map with probability `rate` and divides the others by `1 - rate`. */
export type StochasticDepthNode = NodeOf<"stochasticDepth", readonly [Node], { rate: number }, Shape>;

/** Shortcut without parameters: every `stride`-th row and column, with channels of zeros put around. */
export type PadShortcutNode = NodeOf<
  "padShortcut",
  readonly [Node],
  { stride: number; channelsBefore: number; channelsAfter: number },
  SpatialShape
>;

/** `factor * x`. */
export type ScaleNode = NodeOf<"scale", readonly [Node], { factor: number }, Shape>;

/** What a layer of one's own is trained with: a weight of a role and a shape `[...]`. */
export type CustomWeight = Role & { readonly shape: readonly number[] };

/** What `run` of a layer of one's own is told besides its settings. */
export interface CustomOptions {
  /** Whether the network is being trained. */
  readonly train: boolean;
  /** `[2]` int32, another for each layer and step: for `random.dropout` and the like. Given while training. */
  readonly seed?: tf.Tensor1D;
  /**
   * Given where several workers train together: the inputs are the images of a batch of `of` from its image `from` on.
   * `random.dropout` takes it; a layer that draws otherwise draws for the whole batch and takes its rows, or it trains
   * another way with more workers.
   */
  readonly rows?: { readonly from: number; readonly of: number };
}

/**
 * A kind of layer that is defined outside of this package. Its functions are pure.
 * @typeParam S Its settings: plain data.
 * @typeParam W What its weights' names end in.
 */
export interface CustomLayer<S = unknown, W extends string = string> {
  /** What `summary` and messages call it, e.g. `LayerScale`. */
  readonly kind: string;
  /** Shape of its output, the batch left out; that of its first input unless given. */
  readonly shape?: (inputs: readonly Shape[], settings: S) => Shape;
  /** Its weights by what their names end in; none unless given. They are trained, so that their roles are no statistics. */
  readonly weights?: (inputs: readonly Shape[], settings: S) => Readonly<Record<W, CustomWeight>>;
  /** Multiplications of one forward pass over one image, each with its addition; 0 unless given. */
  readonly multiplyAdds?: (inputs: readonly Shape[], settings: S) => number;
  /** Its output, from inputs and weights: float32 with the batch in front. Gradients are those of the tfjs ops in it. */
  readonly run: (
    inputs: readonly tf.Tensor[],
    weights: Readonly<Record<W, tf.Tensor>>,
    settings: S,
    options: CustomOptions,
  ) => tf.Tensor;
}

/** A layer that `customLayer` made. */
export type CustomNode = NodeOf<
  "custom",
  readonly Node[],
  { layer: CustomLayer; settings: unknown },
  Shape
>;

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
  | StochasticDepthNode
  | PadShortcutNode
  | ScaleNode
  | CustomNode;
