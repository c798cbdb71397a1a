/** Faults of the library's kernels, and how the same op is asked for without meeting them, eager or in a graph. */
import { type Attr, AttrKind } from "./attributes.ts";

/** An op as it is asked for. */
export interface Request {
  /** TensorFlow's name of it. */
  readonly op: string;
  readonly attrs: readonly Attr[];
}

/**
 * oneDNN's filter gradient of a strided 1 x 1 convolution over fewer channels than its block has (8 with AVX2, 16 with
 * AVX-512) writes past its workspace: wrong values, a corrupted heap (kernel `jit_1x1` of oneDNN 3.7.3 in TensorFlow 2.21;
 * docs/upstream/strided-1x1-filter-gradient.md). A depthwise convolution reaches it where the image has one channel,
 * and is then a convolution like any other.
 */
const FILTER_GRADIENTS: Readonly<Record<string, { fewestSafe: number }>> = {
  Conv2DBackpropFilter: { fewestSafe: 16 },
  DepthwiseConv2dNativeBackpropFilter: { fewestSafe: 2 },
};

/** No padding, written out: it leads past oneDNN to TensorFlow's own kernels, where VALID and SAME do not. */
const NO_PADDING: readonly Attr[] = [
  { name: "padding", type: AttrKind.string, value: "EXPLICIT" },
  { name: "explicit_paddings", type: AttrKind.int, value: [0, 0, 0, 0, 0, 0, 0, 0] },
];

/**
 * The request that computes the same and meets no fault: mostly the one that was made.
 * @param values Reads one of the op's inputs, by its place.
 */
export function faultless(request: Request, values: (input: number) => ArrayLike<number>): Request {
  const { op, attrs } = request;
  if (!Object.hasOwn(FILTER_GRADIENTS, op)) return request;
  const strides = attrs.find(({ name }) => name === "strides")?.value;
  if (!Array.isArray(strides) || strides.every((stride) => stride === 1)) return request;
  const [height, width, channels] = Array.from(values(1)); // filter_sizes: kh, kw, in, out
  if (height * width !== 1 || channels >= FILTER_GRADIENTS[op].fewestSafe) return request;
  const others = attrs.filter(({ name }) => NO_PADDING.every((attr) => attr.name !== name));
  return { op: "Conv2DBackpropFilter", attrs: [...others, ...NO_PADDING] };
}
