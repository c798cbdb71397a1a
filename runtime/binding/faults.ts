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

/** Convolutions and gradients of them that meet a fault, each with the way round it. */
const FAULTY: Readonly<Record<string, (request: Request, inputs: Inputs) => Request>> = {
  Conv2D: convolution,
  Conv3D: convolution,
  Conv2DBackpropFilter: filterGradient,
  // A depthwise one of a single channel is a convolution like any other, and as a depthwise one it meets the same faults.
  DepthwiseConv2dNative: (request, inputs) =>
    inputs.shape(1)[2] === 1 ? convolution({ ...request, op: "Conv2D" }, inputs) : request,
  DepthwiseConv2dNativeBackpropFilter: (request, inputs) =>
    inputs.values(1)[2] === 1 ? filterGradient({ ...request, op: "Conv2DBackpropFilter" }, inputs) : request,
};

/** The request that computes the same and meets no fault: mostly the one that was made. */
export function faultless(request: Request, inputs: Inputs): Request {
  return Object.hasOwn(FAULTY, request.op) ? FAULTY[request.op](request, inputs) : request;
}

/**
 * oneDNN's convolution of one channel is wrong on AVX-512 where a window wider than a pixel moves by more than that across,
 * and by one down, over images with room for a single column of results and several rows. `Conv` is the same op without
 * oneDNN (kernel `brg_conv_fwd` of oneDNN 3.7.3 in TensorFlow 2.21; docs/upstream/narrow-images.md).
 */
function convolution(request: Request, { shape }: Inputs): Request {
  const [kernelHeight, kernelWidth, channels] = shape(1).slice(-4);
  const [down, across] = numbers(request.attrs, "strides").slice(-3);
  if (channels !== 1 || kernelWidth === 1 || down !== 1 || across === 1) return request;
  const [height, width] = shape(0).slice(-3);
  const [top, bottom, left, right] = paddings(request.attrs, [height, width], [kernelHeight, kernelWidth]);
  const hasOneRow = top + height + bottom === kernelHeight;
  const hasOneColumn = left + width + right < kernelWidth + across;
  if (hasOneRow || !hasOneColumn) return request;
  return { op: "Conv", attrs: without(request.attrs, "data_format", "use_cudnn_on_gpu") };
}

/**
 * oneDNN's filter gradient of a strided 1 x 1 convolution over fewer channels than its block has (8 with AVX2, 16 with
 * AVX-512) writes past its workspace: wrong values, a corrupted heap (kernel `jit_1x1` of oneDNN 3.7.3 in TensorFlow 2.21;
 * docs/upstream/strided-1x1-filter-gradient.md).
 */
const FEWEST_CHANNELS = 16;

/**
 * Besides that, in bfloat16, of images narrower than the step across: it leaves columns unwritten that meet nothing but
 * padding, or takes in memory that nobody has written (docs/upstream/narrow-images.md). Padding written out leads past
 * oneDNN to TensorFlow's own kernels, where VALID and SAME do not.
 */
function filterGradient(request: Request, { shape, values }: Inputs): Request {
  const { op, attrs } = request;
  const strides = numbers(attrs, "strides");
  if (strides.every((stride) => stride === 1)) return request;
  const [kernelHeight, kernelWidth, channels] = Array.from(values(1));
  const [, height, width] = shape(0);
  const isShortOfChannels = kernelHeight * kernelWidth === 1 && channels < FEWEST_CHANNELS;
  if (!isShortOfChannels && width >= strides[2]) return request;
  const written = paddings(attrs, [height, width], [kernelHeight, kernelWidth]);
  return {
    op,
    attrs: [
      ...without(attrs, "padding", "explicit_paddings"),
      { name: "padding", type: AttrKind.string, value: "EXPLICIT" },
      { name: "explicit_paddings", type: AttrKind.int, value: [0, 0, ...written, 0, 0] },
    ],
  };
}

/** The padding above, below, left and right of images `[height, width]`. */
function paddings(attrs: readonly Attr[], sizes: readonly number[], kernel: readonly number[]): number[] {
  const padding = attrs.find(({ name }) => name === "padding")?.value;
  if (padding === "EXPLICIT") return numbers(attrs, "explicit_paddings").slice(-6, -2);
  const strides = numbers(attrs, "strides").slice(-3);
  return sizes.flatMap((size, axis) => {
    const reached = (Math.ceil(size / strides[axis]) - 1) * strides[axis] + kernel[axis];
    const added = padding === "SAME" ? Math.max(0, reached - size) : 0;
    return [Math.floor(added / 2), Math.ceil(added / 2)];
  });
}

/** The values of an attribute that is a list of whole numbers. */
function numbers(attrs: readonly Attr[], name: string): number[] {
  const value = attrs.find((attr) => attr.name === name)?.value;
  return Array.isArray(value) ? value : [];
}

function without(attrs: readonly Attr[], ...names: readonly string[]): Attr[] {
  return attrs.filter(({ name }) => !names.includes(name));
}
