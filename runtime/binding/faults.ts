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

/** A convolution, or a gradient of one, that meets a fault. */
interface Faulty {
  /** The shape of its kernel: `[kh, kw, in, out]`. */
  readonly kernel: (inputs: Inputs) => ArrayLike<number>;
  /**
   * What a depthwise one is with a single channel: a convolution like any other. As a depthwise one it meets the fault
   * below, and with a single column of results another, in the forward pass (docs/upstream/narrow-images.md).
   */
  readonly ofOneChannel?: string;
}

const FAULTY: Readonly<Record<string, Faulty>> = {
  DepthwiseConv2dNative: { kernel: ({ shape }) => shape(1), ofOneChannel: "Conv2D" },
  DepthwiseConv2dNativeBackpropFilter: {
    kernel: ({ values }) => values(1),
    ofOneChannel: "Conv2DBackpropFilter",
  },
  Conv2DBackpropFilter: { kernel: ({ values }) => values(1) },
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
  if (!Object.hasOwn(FAULTY, op)) return request;
  const { kernel, ofOneChannel } = FAULTY[op];
  const [height, width, channels] = Array.from(kernel(inputs));
  if (ofOneChannel !== undefined) {
    return channels === 1 ? faultless({ op: ofOneChannel, attrs }, inputs) : request;
  }
  const strides = attrs.find(({ name }) => name === "strides")?.value;
  const isStrided = Array.isArray(strides) && strides.some((stride) => stride !== 1);
  if (!isStrided || height * width !== 1 || channels >= FEWEST_CHANNELS) return request;
  const others = attrs.filter(({ name }) => NO_PADDING.every((attr) => attr.name !== name));
  return { op, attrs: [...others, ...NO_PADDING] };
}
