/** Pools with every padding, rounding and rank that tfjs takes, and their gradients. */
import { assertEquals } from "@std/assert";
import { tf } from "../../../runtime/mod.ts";
import { assertClose, GRADIENT } from "../../reference.ts";
import { gradients, leakTest, tidyTest } from "../harness.ts";
import { assertAsOnCpu, gradientsOf, onCpu, parityTest, shuffled } from "./parity.ts";

type Pad2 = Parameters<typeof tf.maxPool>[3];
type Pool2 = [size: [number, number], stride: number, pad: Pad2, rounding?: "floor" | "round" | "ceil"];

const EDGES: Pad2 = [[0, 0], [1, 2], [0, 1], [0, 0]];
const PLANES: Record<string, Pool2> = {
  "same": [[2, 3], 2, "same"],
  "valid": [[3, 2], 2, "valid"],
  "a number": [[3, 3], 2, 1],
  "a number, a wide window": [[2, 3], 2, 1],
  "a number, a high window": [[4, 2], 1, 1],
  "four sides": [[3, 3], 1, EDGES],
  "four sides, what is left over": [[3, 3], 2, EDGES],
  "a number, rounded up": [[3, 3], 3, 1, "ceil"],
  "none, rounded up": [[3, 3], 3, 0, "ceil"],
  "four sides, rounded to the nearest": [[3, 3], 3, EDGES, "round"],
  "four sides, rounded down": [[3, 3], 3, EDGES, "floor"],
};
const SHAPE: [number, number, number, number] = [2, 7, 6, 3];

/** The same order of pixels, all below zero, so that a zero of the padding would be the largest. */
const negative = <X extends tf.Tensor>(x: tf.Tensor) => tf.sub<X>(x, 1000);

for (const [name, [size, stride, pad, rounding]] of Object.entries(PLANES)) {
  const maxPool = (x: tf.Tensor) => tf.maxPool(negative<tf.Tensor4D>(x), size, stride, pad, rounding);
  const avgPool = (x: tf.Tensor) => tf.avgPool(x as tf.Tensor4D, size, stride, pad, rounding);

  leakTest(`maxPool, padding ${name}`, async () => {
    await assertAsOnCpu(maxPool, [shuffled(...SHAPE)]);
    // tfjs' own gradient knows no rounding.
    if (rounding === undefined) {
      await assertAsOnCpu(gradientsOf(maxPool), [shuffled(...SHAPE)], {}, "gradient");
    }
  });
  leakTest(`avgPool, padding ${name}`, async () => {
    await assertAsOnCpu(avgPool, [shuffled(...SHAPE)]);
    await assertTransposes(avgPool, [7, 6]);
  });
}

type Pool3 = [size: number, stride: number, pad: "same" | "valid" | number];
const VOLUMES: Record<string, Pool3> = {
  "same": [3, 2, "same"],
  "valid": [2, 2, "valid"],
  "a number": [3, 2, 1],
  "as wide as the window": [2, 1, 2],
};

for (const [name, [size, stride, pad]] of Object.entries(VOLUMES)) {
  const avgPool = (x: tf.Tensor) => tf.avgPool3d(x as tf.Tensor5D, size, stride, pad);
  parityTest(`avgPool3d, padding ${name}`, avgPool, [shuffled(2, 5, 4, 5, 2)]);
  leakTest(`the gradient of avgPool3d, padding ${name}`, () => assertTransposes(avgPool, [4, 3, 4]));
  if (pad === size) continue; // a largest of nothing
  const maxPool = (x: tf.Tensor) => tf.maxPool3d(negative<tf.Tensor5D>(x), size, stride, pad);
  parityTest(`maxPool3d, padding ${name}`, maxPool, [shuffled(2, 5, 4, 5, 2)]);
  parityTest(`the gradient of maxPool3d, padding ${name}`, gradientsOf(maxPool), [shuffled(2, 5, 4, 5, 2)]);
}

/**
 * A mean is a matrix, and its gradient that matrix transposed: the `cpu` backend's forward pass of images with a one in a
 * single place gives its rows. (Its gradient counts the padding in, which its forward pass leaves out.)
 */
async function assertTransposes(pool: (x: tf.Tensor) => tf.Tensor, sides: readonly number[]): Promise<void> {
  const size = sides.reduce((product, side) => product * side, 1);
  const ones = Array.from({ length: size * size }, (_, i) => Number(i % (size + 1) === 0));
  const [{ shape, data }] = await onCpu(pool, [[ones, [size, ...sides, 1]]]);
  const outputs = data.length / size;
  const dy = Array.from({ length: outputs }, (_, i) => Math.cos(i));
  const expected = Array.from(
    { length: size },
    (_, place) => dy.reduce((sum, value, i) => sum + value * Number(data[place * outputs + i]), 0),
  );
  tf.tidy(() => {
    const x = tf.zeros([1, ...sides, 1]);
    const [dx] = gradients(pool, [x], [tf.tensor(dy, [1, ...shape.slice(1)])]);
    assertClose(dx, { shape: x.shape, data: expected }, GRADIENT, "gradient");
  });
}

tidyTest("a window with no place in a volume gives nothing, and its gradient is zero", () => {
  const x = tf.ones<tf.Rank.R5>([1, 2, 2, 2, 1]);
  for (const pool of [tf.maxPool3d<tf.Tensor5D>, tf.avgPool3d<tf.Tensor5D>]) {
    const narrow = (x: tf.Tensor) => pool(x as tf.Tensor5D, [1, 1, 3], 1, "valid");
    assertEquals(narrow(x).shape, [1, 2, 2, 0, 1]);
    assertEquals([...tf.grad((x) => tf.sum(narrow(x)))(x).dataSync()], new Array(8).fill(0));
  }
});

const pairs = ({ result, indexes }: tf.NamedTensorMap) => [result, indexes];
for (const [name, pad] of Object.entries({ "same": "same", "none": 0, "a number": 1, "four sides": EDGES })) {
  for (const inBatch of [false, true]) {
    parityTest(
      `maxPoolWithArgmax, padding ${name}, places ${inBatch ? "in the batch" : "in the image"}`,
      (x) => pairs(tf.maxPoolWithArgmax(x as tf.Tensor4D, 3, 2, pad as "same" | number, inBatch)),
      [shuffled(...SHAPE)],
    );
  }
}
parityTest(
  "maxPoolWithArgmax passes over NaN",
  (x) => pairs(tf.maxPoolWithArgmax(x as tf.Tensor4D, 2, 1, 0)),
  [[[NaN, 1, 2, 4, NaN, 3, 2, 6, 7], [1, 3, 3, 1]]],
);
