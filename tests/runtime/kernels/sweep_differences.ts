/** Where the kernels of the sweep differ from those of tfjs' `cpu` backend by design, on an x86 processor: by cause. */
export const DIFFERENCES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "TensorFlow refuses types that it has no kernel for, in words": {
    "Acos, int32": "refused",
    "Acosh, int32": "refused",
    "Add, bool": "refused",
    "Asin, int32": "refused",
    "Asinh, int32": "refused",
    "Atan, int32": "refused",
    "Atan2, int32": "refused",
    "Atanh, int32": "refused",
    "Expm1, int32": "refused",
    "Greater, bool": "refused",
    "GreaterEqual, bool": "refused",
    "IsFinite, int32": "refused",
    "IsInf, int32": "refused",
    "IsNan, int32": "refused",
    "Less, bool": "refused",
    "LessEqual, bool": "refused",
    "Log1p, int32": "refused",
    "Maximum, bool": "refused",
    "Minimum, bool": "refused",
    "Multiply, bool": "refused",
    "Reciprocal, int32": "refused",
    "Selu, int32": "refused",
    "Sinh, int32": "refused",
    "Softplus, int32": "refused",
    "Sub, bool": "refused",
  },
  "TensorFlow refuses to divide whole numbers by 0, in words; on cpu it is 0, and the remainder too": {
    "FloorDiv, int32 by 0": "refused",
    "Mod, int32 by 0": "refused",
  },
  "TensorFlow refuses images without elements, in words": {
    "MaxPoolWithArgmax, empty": "refused",
  },
  "cpu computes whole numbers in floating point, which loses their last digits; TensorFlow's wrap around, as those of C do":
    {
      "Abs, int32": "4: 2147483647, cpu -2147483648; 6: 2147483646, cpu -2147483648",
      "Multiply, int32": "32: 1, cpu 0; 48: 4, cpu 0",
      "Pow, int32": "18: 1, cpu 0; 19: 2147483647, cpu 0; 26: 4, cpu 0; 1 more",
      "ResizeNearestNeighbor, int32":
        "4: 2147483647, cpu -2147483648; 6: 2147483647, cpu -2147483648; 8: 2147483646, cpu -2147483648; 5 more",
      "Square, int32": "4: 1, cpu 0; 6: 4, cpu 0",
      "SquaredDifference, int32": "4: 1, cpu 0; 6: 4, cpu 0; 11: 4, cpu 0; 21 more",
    },
  "cpu has a type of its own for the result": {
    "FloorDiv, empty": "float32 [2,0], cpu int32 [2,0]",
    "FloorDiv, float32":
      "float32 [10,10], cpu int32 [10,10]; 0: NaN, cpu 0; 1: NaN, cpu 0; 2: NaN, cpu 0; 60 more",
    "UnsortedSegmentSum, int32": "int32 [3], cpu float32 [3]",
  },
  "as an x86 processor converts what no int32 is; cpu goes by JavaScript": {
    "Cast, float32 to int32": "0: -2147483648, cpu 0; 1: -2147483648, cpu 0; 2: -2147483648, cpu 0",
  },
  "TensorFlow passes over NaN; cpu does where it is not first": {
    "ArgMax, NaN": "1: 3, cpu 0",
    "ArgMin, NaN": "1: 2, cpu 0",
  },
  "cpu multiplies where TensorFlow has nothing to add: NaN and Infinity times 0 are NaN": {
    "FFT, -Infinity": "1: 4, cpu NaN; 5: -2, cpu NaN",
    "FFT, Infinity": "1: 4, cpu NaN; 5: -2, cpu NaN",
    "FFT, NaN": "1: 4, cpu NaN; 2: 0, cpu NaN; 5: -2, cpu NaN; 1 more",
    "IFFT, -Infinity": "1: 1, cpu NaN; 5: -0.5, cpu NaN",
    "IFFT, Infinity": "1: 1, cpu NaN; 5: -0.5, cpu NaN",
    "IFFT, NaN": "1: 1, cpu NaN; 2: 1.5, cpu NaN; 5: -0.5, cpu NaN; 1 more",
    "UnsortedSegmentSum, -Infinity": "0: -0.625, cpu NaN; 1: 0, cpu NaN",
    "UnsortedSegmentSum, Infinity": "0: -0.625, cpu NaN; 1: 0, cpu NaN",
    "UnsortedSegmentSum, NaN": "0: -0.625, cpu NaN; 1: 0, cpu NaN",
  },
  "of no numbers the largest is -Infinity, the smallest Infinity, and the mean 0 / 0; cpu has what it begins with":
    {
      "Max, empty": "0: -Infinity, cpu NaN; 1: -Infinity, cpu NaN",
      "Mean, empty": "0: NaN, cpu 0; 1: NaN, cpu 0",
      "Min, empty": "0: Infinity, cpu NaN; 1: Infinity, cpu NaN",
    },
  "-0 is as great as 0: either may be the result": {
    "Maximum, float32": "43: -0, cpu 0",
    "Minimum, float32": "34: 0, cpu -0",
    "Unique, -0": "2: 0, cpu -0",
  },
  "a sum that begins with 0, or a row that ends with one added, has no -0; one that begins with -0 has": {
    "AddN, -0": "3: -0, cpu 0",
    "Range, float32": "0: 0, cpu -0",
  },
  "Python's remainder, which has the sign of the divisor, of zeros and infinities too; cpu adds the divisor to JavaScript's":
    {
      "Mod, float32": "32: -0, cpu NaN; 42: 0, cpu NaN; 46: 0, cpu -0; 12 more",
    },
  "1 to any power is 1, as in C; in JavaScript not to that of NaN or Infinity": {
    "Pow, float32": "50: 1, cpu NaN; 51: 1, cpu NaN; 52: 1, cpu NaN; 2 more",
  },
  "the sign of NaN is NaN; 0 on cpu": {
    "Sign, float32": "0: NaN, cpu 0",
  },
  "where the output is NaN the gradient passes, as in PyTorch": {
    "EluGrad, float32": "0: 100, cpu NaN",
  },
  "NaN is looked for behind all numbers; cpu finds it before them": {
    "SearchSorted, right": "0: 5, cpu 0",
  },
};

/** Where a kernel differs in `jit` from itself run at once, by cause. */
export const JIT_DIFFERENCES: typeof DIFFERENCES = {
  "the shape of the result depends on values, which a trace does not have": {
    "NonMaxSuppressionV3, -0": "refused",
    "NonMaxSuppressionV3, -Infinity": "refused",
    "NonMaxSuppressionV3, Infinity": "refused",
    "NonMaxSuppressionV3, NaN": "refused",
    "NonMaxSuppressionV5, -0": "refused",
    "NonMaxSuppressionV5, -Infinity": "refused",
    "NonMaxSuppressionV5, Infinity": "refused",
    "NonMaxSuppressionV5, NaN": "refused",
    "RaggedRange, float32": "refused",
    "RaggedRange, int32": "refused",
    "SparseFillEmptyRows, -0": "refused",
    "SparseFillEmptyRows, -Infinity": "refused",
    "SparseFillEmptyRows, Infinity": "refused",
    "SparseFillEmptyRows, NaN": "refused",
    "SparseFillEmptyRows, int32": "refused",
    "SparseSegmentMean, -0": "refused",
    "SparseSegmentMean, -Infinity": "refused",
    "SparseSegmentMean, Infinity": "refused",
    "SparseSegmentMean, NaN": "refused",
    "SparseSegmentSum, -0": "refused",
    "SparseSegmentSum, -Infinity": "refused",
    "SparseSegmentSum, Infinity": "refused",
    "SparseSegmentSum, NaN": "refused",
    "SparseSegmentSum, int32": "refused",
    "Unique, -0": "refused",
    "Unique, -Infinity": "refused",
    "Unique, Infinity": "refused",
    "Unique, NaN": "refused",
    "Unique, bool": "refused",
    "Unique, empty": "refused",
    "Unique, int32": "refused",
  },
};
