/** Faults of the library's kernels, and how the same op is asked for without meeting them, eager or in a graph. */
import { type Attr, AttrKind } from "./attributes.ts";

/** An op as it is asked for. */
export interface Request {
  /** TensorFlow's name of it. */
  readonly op: string;
  readonly attrs: readonly Attr[];
}

/** The inputs of an op, by their places. */
export interface Inputs {
  /** Its shape. */
  readonly shape: (input: number) => readonly number[];
  /** Its values, of one that has any. */
  readonly values: (input: number) => ArrayLike<number>;
}

/** The shape of the kernel, `[kh, kw, in, out]`, of the ops that meet faults. */
const KERNEL_SHAPE: Readonly<Record<string, (inputs: Inputs) => ArrayLike<number>>> = {
  DepthwiseConv2dNative: ({ shape }) => shape(1), // filter
  DepthwiseConv2dNativeBackpropFilter: ({ values }) => values(1), // filter_sizes
  Conv2DBackpropFilter: ({ values }) => values(1),
};

/**
 * A depthwise convolution of an image with one channel is a convolution like any other. As a depthwise one it meets the
 * fault below, and with a single column of results another, in the forward pass (docs/upstream/narrow-images.md).
 */
const OF_ONE_CHANNEL: Readonly<Record<string, string>> = {
  DepthwiseConv2dNative: "Conv2D",
  DepthwiseConv2dNativeBackpropFilter: "Conv2DBackpropFilter",
};

/**
 * oneDNN's filter gradient of a strided 1 x 1 convolution over fewer channels than its block has (8 with AVX2, 16 with
 * AVX-512) writes past its workspace: wrong values, a corrupted heap (kernel `jit_1x1` of oneDNN 3.7.3 in TensorFlow 2.21;
 * docs/upstream/strided-1x1-filter-gradient.md).
 */
const FEWEST_CHANNELS = 16;

/** No padding, written out: it leads past oneDNN to TensorFlow's own kernels, where VALID and SAME do not. */
const NO_PADDING: readonly Attr[] = [
  { name: "padding", type: AttrKind.string, value: "EXPLICIT" },
  { name: "explicit_paddings", type: AttrKind.int, value: [0, 0, 0, 0, 0, 0, 0, 0] },
];

/** The request that computes the same and meets no fault: mostly the one that was made. */
export function faultless(request: Request, inputs: Inputs): Request {
  const { op, attrs } = request;
  if (!Object.hasOwn(KERNEL_SHAPE, op)) return request;
  const [height, width, channels] = Array.from(KERNEL_SHAPE[op](inputs));
  if (Object.hasOwn(OF_ONE_CHANNEL, op)) {
    return channels === 1 ? faultless({ op: OF_ONE_CHANNEL[op], attrs }, inputs) : request;
  }
  const strides = attrs.find(({ name }) => name === "strides")?.value;
  const isStrided = Array.isArray(strides) && strides.some((stride) => stride !== 1);
  if (!isStrided || height * width !== 1 || channels >= FEWEST_CHANNELS) return request;
  const others = attrs.filter(({ name }) => NO_PADDING.every((attr) => attr.name !== name));
  return { op, attrs: [...others, ...NO_PADDING] };
}
