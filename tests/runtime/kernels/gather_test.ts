/** Rows by their numbers, in a trace too: tfjs' gather and what is made of it. Values by hand. */
import { assertEquals, assertThrows } from "@std/assert";
import { hasGpu, jit, runtimeInfo, tf } from "../../../runtime/mod.ts";
import { assertClose, EXACT } from "../../reference.ts";
import { eagerAndJitted, gradients, tidyTest } from "../harness.ts";

const table = (): tf.Tensor2D => tf.tensor2d([[1, 2], [3, 4], [5, 6]]);
const whole = (...values: number[]): tf.Tensor1D => tf.tensor1d(values, "int32");

tidyTest("gather takes rows, columns and rows of each batch, by indices that are arguments", () => {
  eagerAndJitted((x, i) => tf.gather(x, i), [table(), whole(2, 0, 2)], (rows) => {
    assertClose(rows, { shape: [3, 2], data: [5, 6, 1, 2, 5, 6] }, EXACT);
  });
  for (const axis of [1, -1]) {
    eagerAndJitted((x, i) => tf.gather(x, i, axis), [table(), whole(1)], (column) => {
      assertClose(column, { shape: [3, 1], data: [2, 4, 6] }, EXACT);
    });
  }
  eagerAndJitted(
    (x, i) => tf.gather(x, i, 1, 1),
    [table(), tf.tensor2d([[1], [0], [1]], [3, 1], "int32")],
    (each) => {
      assertClose(each, { shape: [3, 1], data: [2, 3, 6] }, EXACT);
    },
  );
  eagerAndJitted(
    (x, i) => tf.gather(x, i),
    [tf.tensor1d([7, 8, 9], "int32"), tf.scalar(1, "int32")],
    (one) => {
      assertEquals([one.dtype, one.shape, [...one.dataSync()]], ["int32", [], [8]]);
    },
  );
});

tidyTest("its gradient goes to the rows, as often as they were taken", () => {
  const [x, i, dy] = [table(), whole(2, 0, 2), tf.tensor2d([[1, 2], [3, 4], [5, 6]])];
  const gradient = (x: tf.Tensor2D, i: tf.Tensor1D) =>
    gradients((x: tf.Tensor2D) => tf.gather(x, i), [x], [dy])[0];
  eagerAndJitted(gradient, [x, i], (dx) => {
    assertClose(dx, { shape: [3, 2], data: [3, 4, 0, 0, 6, 8] }, EXACT);
  });
});

tidyTest("the gradient of unsortedSegmentSum gathers, and drops what no segment took", () => {
  const segments = whole(1, -1, 0);
  const dy = tf.tensor2d([[1, 2], [3, 4]]);
  const gradient = (x: tf.Tensor2D, segments: tf.Tensor1D) =>
    gradients((x: tf.Tensor2D) => tf.unsortedSegmentSum(x, segments, 2), [x], [dy])[0];
  eagerAndJitted(gradient, [table(), segments], (dx) => {
    assertClose(dx, { shape: [3, 2], data: [3, 4, 0, 0, 1, 2] }, EXACT);
  });
});

tidyTest("the values that topk has found, taken by their indices", () => {
  const sorted = (x: tf.Tensor1D) => tf.gather(x, tf.topk(x, 3).indices);
  eagerAndJitted(sorted, [tf.tensor1d([2, 9, 4])], (values) => {
    assertClose(values, { shape: [3], data: [9, 4, 2] }, EXACT);
  });
});

tidyTest("an embedding's values, and the gradient of its table", () => {
  const layer = tf.layers.embedding({ inputDim: 3, outputDim: 2, weights: [table()] });
  const words = tf.tensor2d([[2, 1]], [1, 2], "int32");
  const embed = (words: tf.Tensor2D) => layer.apply(words) as tf.Tensor;
  eagerAndJitted(embed, [words], (vectors) => {
    assertClose(vectors, { shape: [1, 2, 2], data: [5, 6, 3, 4] }, EXACT);
  });
  const gradient = (words: tf.Tensor2D) => {
    const { grads } = tf.variableGrads(() => tf.sum(tf.square(embed(words))));
    return Object.values(grads)[0];
  };
  eagerAndJitted(gradient, [words], (dTable) => {
    assertClose(dTable, { shape: [3, 2], data: [0, 0, 6, 8, 10, 12] }, EXACT);
  });
  layer.dispose();
});

tidyTest("an index that is out of range is refused, by the processor where it is compiled", () => {
  const gather = jit((x: tf.Tensor2D, i: tf.Tensor1D) => tf.gather(x, i), { xla: false });
  for (const outside of [3, -1]) {
    const text = `GatherV2: the index value ${outside} is not in [0, 2]`;
    assertThrows(() => tf.gather(table(), whole(0, outside)), RangeError, text);
    if (hasGpu(runtimeInfo().devices)) continue;
    assertThrows(() => gather(table(), whole(0, outside)), Error, `indices[1] = ${outside} is not in [0, 3)`);
  }
  gather.dispose();
  const tooMany = "batchDims (1) must be less than or equal to axis (0)";
  assertThrows(() => tf.gather(table(), whole(0), 0, 1), Error, tooMany);
});
