/** `tf.batchNorm` with statistics of every shape that tfjs takes, against the formula by hand. */
import { tf } from "../../../runtime/mod.ts";
import { assertClose, FORWARD } from "../../reference.ts";
import { eagerAndJitted, tidyTest } from "../harness.ts";

const EPSILON = 0.01;

/** `(x - mean) / sqrt(variance + epsilon) * scale + offset` of values `[2, 3]`, each argument a row that repeats. */
function byHand(x: readonly number[], [mean, variance, offset, scale]: readonly (readonly number[])[]) {
  const at = (row: readonly number[], i: number): number => row[i % row.length];
  const data = x.map((value, i) =>
    (value - at(mean, i)) / Math.sqrt(at(variance, i) + EPSILON) * at(scale, i) + at(offset, i)
  );
  return { shape: [2, 3], data };
}

const cases: Record<string, readonly (readonly number[])[]> = {
  "a vector each": [[1, 2, 3], [4, 5, 6], [0.1, 0.2, 0.3], [2, 3, 4]],
  "one number each": [[1], [4], [0.1], [2]],
  "one number for all channels, or a vector": [[1], [4, 5, 6], [0.1], [2, 3, 4]],
};

for (const [name, rows] of Object.entries(cases)) {
  tidyTest(`batchNorm: ${name}`, () => {
    const x = [1, -2, 3, 0.5, 7, -1];
    const vectors = rows.map((row) => tf.tensor1d([...row])) as [
      tf.Tensor1D,
      tf.Tensor1D,
      tf.Tensor1D,
      tf.Tensor1D,
    ];
    const normalize = (x: tf.Tensor2D, ...vectors: tf.Tensor1D[]): tf.Tensor => {
      const [mean, variance, offset, scale] = vectors;
      return tf.batchNorm(x, mean, variance, offset, scale, EPSILON);
    };
    eagerAndJitted(
      normalize,
      [tf.tensor2d(x, [2, 3]), ...vectors],
      (y) => assertClose(y, byHand(x, rows), FORWARD, name),
    );
  });
}

tidyTest("batchNorm: statistics of the shape of the values, and no scale or offset", () => {
  const x = [1, -2, 3, 0.5, 7, -1];
  const [mean, variance] = [[0, 1, 2, 3, 4, 5], [1, 2, 3, 4, 5, 6]];
  const normalize = (x: tf.Tensor2D, mean: tf.Tensor2D, variance: tf.Tensor2D): tf.Tensor =>
    tf.batchNorm(x, mean, variance, undefined, undefined, EPSILON);
  const args = [x, mean, variance].map((row) => tf.tensor2d(row, [2, 3])) as [
    tf.Tensor2D,
    tf.Tensor2D,
    tf.Tensor2D,
  ];
  eagerAndJitted(normalize, args, (y) => assertClose(y, byHand(x, [mean, variance, [0], [1]]), FORWARD, "y"));
});
