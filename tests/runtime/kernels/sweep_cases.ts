/**
 * What each kernel of the backend is called with in the sweep (`sweep_test.ts`): NaN, infinities, -0, tensors without
 * elements, int32 at its limits, truth values. One line a kernel; a new one gets a line here, or says why not below.
 */

/** The values of a tensor, row-major; a complex one has its parts in turn. */
export interface Input {
  readonly dtype: "float32" | "int32" | "bool" | "complex64";
  readonly shape: readonly number[];
  readonly values: readonly number[];
}

/** One call of a kernel. */
export interface Call {
  /** What is special about it. */
  readonly what: string;
  /** By name, or a row for a kernel that takes any number of tensors. */
  readonly inputs: Readonly<Record<string, Input>> | readonly Input[];
  readonly attrs?: Readonly<Record<string, unknown>>;
}

type Build = (x: Input) => Pick<Call, "inputs" | "attrs">;

/** What besides float32 a kernel is tried with. */
interface Kinds {
  readonly ints?: boolean;
  readonly bools?: boolean;
  /** A shape without elements. */
  readonly empty?: readonly number[];
}

const MAX = 2 ** 31 - 1;
const MIN = -(2 ** 31);

const SPECIAL = { "NaN": NaN, "Infinity": Infinity, "-Infinity": -Infinity, "-0": -0 };
const FLOATS = [NaN, Infinity, -Infinity, -0, 0, 1, -1, 0.5, -2.5, 100];
const INTS = [0, 1, -1, 7, MAX, MIN, MAX - 1];

function size(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}

function float(shape: readonly number[], values: readonly number[]): Input {
  return { dtype: "float32", shape, values };
}

function int(shape: readonly number[], values: readonly number[]): Input {
  return { dtype: "int32", shape, values };
}

function bool(shape: readonly number[], values: readonly number[]): Input {
  return { dtype: "bool", shape, values };
}

/** Different numbers between -2 and 2, which float32 has, with `special` in the middle if it is given. */
function numbers(shape: readonly number[], special?: number): Input {
  const values = Array.from({ length: size(shape) }, (_, i) => ((i * 37) % 61 - 30) / 16);
  if (special !== undefined) values[values.length >> 1] = special;
  return float(shape, values);
}

function repeated(shape: readonly number[], values: readonly number[]): number[] {
  return Array.from({ length: size(shape) }, (_, i) => values[i % values.length]);
}

function label(value: number): string {
  return Object.is(value, -0) ? "-0" : String(value);
}

/** One call for each special number among others, then those of the kinds. */
function each(shape: readonly number[], build: Build, { ints, bools, empty }: Kinds = {}): Call[] {
  return [
    ...Object.entries(SPECIAL).map(([what, special]) => ({ what, ...build(numbers(shape, special)) })),
    ...(ints ? [{ what: "int32", ...build(int(shape, repeated(shape, INTS))) }] : []),
    ...(bools ? [{ what: "bool", ...build(bool(shape, repeated(shape, [1, 0, 1]))) }] : []),
    ...(empty ? [{ what: "empty", ...build(float(empty, [])) }] : []),
  ];
}

/** What is done to each number alone: all of them in one call. */
function unary(attrs: Call["attrs"] = {}, { ints, bools }: Kinds = {}): Call[] {
  return [
    { what: "float32", inputs: { x: float([FLOATS.length], FLOATS) }, attrs },
    ...(ints ? [{ what: "int32", inputs: { x: int([INTS.length], INTS) }, attrs }] : []),
    ...(bools ? [{ what: "bool", inputs: { x: bool([2], [1, 0]) }, attrs }] : []),
    { what: "empty", inputs: { x: float([2, 0], []) }, attrs },
  ];
}

/** What is done to two numbers: each with each. */
function binary({ ints, bools }: Kinds = {}, intValues: readonly number[] = INTS, floats = FLOATS): Call[] {
  const pairs = (what: string, make: typeof float, values: readonly number[], others = values): Call => ({
    what,
    inputs: { a: make([values.length, 1], values), b: make([1, others.length], others) },
  });
  return [
    pairs("float32", float, FLOATS, floats),
    ...(ints ? [pairs("int32", int, INTS, intValues)] : []),
    ...(bools ? [pairs("bool", bool, [1, 0])] : []),
    { what: "empty", inputs: { a: float([2, 0], []), b: float([1], [1]) } },
  ];
}

/** What makes one number of many, along the last axis. */
function reduction(name = "axis", kinds: Kinds = {}, more: Call["attrs"] = { keepDims: false }): Call[] {
  return [
    ...each([2, 5], (x) => ({ inputs: { x }, attrs: { [name]: [1], ...more } }), kinds),
    { what: "empty", inputs: { x: float([2, 0], []) }, attrs: { [name]: [1], ...more } },
  ];
}

const byZero: Call[] = [{ what: "int32 by 0", inputs: { a: int([2], [0, 7]), b: int([2], [0, 0]) } }];
const image = [1, 4, 4, 2];
const noImages = [0, 4, 4, 2];
const window = { filterSize: 2, strides: 2, pad: "valid" };
const strides = { strides: 1, pad: "same", dataFormat: "NHWC", dilations: 1, dimRoundingMode: undefined };
const volume = [1, 2, 2, 2, 1];
const volumes = { strides: 1, pad: "same", dataFormat: "NDHWC", dilations: 1 };
const volumeWindow = { filterSize: 2, strides: 1, pad: "valid", dataFormat: "NDHWC" };
const filter = numbers([2, 2, 2, 2]);
const resizing = { alignCorners: false, halfPixelCenters: true, size: [3, 5] };
const normalization = { depthRadius: 1, bias: 1, alpha: 1, beta: 0.5 };
const boxes = float([3, 4], [0, 0, 1, 1, 0, 0, 1, 1.1, 0, 2, 1, 3]);
const suppression = { maxOutputSize: 3, iouThreshold: 0.5, scoreThreshold: 0 };
const ones = (shape: readonly number[]): Input => float(shape, Array(size(shape)).fill(1));
const segments = { indices: int([3], [0, 1, 2]), segmentIds: int([3], [0, 0, 1]) };
const complexNumbers: Input = {
  dtype: "complex64",
  shape: [4],
  values: [NaN, 1, Infinity, 0, -0, -2, 0.5, -Infinity],
};
/** Signals of a few numbers, for what mixes all of them. */
const signals = (): Call[] =>
  Object.entries(SPECIAL).map(([what, special]) => ({
    what,
    inputs: { input: { dtype: "complex64", shape: [1, 4], values: [1, 0, special, 0, -2, 1, 0.5, 3] } },
  }));

/** The calls of each kernel. */
export const CALLS: Readonly<Record<string, readonly Call[]>> = {
  Abs: unary({}, { ints: true }),
  Acos: unary({}, { ints: true }),
  Acosh: unary({}, { ints: true }),
  Add: binary({ ints: true, bools: true }),
  AddN: each([3, 2], (x) => ({ inputs: [x, x] }), { ints: true, empty: [0] }),
  All: reduction("axis", { bools: true }).filter(({ what }) => what === "bool"),
  Any: reduction("axis", { bools: true }).filter(({ what }) => what === "bool"),
  ArgMax: each([2, 5], (x) => ({ inputs: { x }, attrs: { axis: 1 } }), {
    ints: true,
    bools: true,
    empty: [0, 5],
  }),
  ArgMin: each([2, 5], (x) => ({ inputs: { x }, attrs: { axis: 1 } }), {
    ints: true,
    bools: true,
    empty: [0, 5],
  }),
  Asin: unary({}, { ints: true }),
  Asinh: unary({}, { ints: true }),
  Atan: unary({}, { ints: true }),
  Atan2: binary({ ints: true }),
  Atanh: unary({}, { ints: true }),
  AvgPool: each(image, (x) => ({ inputs: { x }, attrs: window }), { empty: noImages }),
  AvgPool3D: each(volume, (x) => ({ inputs: { x }, attrs: volumeWindow })),
  AvgPool3DGrad: each(
    [1, 1, 1, 1, 1],
    (dy) => ({ inputs: { dy, input: numbers(volume) }, attrs: volumeWindow }),
  ),
  AvgPoolGrad: each([1, 2, 2, 2], (dy) => ({ inputs: { dy, input: numbers(image) }, attrs: window })),
  BatchMatMul: each(
    [1, 2, 3],
    (a) => ({
      inputs: { a, b: { ...a, shape: [1, 3, 2], values: repeated([1, 3, 2], [1, 0, -1]) } },
      attrs: { transposeA: false, transposeB: false },
    }),
    { ints: true },
  ),
  BatchToSpaceND: each(
    [4, 1, 1, 2],
    (x) => ({ inputs: { x }, attrs: { blockShape: [2, 2], crops: [[0, 0], [0, 0]] } }),
    { ints: true },
  ),
  Bincount: each(
    [5],
    (weights) => ({ inputs: { x: int([5], [0, 1, 1, 3, 7]), weights }, attrs: { size: 4 } }),
  ),
  BitwiseAnd: binary({ ints: true }).filter(({ what }) => what === "int32"),
  BroadcastArgs: [{ what: "int32", inputs: { s0: int([2], [2, 1]), s1: int([2], [1, 3]) } }],
  Cast: [
    ...["int32", "bool", "float32"].flatMap((dtype) =>
      unary({ dtype }, { ints: true, bools: true }).map((call) => ({
        ...call,
        what: `${call.what} to ${dtype}`,
      }))
    ),
  ],
  Ceil: unary(),
  ClipByValue: unary({ clipValueMin: -1, clipValueMax: 2 }, { ints: true }),
  Complex: [{
    what: "float32",
    inputs: { real: float([10], FLOATS), imag: float([10], FLOATS.toReversed()) },
  }],
  ComplexAbs: [{ what: "complex64", inputs: { x: complexNumbers } }],
  Concat: each([2, 3], (x) => ({ inputs: [x, x], attrs: { axis: 1 } }), {
    ints: true,
    bools: true,
    empty: [2, 0],
  }),
  Conv2D: each(image, (x) => ({ inputs: { x, filter }, attrs: strides }), { empty: noImages }),
  Conv2DBackpropFilter: each(image, (dy) => ({
    inputs: { x: numbers(image), dy },
    attrs: { ...strides, filterShape: [2, 2, 2, 2] },
  })),
  Conv2DBackpropInput: each(
    image,
    (dy) => ({ inputs: { dy, filter }, attrs: { ...strides, inputShape: image } }),
  ),
  Conv3D: each(volume, (x) => ({ inputs: { x, filter: numbers([2, 2, 2, 1, 1]) }, attrs: volumes })),
  Conv3DBackpropFilterV2: each(volume, (dy) => ({
    inputs: { x: numbers(volume), dy },
    attrs: { ...volumes, filterShape: [2, 2, 2, 1, 1] },
  })),
  Conv3DBackpropInputV2: each(volume, (dy) => ({
    inputs: { dy, filter: numbers([2, 2, 2, 1, 1]) },
    attrs: { ...volumes, inputShape: volume },
  })),
  Cos: unary(),
  Cosh: unary(),
  CropAndResize: each(image, (image) => ({
    inputs: { image, boxes: float([2, 4], [0, 0, 1, 1, 0.1, -0.5, 0.6, 1.2]), boxInd: int([2], [0, 0]) },
    attrs: { cropSize: [3, 3], method: "bilinear", extrapolationValue: 0 },
  })),
  Cumprod: each([2, 5], (x) => ({ inputs: { x }, attrs: { axis: 1, exclusive: false, reverse: false } }), {
    ints: true,
    empty: [2, 0],
  }),
  Cumsum: each([2, 5], (x) => ({ inputs: { x }, attrs: { axis: 1, exclusive: true, reverse: true } }), {
    ints: true,
    empty: [2, 0],
  }),
  DenseBincount: each(
    [5],
    (weights) => ({ inputs: { x: int([5], [0, 1, 1, 3, 7]), weights }, attrs: { size: 4 } }),
  ),
  DepthToSpace: each([1, 1, 1, 4], (x) => ({ inputs: { x }, attrs: { blockSize: 2, dataFormat: "NHWC" } }), {
    ints: true,
  }),
  DepthwiseConv2dNative: each(image, (x) => ({ inputs: { x, filter }, attrs: strides }), { empty: noImages }),
  DepthwiseConv2dNativeBackpropFilter: each([1, 4, 4, 4], (dy) => ({
    inputs: { x: numbers(image), dy },
    attrs: { ...strides, filterShape: [2, 2, 2, 2] },
  })),
  DepthwiseConv2dNativeBackpropInput: each([1, 4, 4, 4], (dy) => ({
    inputs: { dy, filter },
    attrs: { ...strides, inputShape: image },
  })),
  Diag: each([3], (x) => ({ inputs: { x } }), { ints: true, empty: [0] }),
  Dilation2D: each(image, (x) => ({ inputs: { x, filter: numbers([2, 2, 2]) }, attrs: strides })),
  Dilation2DBackpropFilter: each(image, (dy) => ({
    inputs: { x: numbers(image), filter: numbers([2, 2, 2]), dy },
    attrs: strides,
  })),
  Dilation2DBackpropInput: each(image, (dy) => ({
    inputs: { x: numbers(image), filter: numbers([2, 2, 2]), dy },
    attrs: strides,
  })),
  Einsum: each([2, 3], (x) => ({ inputs: [x, numbers([3, 2])], attrs: { equation: "ij,jk->ik" } })),
  Elu: unary(),
  EluGrad: [{ what: "float32", inputs: { dy: float([10], FLOATS.toReversed()), y: float([10], FLOATS) } }],
  Equal: binary({ ints: true, bools: true }),
  Erf: unary(),
  Exp: unary({}, { ints: true }),
  ExpandDims: each([2, 3], (input) => ({ inputs: { input }, attrs: { dim: 1 } }), {
    ints: true,
    bools: true,
    empty: [0],
  }),
  Expm1: unary({}, { ints: true }),
  FFT: signals(),
  Fill: FLOATS.map((value) => ({
    what: label(value),
    inputs: {},
    attrs: { shape: [2], value, dtype: "float32" },
  })),
  FlipLeftRight: each(image, (image) => ({ inputs: { image } })),
  Floor: unary(),
  FloorDiv: [...binary({ ints: true }, [1, -1, 7, MAX, MIN]), ...byZero],
  FusedBatchNorm: each(image, (x) => ({
    inputs: { x, scale: ones([2]), offset: ones([2]), mean: ones([2]), variance: ones([2]) },
    attrs: { varianceEpsilon: 0.5 },
  })),
  FusedConv2D: each(image, (x) => ({
    inputs: { x, filter, bias: ones([2]) },
    attrs: { ...strides, activation: "relu" },
  })),
  FusedDepthwiseConv2D: each(image, (x) => ({
    inputs: { x, filter, bias: ones([4]) },
    attrs: { ...strides, activation: "relu6" },
  })),
  GatherNd: each([2, 3], (params) => ({ inputs: { params, indices: int([2, 2], [0, 2, 1, 0]) } }), {
    ints: true,
  }),
  GatherV2: each(
    [3, 2],
    (x) => ({ inputs: { x, indices: int([2], [1, 0]) }, attrs: { axis: 0, batchDims: 0 } }),
    {
      ints: true,
      bools: true,
      empty: [2, 0],
    },
  ),
  Greater: binary({ ints: true, bools: true }),
  GreaterEqual: binary({ ints: true, bools: true }),
  IFFT: signals(),
  Identity: unary({}, { ints: true, bools: true }),
  Imag: [{ what: "complex64", inputs: { input: complexNumbers } }],
  IsFinite: unary({}, { ints: true }),
  IsInf: unary({}, { ints: true }),
  IsNan: unary({}, { ints: true }),
  LRN: each(image, (x) => ({ inputs: { x }, attrs: normalization }), { empty: noImages }),
  LRNGrad: each(
    image,
    (dy) => ({ inputs: { x: numbers(image), y: numbers(image), dy }, attrs: normalization }),
  ),
  LeakyRelu: unary({ alpha: 0.1 }, { ints: true }),
  Less: binary({ ints: true, bools: true }),
  LessEqual: binary({ ints: true, bools: true }),
  LinSpace: [{ what: "float32", inputs: {}, attrs: { start: -0, stop: 1, num: 3 } }],
  Log: unary(),
  Log1p: unary({}, { ints: true }),
  LogicalAnd: binary({ bools: true }).filter(({ what }) => what === "bool"),
  LogicalNot: unary({}, { bools: true }).filter(({ what }) => what === "bool"),
  LogicalOr: binary({ bools: true }).filter(({ what }) => what === "bool"),
  Max: reduction("reductionIndices", { ints: true }),
  MaxPool: each(image, (x) => ({ inputs: { x }, attrs: window }), { ints: true, empty: noImages }),
  MaxPool3D: each(volume, (x) => ({ inputs: { x }, attrs: volumeWindow })),
  MaxPool3DGrad: each([1, 1, 1, 1, 1], (dy) => ({
    inputs: { dy, input: numbers(volume), output: float([1, 1, 1, 1, 1], [1.25]) },
    attrs: volumeWindow,
  })),
  MaxPoolWithArgmax: each(
    image,
    (x) => ({ inputs: { x }, attrs: { ...window, includeBatchInIndex: false } }),
    {
      empty: noImages,
    },
  ),
  MaxPoolGrad: each([1, 2, 2, 2], (dy) => ({
    inputs: { dy, input: numbers(image), output: numbers([1, 2, 2, 2]) },
    attrs: window,
  })),
  Maximum: binary({ ints: true, bools: true }),
  Mean: reduction("axis", { ints: true, bools: true }),
  Min: reduction("axis", { ints: true }),
  Minimum: binary({ ints: true, bools: true }),
  MirrorPad: each([3], (x) => ({ inputs: { x }, attrs: { paddings: [[1, 1]], mode: "reflect" } }), {
    ints: true,
  }),
  Mod: [...binary({ ints: true }, [1, -1, 7, MAX, MIN]), ...byZero],
  Multiply: binary({ ints: true, bools: true }),
  Neg: unary({}, { ints: true }),
  NonMaxSuppressionV3: each([3], (scores) => ({ inputs: { boxes, scores }, attrs: suppression })),
  NonMaxSuppressionV4: each([3], (scores) => ({
    inputs: { boxes, scores },
    attrs: { ...suppression, padToMaxOutputSize: true },
  })),
  NonMaxSuppressionV5: each(
    [3],
    (scores) => ({ inputs: { boxes, scores }, attrs: { ...suppression, softNmsSigma: 0 } }),
  ),
  NotEqual: binary({ ints: true, bools: true }),
  OneHot: [{
    what: "int32",
    inputs: { indices: int([7], INTS) },
    attrs: { dtype: "float32", depth: 3, onValue: 1, offValue: NaN },
  }],
  OnesLike: unary({}, { ints: true, bools: true }),
  Pack: each([2], (x) => ({ inputs: [x, x], attrs: { axis: 1 } }), { ints: true, bools: true, empty: [0] }),
  PadV2: each([3], (x) => ({ inputs: { x }, attrs: { paddings: [[1, 1]], constantValue: 0 } }), {
    ints: true,
    empty: [0],
  }),
  Pow: binary({ ints: true }, [0, 1, 2, 3]),
  Prelu: FLOATS.map((alpha) => ({
    what: `alpha ${label(alpha)}`,
    inputs: { x: float([10], FLOATS), alpha: float([], [alpha]) },
  })),
  Prod: reduction("axis", { ints: true }),
  RaggedRange: [
    {
      what: "float32",
      inputs: { starts: float([2], [-0, 1]), limits: float([2], [1, 2]), deltas: float([2], [0.5, 1]) },
    },
    {
      what: "int32",
      inputs: { starts: int([1], [MAX - 2]), limits: int([1], [MAX]), deltas: int([1], [1]) },
    },
  ],
  Range: [
    { what: "float32", inputs: {}, attrs: { start: -0, stop: 1, step: 0.25, dtype: "float32" } },
    { what: "int32", inputs: {}, attrs: { start: MAX - 2, stop: MAX, step: 1, dtype: "int32" } },
    { what: "empty", inputs: {}, attrs: { start: 1, stop: 1, step: 1, dtype: "int32" } },
  ],
  Real: [{ what: "complex64", inputs: { input: complexNumbers } }],
  RealDiv: binary(),
  Reciprocal: unary({}, { ints: true }),
  Relu: unary({}, { ints: true }),
  Relu6: unary({}, { ints: true }),
  Reshape: each([2, 3], (x) => ({ inputs: { x }, attrs: { shape: [x.shape[0] * x.shape[1]] } }), {
    ints: true,
    bools: true,
    empty: [0, 3],
  }),
  ResizeBilinear: each(image, (images) => ({ inputs: { images }, attrs: resizing }), { empty: noImages }),
  ResizeBilinearGrad: each(
    [1, 3, 5, 2],
    (dy) => ({ inputs: { images: numbers(image), dy }, attrs: { ...resizing, halfPixelCenters: false } }),
  ),
  ResizeNearestNeighbor: each(image, (images) => ({ inputs: { images }, attrs: resizing }), {
    ints: true,
    empty: noImages,
  }),
  ResizeNearestNeighborGrad: each(
    [1, 3, 5, 2],
    (dy) => ({ inputs: { images: numbers(image), dy }, attrs: { ...resizing, halfPixelCenters: false } }),
  ),
  Reverse: each([2, 3], (x) => ({ inputs: { x }, attrs: { dims: [1] } }), {
    ints: true,
    bools: true,
    empty: [2, 0],
  }),
  RotateWithOffset: each(image, (image) => ({
    inputs: { image },
    attrs: { radians: 0.5, fillValue: 0, center: 0.5 },
  })),
  Round: unary({}, { ints: true }),
  Rsqrt: unary(),
  ScatterNd: each([3], (updates) => ({
    inputs: { indices: int([3, 1], [1, 3, 1]), updates },
    attrs: { shape: [4] },
  }), { ints: true }),
  SearchSorted: ["left", "right"].map((side) => ({
    what: side,
    inputs: {
      sortedSequence: float([1, 5], [-Infinity, -1, 0, 1, Infinity]),
      values: float([1, 10], FLOATS),
    },
    attrs: { side },
  })),
  Select: each(
    [4],
    (t) => ({
      inputs: { condition: bool([4], [0, 0, 1, 1]), t, e: { ...t, values: t.values.toReversed() } },
    }),
    {
      ints: true,
      bools: true,
    },
  ),
  Selu: unary({}, { ints: true }),
  Sigmoid: unary(),
  Sign: unary({}, { ints: true }),
  Sin: unary(),
  Sinh: unary({}, { ints: true }),
  Slice: each([2, 3], (x) => ({ inputs: { x }, attrs: { begin: [0, 1], size: [2, 2] } }), {
    ints: true,
    bools: true,
  }),
  Softmax: each([2, 3], (logits) => ({ inputs: { logits }, attrs: { dim: 1 } }), { empty: [0, 3] }),
  Softplus: unary({}, { ints: true }),
  SpaceToBatchND: each(
    [1, 2, 2, 2],
    (x) => ({ inputs: { x }, attrs: { blockShape: [2, 2], paddings: [[0, 0], [0, 0]] } }),
    { ints: true },
  ),
  SparseFillEmptyRows: each([2], (values) => ({
    inputs: {
      indices: int([2, 2], [0, 0, 2, 1]),
      values,
      denseShape: int([2], [3, 2]),
      defaultValue: { ...values, shape: [], values: values.values.slice(-1) },
    },
  }), { ints: true }),
  SparseReshape: [{
    what: "int32",
    inputs: {
      inputIndices: int([2, 2], [0, 0, 1, 2]),
      inputShape: int([2], [2, 3]),
      newShape: int([2], [3, -1]),
    },
  }],
  SparseSegmentMean: each([3, 2], (data) => ({ inputs: { data, ...segments } })),
  SparseSegmentSum: each([3, 2], (data) => ({ inputs: { data, ...segments } }), { ints: true }),
  SparseToDense: each([2], (sparseValues) => ({
    inputs: {
      sparseIndices: int([2, 1], [0, 3]),
      sparseValues,
      defaultValue: { ...sparseValues, shape: [], values: [0] },
    },
    attrs: { outputShape: [4] },
  }), { ints: true, bools: true }),
  SplitV: each([2, 4], (x) => ({ inputs: { x }, attrs: { numOrSizeSplits: [1, 3], axis: 1 } }), {
    ints: true,
    bools: true,
  }),
  Sqrt: unary(),
  Square: unary({}, { ints: true }),
  SquaredDifference: binary({ ints: true }),
  Step: unary({ alpha: 0.5 }, { ints: true }),
  StridedSlice: each([2, 4], (x) => ({
    inputs: { x },
    attrs: {
      begin: [0, 3],
      end: [2, 0],
      strides: [1, -2],
      beginMask: 0,
      endMask: 0,
      ellipsisMask: 0,
      newAxisMask: 0,
      shrinkAxisMask: 0,
    },
  }), { ints: true, bools: true }),
  Sub: binary({ ints: true, bools: true }),
  Sum: reduction("axis", { ints: true }),
  Tan: unary(),
  Tanh: unary(),
  TensorScatterUpdate: each([4], (tensor) => ({
    inputs: {
      tensor,
      indices: int([1, 1], [0]),
      updates: { ...tensor, shape: [1], values: tensor.values.slice(2, 3) },
    },
  }), { ints: true }),
  Tile: each([2], (x) => ({ inputs: { x }, attrs: { reps: [3] } }), { ints: true, bools: true, empty: [0] }),
  TopK: each([2, 5], (x) => ({ inputs: { x }, attrs: { k: 5, sorted: true } }), {
    ints: true,
    empty: [0, 5],
  }),
  Transform: each(image, (image) => ({
    inputs: { image, transforms: float([1, 8], [1, 0.5, 0, 0, 1, 0.25, 0, 0]) },
    attrs: { interpolation: "nearest", fillMode: "constant", fillValue: 0, outputShape: [3, 3] },
  })),
  Transpose: each([2, 3], (x) => ({ inputs: { x }, attrs: { perm: [1, 0] } }), {
    ints: true,
    bools: true,
    empty: [2, 0],
  }),
  Unique: each([5], (x) => ({ inputs: { x }, attrs: { axis: 0 } }), { ints: true, bools: true, empty: [0] }),
  Unpack: each([2, 3], (value) => ({ inputs: { value }, attrs: { axis: 0 } }), {
    ints: true,
    bools: true,
    empty: [2, 0],
  }),
  UnsortedSegmentSum: each([4], (x) => ({
    inputs: { x, segmentIds: int([4], [0, -1, 2, 0]) },
    attrs: { numSegments: 3 },
  }), { ints: true }),
  ZerosLike: unary({}, { ints: true, bools: true }),
  _FusedMatMul: each([1, 2, 3], (a) => ({
    inputs: { a, b: numbers([1, 3, 2]), bias: ones([2]) },
    attrs: { transposeA: false, transposeB: false, activation: "relu" },
  })),
};

/** Kernels that are not swept, and why. */
export const NOT_SWEPT: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    [
      "NativeAvgPool",
      "NativeBatchNormInference",
      "NativeBatchNormTrain",
      "NativeBiasAdd",
      "NativeConv2D",
      "NativeCrossEntropy",
      "NativeMaxOfTaps",
      "NativeMaxPool",
      "NativeRelu",
    ].map((name) => [name, "tfjs has no kernel of that name: PyTorch's values are in tests/runtime/ops"]),
  ),
  ...Object.fromEntries(
    ["RaggedGather", "RaggedTensorToTensor"].map((
      name,
    ) => [name, "takes rows of tensors under one name, and copies their values: ragged_test.ts"]),
  ),
  ...Object.fromEntries(
    ["StaticRegexReplace", "StringNGrams", "StringSplit", "StringToHashBucketFast"].map((
      name,
    ) => [name, "strings are no numbers: strings_test.ts"]),
  ),
  NativeBatchNormJoint: "tfjs has no kernel of that name, and it is of several workers: workers_test.ts",
  Multinomial: "draws at random, from other generators: multinomial_test.ts",
  ScopeEnd: "computes nothing: it ends a scope of names in a gradient",
};
