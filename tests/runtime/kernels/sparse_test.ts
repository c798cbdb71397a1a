/** Sparse tensors: values as tfjs has them, and refusals in its words. */
import { assertThrows } from "@std/assert";
import { TensorFlowError, tf } from "../../../runtime/mod.ts";
import { tidyTest } from "../harness.ts";
import { type Argument, parityTest } from "./parity.ts";

const row = (...values: number[]): Argument => [values, [values.length], "int32"];
const PLACES: Argument = [[0, 0, 0, 0, 0, 1, 0, 1, 0, 1, 0, 0, 1, 2, 3], [5, 3], "int32"];

for (const shape of [[9, 4], [-1, 4], [3, 2, 6], [36]]) {
  parityTest(`sparseReshape to [${shape}]`, (places, from, to) => {
    const { outputIndices, outputShape } = tf.sparse.sparseReshape(
      places as tf.Tensor2D,
      from as tf.Tensor1D,
      to as tf.Tensor1D,
    );
    return [outputIndices, outputShape];
  }, [PLACES, row(2, 3, 6), row(...shape)]);
}

for (const dtype of ["float32", "int32"] as const) {
  parityTest(`sparseFillEmptyRows with ${dtype}`, (places, values, shape, fill) => {
    const { outputIndices, outputValues, emptyRowIndicator, reverseIndexMap } = tf.sparse.sparseFillEmptyRows(
      places as tf.Tensor2D,
      values as tf.Tensor1D,
      shape as tf.Tensor1D,
      fill as tf.Scalar,
    );
    return [outputIndices, outputValues, emptyRowIndicator, reverseIndexMap];
  }, [
    [[0, 0, 3, 1, 1, 0, 1, 4], [4, 2], "int32"],
    [[5, 10, 13, -14], [4], dtype],
    row(5, 6),
    [[-1], [], dtype],
  ], { isStatic: false });

  const data: Argument = [[1, 2, -3, 4, -8, -2, -3, 1, 5, 6, 7, 8], [3, 4], dtype];
  for (
    const [name, reduce] of Object.entries({
      Sum: tf.sparse.sparseSegmentSum,
      Mean: tf.sparse.sparseSegmentMean,
    })
  ) {
    parityTest(
      `sparseSegment${name} of ${dtype}, a segment empty`,
      (data, indices, ids) => reduce(data as tf.Tensor2D, indices as tf.Tensor1D, ids as tf.Tensor1D),
      [data, row(0, 1, 2, 1), row(0, 0, 2, 2)],
      { isStatic: false },
    );
  }
}

tidyTest("sparse ops refuse in tfjs' words; TensorFlow's are the cause", () => {
  const data = tf.ones<tf.Rank.R2>([10, 4]);
  const refusals: [string, () => unknown][] = [
    ["segment ids are not increasing", () => tf.sparse.sparseSegmentSum(data, [8, 3, 0, 9], [0, 2, 1, 2])],
    [
      "Segment id 1 out of range [0, 1), possibly because segmentIds input is not sorted.",
      () => tf.sparse.sparseSegmentMean(data, [8, 3, 0, 9], [0, 1, 2, 0]),
    ],
    ["indices(0, 0) is invalid: -1 < 0", () => tf.sparse.sparseFillEmptyRows([[-1, 0]], [5], [5, 6], 0)],
    ["indices(0, 0) is invalid: 5 >= 5", () => tf.sparse.sparseFillEmptyRows([[5, 0]], [5], [5, 6], 0)],
    ["size 1 must be non-negative, not -7", () => tf.sparse.sparseReshape([[0, 0]], [5, 6], [4, -7])],
  ];
  for (const [words, run] of refusals) {
    const error = assertThrows(run, Error);
    if (error.message !== words || !(error.cause instanceof TensorFlowError)) throw error;
  }
});
