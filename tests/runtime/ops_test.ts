/** The native ops beyond their values (kernels_test.ts): edges, refusals, and that they leave nothing behind. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import {
  avgPool,
  batchNormInference,
  batchNormTrain,
  biasAdd,
  celu,
  conv2d,
  crossEntropy,
  dropout,
  foldSeed,
  jit,
  maxPool,
  relu,
  statelessUniform,
  statelessUniformInt,
  TensorFlowError,
  tf,
} from "../../runtime/mod.ts";
import { profile } from "../../runtime/profile.ts";
import celuValues from "../data/celu.json" with { type: "json" };
import { canLoadTensorFlow } from "../needs.ts";
import { assertClose, EXACT, FORWARD, GRADIENT } from "../reference.ts";
import { eagerAndJitted, gradients, held, toTensor } from "./harness.ts";

function test(name: string, fn: () => void): void {
  Deno.test({
    name: `ops: ${name}`,
    ignore: !canLoadTensorFlow,
    async fn() {
      await tf.ready();
      tf.tidy(fn);
    },
  });
}

const images = (...shape: [number, number, number, number]): tf.Tensor4D => tf.ones(shape);

test("relu is 0 at 0 and below, its gradient too; NaN stays NaN", () => {
  const x = tf.tensor1d([-1, -0, 0, 0.5, 2, NaN]);
  const both = (x: tf.Tensor1D) => ({ y: relu(x), dx: gradients(relu<tf.Tensor1D>, [x], [tf.ones([6])])[0] });
  eagerAndJitted(both, [x], ({ y, dx }, mode) => {
    assertClose(y, { shape: [6], data: [0, 0, 0, 0.5, 2, NaN] }, EXACT, mode);
    assertEquals(Array.from(dx.dataSync()).slice(0, 5), [0, 0, 0, 1, 1], mode);
  });
});

test("celu and its gradient are PyTorch's", () => {
  const { alpha, x, y, dy, dx } = celuValues;
  const both = (x: tf.Tensor, dy: tf.Tensor) => ({
    y: celu(x, alpha),
    dx: gradients((x: tf.Tensor) => celu(x, alpha), [x], [dy])[0],
  });
  eagerAndJitted(both, [toTensor(x), toTensor(dy)], (found, mode) => {
    assertClose(found.y, y, FORWARD, mode);
    assertClose(found.dx, dx, GRADIENT, mode);
  });
});

test("a tie in a pooling window sends the gradient to one place only", () => {
  const dx = gradients(
    (x: tf.Tensor4D) => maxPool(x, { kernelSize: 2, stride: 2, padding: 0 }),
    [images(1, 2, 2, 1)],
    [tf.fill([1, 1, 1, 1], 3)],
  )[0];
  assertEquals(Array.from(dx.dataSync()).sort(), [0, 0, 0, 3]);
});

test("out = floor((in + 2 padding - kernel) / stride) + 1, for convolutions and pools", () => {
  for (
    const [size, kernelSize, stride, padding, expected] of [
      [8, 3, 1, 1, 8],
      [8, 3, 2, 1, 4],
      [7, 3, 2, 1, 4],
      [9, 2, 2, 0, 4],
      [224, 7, 2, 3, 112],
      [5, 1, 2, 0, 3],
    ]
  ) {
    const x = images(1, size, size, 1);
    assertEquals(conv2d(x, images(kernelSize, kernelSize, 1, 2), { stride, padding }).shape, [
      1,
      expected,
      expected,
      2,
    ]);
    assertEquals(maxPool(x, { kernelSize, stride, padding }).shape, [1, expected, expected, 1]);
    if (padding === 0) assertEquals(avgPool(x, { kernelSize, stride }).shape, [1, expected, expected, 1]);
  }
});

test("batch norm of a constant channel is its offset, and its gradient is finite", () => {
  const x = tf.fill<tf.Rank.R4>([2, 2, 2, 1], 7);
  const [scale, offset] = [tf.tensor1d([3]), tf.tensor1d([-1])];
  const { y, mean, variance } = batchNormTrain(x, scale, offset, 1e-5);
  assertClose(y, tf.fill([2, 2, 2, 1], -1), FORWARD);
  assertClose(mean, { shape: [1], data: [7] }, FORWARD);
  assertClose(variance, { shape: [1], data: [0] }, { relative: 0, absolute: 1e-6 });
  const [dx] = gradients(
    (x: tf.Tensor4D) => batchNormTrain(x, scale, offset, 1e-5).y,
    [x],
    [images(2, 2, 2, 1)],
  );
  assertClose(dx, tf.zeros([2, 2, 2, 1]), { relative: 0, absolute: 1e-3 });
});

test("batch norm in training and in inference differ; with the batch's statistics they agree", () => {
  const x = statelessUniform([4, 3, 3, 2], tf.tensor1d([1, 2], "int32")) as tf.Tensor4D;
  const [scale, offset] = [tf.tensor1d([1, 2]), tf.tensor1d([0, 1])];
  const { y, mean, variance } = batchNormTrain(x, scale, offset, 1e-3);
  const n = 4 * 3 * 3;
  const biased = tf.mul(variance, (n - 1) / n) as tf.Tensor1D;
  assertClose(batchNormInference(x, scale, offset, mean, biased, 1e-3), y, FORWARD);
  const still = batchNormInference(x, scale, offset, tf.zeros([2]), tf.ones([2]), 1e-3);
  assertThrows(() => assertClose(still, y, { relative: 0.1, absolute: 0 }));
});

test("cross-entropy of equal logits is ln C, smoothed or not; the gradient of a row sums to 0", () => {
  const labels = tf.tensor1d([0, 3, 9], "int32");
  for (const labelSmoothing of [0, 0.1]) {
    const loss = (logits: tf.Tensor2D): tf.Tensor => crossEntropy(logits, labels, { labelSmoothing });
    assertAlmostEquals(loss(tf.zeros([3, 10])).dataSync()[0], Math.log(10), 1e-6);
    const logits = statelessUniform([3, 10], tf.tensor1d([1, 2], "int32")) as tf.Tensor2D;
    const [dLogits] = gradients(loss, [logits], [tf.scalar(1)]);
    assertClose(tf.sum(dLogits, 1), { shape: [3], data: [0, 0, 0] }, { relative: 0, absolute: 1e-7 });
  }
});

test("cross-entropy of a certain and right answer is 0, of a certain and wrong one the gap of the logits", () => {
  const logits = tf.tensor2d([[100, 0], [100, 0]]);
  const losses = [[0, 0], [1, 1]].map((labels) =>
    crossEntropy(logits, tf.tensor1d(labels, "int32")).dataSync()[0]
  );
  assertEquals(losses, [0, 100]);
});

test("the filter gradient of a strided 1x1 convolution is right for any number of channels, call after call", () => {
  const draw = <T extends tf.Tensor>(salt: number, ...shape: number[]): T =>
    tf.sub(statelessUniform(shape, tf.tensor1d([salt, 5], "int32")), 0.5) as T;
  for (const padding of [0, 1]) {
    for (const channels of [1, 2, 3, 4, 5, 6, 7, 8, 12, 15, 16, 17, 32]) {
      const x = draw<tf.Tensor4D>(1, 2, 8, 8, channels);
      const kernel = draw<tf.Tensor4D>(2, 1, 1, channels, 8);
      const size = 4 + padding;
      const dy = draw<tf.Tensor4D>(3, 2, size, size, 8);
      // The same as a product of matrices, over the pixels that the window visits.
      const padded = tf.pad(x, [[0, 0], [padding, padding], [padding, padding], [0, 0]]);
      const visited = tf.stridedSlice(padded, [0, 0, 0, 0], padded.shape, [1, 2, 2, 1]);
      const rows = 2 * size * size;
      const product = tf.matMul(tf.reshape(visited, [rows, channels]), tf.reshape(dy, [rows, 8]), true);
      const expected = tf.reshape(product, [1, 1, channels, 8]);
      const backward = (kernel: tf.Tensor4D): tf.Tensor =>
        gradients((kernel: tf.Tensor4D) => conv2d(x, kernel, { stride: 2, padding }), [kernel], [dy])[0];
      // oneDNN's own is wrong in about half of the calls with few channels.
      for (let call = 0; call < 10; call++) {
        assertClose(backward(kernel), expected, GRADIENT, `${channels} channels, padding ${padding}`);
      }
    }
  }
});

test("refuses shapes that do not fit, and names them", () => {
  assertThrows(
    () => conv2d(images(1, 4, 4, 3), images(3, 3, 2, 5), { stride: 1, padding: 1 }),
    TypeError,
    "conv2d: image [1,4,4,3] has 3 channels, kernel [3,3,2,5] takes 2",
  );
  assertThrows(
    () => crossEntropy(tf.zeros([3, 10]), tf.tensor1d([1, 2], "int32")),
    TypeError,
    "crossEntropy: logits [3,10] and labels [2] differ in batch size",
  );
  assertThrows(
    () => biasAdd(images(1, 2, 2, 3), tf.ones([2])),
    TensorFlowError,
    "TFE_Execute(BiasAdd) failed with INVALID_ARGUMENT (3)",
  );
  assertThrows(
    () => batchNormTrain(images(1, 2, 2, 3), tf.ones([2]), tf.ones([2]), 1e-5),
    TensorFlowError,
    "TFE_Execute(FusedBatchNormV3) failed with INVALID_ARGUMENT (3)",
  );
});

test("refuses windows that make no sense", () => {
  const x = images(1, 4, 4, 1);
  for (const window of [{ stride: 0, padding: 1 }, { stride: 1.5, padding: 1 }, { stride: 1, padding: -1 }]) {
    assertThrows(() => conv2d(x, images(3, 3, 1, 1), window), RangeError, "conv2d: ");
    assertThrows(() => maxPool(x, { kernelSize: 3, ...window }), RangeError, "maxPool: ");
  }
  assertThrows(() => avgPool(x, { kernelSize: 0, stride: 1 }), RangeError, "avgPool: ");
});

test("refuses a label that is no class", () => {
  for (const label of [-1, 10]) {
    assertThrows(
      () => crossEntropy(tf.zeros([2, 10]), tf.tensor1d([0, label], "int32")),
      TensorFlowError,
      `Received a label value of ${label} which is outside the valid range of [0, 10)`,
    );
  }
});

test("labels, running mean and running variance have no gradient, and say so", () => {
  assertThrows(
    () =>
      gradients((labels: tf.Tensor1D) => crossEntropy(tf.zeros([1, 2]), labels), [
        tf.tensor1d([0], "int32"),
      ], [tf.scalar(1)]),
    TypeError,
    "crossEntropy: labels have no gradient",
  );
  const one = tf.ones<tf.Rank.R1>([1]);
  assertThrows(
    () =>
      gradients(
        (mean: tf.Tensor1D) => batchNormInference(images(1, 2, 2, 1), one, one, mean, one, 1e-5),
        [one],
        [images(1, 2, 2, 1)],
      ),
    TypeError,
    "batchNormInference: the running mean and variance are constants and have no gradient",
  );
});

Deno.test({
  name: "ops: leave nothing behind but what they return, outside of tidy too",
  ignore: !canLoadTensorFlow,
  async fn() {
    await tf.ready();
    const before = held();
    const x = images(2, 4, 4, 3);
    const row = tf.ones<tf.Rank.R1>([3]);
    const seed = tf.tensor1d([1, 2], "int32");
    const kernel = images(3, 3, 3, 2);
    const logits = tf.zeros<tf.Rank.R2>([2, 3]);
    const labels = tf.tensor1d([0, 2], "int32");
    const calls: Record<string, () => tf.TensorContainer> = {
      conv2d: () => conv2d(x, kernel, { stride: 2, padding: 1 }),
      biasAdd: () => biasAdd(x, row),
      batchNormTrain: () => ({ ...batchNormTrain(x, row, row, 1e-5) }),
      batchNormInference: () => batchNormInference(x, row, row, row, row, 1e-5),
      relu: () => relu(x),
      maxPool: () => maxPool(x, { kernelSize: 3, stride: 2, padding: 1 }),
      avgPool: () => avgPool(x, { kernelSize: 2, stride: 2 }),
      crossEntropy: () => crossEntropy(logits, labels),
      "crossEntropy, smoothed": () => crossEntropy(logits, labels, { labelSmoothing: 0.1 }),
      dropout: () => dropout(x, 0.5, seed),
      statelessUniform: () => statelessUniform([3], seed),
      statelessUniformInt: () => statelessUniformInt([3], seed, 0, 9),
      foldSeed: () => foldSeed(seed, 1),
    };
    for (const [name, call] of Object.entries(calls)) {
      call(); // the first call uploads the inputs
      const start = held();
      const result = call();
      tf.dispose(result);
      assertEquals(held(), start, name);
    }
    tf.disposeVariables();
    tf.dispose([x, row, seed, kernel, logits, labels]);
    assertEquals(held().tensors - before.tensors, Object.keys(calls).length + 2, "the first calls' results");
  },
});

test("the kernel's gradient on a small map is the same in bfloat16, and a matrix product there", () => {
  // Whole numbers from -2 to 2: products and sums are exact in float32.
  const whole = (shape: [number, number, number, number], factor: number): tf.Tensor4D =>
    tf.tensor4d(
      Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => (i * i * factor) % 5 - 2),
      shape,
    );
  const cases = [
    { x: [2, 3, 5, 3], kernel: [3, 3, 3, 4], stride: 1, padding: 1, isProduct: true },
    { x: [2, 6, 6, 4], kernel: [3, 3, 4, 2], stride: 1, padding: 0, isProduct: true },
    { x: [1, 2, 3, 2], kernel: [2, 3, 2, 3], stride: 1, padding: 1, isProduct: true },
    { x: [1, 3, 7, 256], kernel: [3, 3, 256, 2], stride: 1, padding: 1, isProduct: true },
    { x: [2, 5, 7, 3], kernel: [3, 3, 3, 4], stride: 1, padding: 1, isProduct: false },
    { x: [2, 2, 2, 3], kernel: [1, 1, 3, 4], stride: 1, padding: 0, isProduct: false },
    { x: [1, 6, 9, 256], kernel: [3, 3, 256, 2], stride: 2, padding: 1, isProduct: true },
    { x: [2, 7, 5, 256], kernel: [3, 3, 256, 3], stride: 2, padding: 0, isProduct: true },
    { x: [1, 18, 20, 128], kernel: [3, 3, 128, 2], stride: 2, padding: 1, isProduct: true },
    { x: [2, 6, 9, 3], kernel: [3, 3, 3, 4], stride: 2, padding: 1, isProduct: false },
  ] as const;
  for (const { x: xShape, kernel: kernelShape, stride, padding, isProduct } of cases) {
    const [x, kernel] = [whole([...xShape], 3), whole([...kernelShape], 1)];
    const convolve = (x: tf.Tensor4D, kernel: tf.Tensor4D) => conv2d(x, kernel, { stride, padding });
    const dy = whole(convolve(x, kernel).shape, 7);
    const gradient = (x: tf.Tensor4D, kernel: tf.Tensor4D, dy: tf.Tensor4D): tf.Tensor =>
      gradients(convolve, [x, kernel], [dy])[1];
    const [exact, rough] = (["float32", "bfloat16"] as const).map((precision) => {
      const compiled = jit(gradient, { precision });
      const result = compiled(x, kernel, dy);
      compiled.dispose();
      return result;
    });
    const label = `x [${xShape}], kernel [${kernelShape}], stride ${stride}`;
    assert(tf.max(tf.abs(exact)).dataSync()[0] > 0, label);
    // bfloat16 keeps 8 bits of them.
    const expected = { shape: exact.shape, data: exact.dataSync<"float32">() };
    assertClose(rough, expected, { relative: 2 ** -8, absolute: 0 }, label);
    const { nodes } = profile(gradient, [x, kernel, dy], { precision: "bfloat16", runs: 1 });
    assertEquals(nodes.some(({ op }) => op.includes("MatMul")), isProduct, label);
  }
});
