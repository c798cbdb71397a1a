/** Single layers as `apply` runs them, evaluation against training, and what is refused. */
import { assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { defineModel, type Model } from "../../../layers/model.ts";
import { resnet } from "../../../layers/networks/resnet.ts";
import type { Node, SpatialShape } from "../../../layers/nodes/node.ts";
import {
  add,
  avgPool,
  batchNorm,
  dropout,
  flatten,
  globalAvgPool,
  input,
  linear,
  padShortcut,
  scale,
} from "../../../layers/nodes/nodes.ts";
import { apply } from "../../../layers/readers/apply.ts";
import { init, type Variables } from "../../../layers/readers/variables.ts";
import { tf } from "../../../runtime/mod.ts";
import layers from "../../data/layers.json" with { type: "json" };
import { canLoadTensorFlow } from "../../needs.ts";
import { assertClose, EXACT, FORWARD, nchwToNhwc, permute } from "../../reference.ts";
import { eagerAndJitted, gradients, toTensor } from "../../runtime/harness.ts";

/** A test that needs TensorFlow, and that no tensor outlives. */
function test(name: string, fn: () => void): void {
  Deno.test({
    name: `apply: ${name}`,
    ignore: !canLoadTensorFlow,
    async fn(): Promise<void> {
      await tf.ready();
      const before = tf.memory().numTensors;
      tf.tidy(fn);
      assertEquals(tf.memory().numTensors, before, "live tensors");
    },
  });
}

const NOTHING: Variables = { params: {}, batchStats: {} };

/** A model of one layer over `[h, w, c]`. */
function over(shape: SpatialShape, layer: (x: Node) => Node): Model {
  return defineModel(layer(input(shape)), { name: "net" });
}

test("flatten and linear agree with PyTorch, where channels come first", () => {
  const { x, weight, bias, y } = layers.flatten_linear;
  const model = over([4, 5, 3], (x) => linear(flatten(x, { name: "f" }), { name: "fc", features: 3 }));
  const params = { "fc.weight": toTensor(permute(weight, [1, 0])), "fc.bias": toTensor(bias) };
  eagerAndJitted(
    (x: tf.Tensor) => apply(model, { params, batchStats: {} }, x, { train: false }),
    [toTensor(nchwToNhwc(x))],
    ([logits], mode) => assertClose(logits, y, FORWARD, mode),
  );
});

test("padShortcut agrees with PyTorch's slices and padding, and so does its gradient", () => {
  const { x, y, dy, dx } = layers.pad_shortcut;
  const model = over([5, 5, 4], (x) => padShortcut(x, { name: "s", filters: 7, stride: 2 }));
  const forward = (x: tf.Tensor): tf.Tensor => apply(model, NOTHING, x, { train: false })[0];
  const images = toTensor(nchwToNhwc(x));
  eagerAndJitted(forward, [images], (result, mode) => assertClose(result, nchwToNhwc(y), EXACT, mode));
  const backward = (x: tf.Tensor, dy: tf.Tensor): tf.Tensor => gradients(forward, [x], [dy])[0];
  eagerAndJitted(
    backward,
    [images, toTensor(nchwToNhwc(dy))],
    (result, mode) => assertClose(result, nchwToNhwc(dx), EXACT, mode),
  );
});

test("pooling, scale and add, by hand", () => {
  const x = tf.tensor4d([1, 2, 3, 4, 5, 6, 7, 8], [1, 2, 2, 2]); // channels: 1 3 5 7 and 2 4 6 8
  const run = (layer: (x: Node) => Node): tf.Tensor => {
    return apply(over([2, 2, 2], layer), NOTHING, x, { train: false })[0];
  };
  const mean = { shape: [1, 1, 1, 2], data: [4, 5] };
  assertClose(run((x) => globalAvgPool(x, { name: "p" })), mean, EXACT);
  assertClose(run((x) => avgPool(x, { name: "p", kernelSize: 2 })), mean, EXACT);
  const half = { shape: [1, 2, 2, 2], data: [0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4] };
  assertClose(run((x) => scale(x, { name: "s", factor: 0.5 })), half, EXACT);
  assertClose(run((x) => add(scale(x, { name: "s", factor: -0.5 }), x, { name: "a" })), half, EXACT);
});

test("a node that is used twice is computed once", () => {
  // Sixty doublings: 61 nodes, or 2^60 without a memory of what was computed.
  const model = over([1, 1, 1], (x) => {
    for (let i = 0; i < 60; i++) x = add(x, x, { name: `${i}` });
    return x;
  });
  const [y] = apply(model, NOTHING, tf.tensor4d([1], [1, 1, 1, 1]), { train: false });
  assertEquals(y.dataSync()[0], 2 ** 60);
});

test("batch norm: evaluation takes the running statistics, training the batch's and updates them", () => {
  const model = over([2, 1, 1], (x) => batchNorm(x, { name: "bn", epsilon: 0.5, momentum: 0.25 }));
  const variables: Variables = {
    params: { "bn.weight": tf.tensor1d([2]), "bn.bias": tf.tensor1d([1]) },
    batchStats: { "bn.running_mean": tf.tensor1d([3]), "bn.running_var": tf.tensor1d([3.5]) },
  };
  const x = tf.tensor4d([-1, 0, 1, 4], [2, 2, 1, 1]); // mean 1; variance 14/4 biased, 14/3 unbiased
  const expected = (mean: number, variance: number): number[] =>
    [-1, 0, 1, 4].map((value) => 2 * (value - mean) / Math.sqrt(variance + 0.5) + 1);

  const evaluated = apply(model, variables, x, { train: false });
  assertEquals(evaluated.length as number, 1);
  assertClose(evaluated[0], { shape: [2, 2, 1, 1], data: expected(3, 3.5) });

  const [y, batchStats] = apply(model, variables, x, { train: true });
  assertClose(y, { shape: [2, 2, 1, 1], data: expected(1, 3.5) });
  assertClose(batchStats["bn.running_mean"], { shape: [1], data: [0.75 * 3 + 0.25 * 1] });
  assertClose(batchStats["bn.running_var"], { shape: [1], data: [0.75 * 3.5 + 0.25 * 14 / 3] });
  assertEquals(Object.keys(batchStats), Object.keys(variables.batchStats));
  assertEquals(variables.batchStats["bn.running_mean"].dataSync()[0], 3); // the old ones stay as they were
});

test("dropout: at work while training only, a function of the seed, of its own in each layer", () => {
  const once = over([1, 1, 1000], (x) => dropout(x, { name: "d", rate: 0.25 }));
  const x = tf.ones([2, 1, 1, 1000]);
  const seed = tf.tensor1d([3, 4], "int32");
  assertClose(apply(once, NOTHING, x, { train: false })[0], x, EXACT);

  const train = (model: Model, seed: tf.Tensor1D): number[] => {
    return [...apply(model, NOTHING, x, { train: true, seed })[0].dataSync()];
  };
  const values = train(once, seed);
  assertEquals(new Set(values), new Set([0, Math.fround(1 / 0.75)]));
  // 2000 draws: 500 zeros, with a deviation of sqrt(2000 * 0.25 * 0.75) = 19.4; five of them allowed.
  assertEquals(Math.abs(values.filter((value) => value === 0).length - 500) < 97, true);
  assertEquals(train(once, seed), values);
  assertNotEquals(train(once, tf.tensor1d([3, 5], "int32")), values);

  // Had both layers one mask, half of the values would pass both; with their own, a quarter does.
  const twice = over([1, 1, 1000], (x) => {
    return dropout(dropout(x, { name: "a", rate: 0.5 }), { name: "b", rate: 0.5 });
  });
  const passed = train(twice, seed).filter((value) => value !== 0).length;
  assertEquals(Math.abs(passed - 500) < 97, true, `${passed} of 2000 passed`);
});

const model = resnet([1, 1], { widths: [2, 3], inputSize: 32, numClasses: 4 });

test("leaves nothing behind but what it returns", () => {
  const variables = init(model, 0);
  const x = tf.ones([2, 32, 32, 3]);
  const before = tf.memory().numTensors;
  apply(model, variables, x, { train: false });
  assertEquals(tf.memory().numTensors - before, 1);
  const [, batchStats] = apply(model, variables, x, { train: true });
  assertEquals(tf.memory().numTensors - before, 1 + 1 + Object.keys(batchStats).length);
});

test("refuses images of another shape or type, naming the input and both shapes", () => {
  const variables = init(model, 0);
  const message = (x: tf.Tensor): string =>
    assertThrows(() => apply(model, variables, x, { train: false }), TypeError).message;
  const wanted = 'apply: input "input" of ResNet-6 needs float32 [n, 32, 32, 3], found';
  assertEquals(message(tf.zeros([2, 3, 32, 32])), `${wanted} float32 [2, 3, 32, 32]`);
  assertEquals(message(tf.zeros([32, 32, 3])), `${wanted} float32 [32, 32, 3]`);
  assertEquals(message(tf.zeros([2, 32, 32, 3], "int32")), `${wanted} int32 [2, 32, 32, 3]`);
});

test("refuses variables that are missing, unknown or of another shape, naming them and both shapes", () => {
  const { params, batchStats } = init(model, 0);
  const x = tf.zeros([2, 32, 32, 3]);
  const message = (variables: Variables): string =>
    assertThrows(() => apply(model, variables, x, { train: false }), TypeError).message;
  const { "fc.bias": _, ...missing } = params;
  assertEquals(
    message({ params: missing, batchStats }),
    'apply: params has no "fc.bias"; ResNet-6 needs [4]',
  );
  assertEquals(
    message({ params: { ...params, "fc.weight": tf.zeros([4, 3]) }, batchStats }),
    'apply: params has "fc.weight" of shape [4, 3]; ResNet-6 needs [3, 4]',
  );
  assertEquals(
    message({ params: { ...params, extra: tf.zeros([2]) }, batchStats }),
    'apply: params has "extra" of shape [2]; ResNet-6 has no such tensor',
  );
  assertEquals(
    message({ params, batchStats: {} }),
    'apply: batchStats has no "conv1.1.running_mean"; ResNet-6 needs [2]',
  );
});

test("refuses what has no meaning while training: dropout without a seed, one value a channel", () => {
  const dropping = over([1, 1, 4], (x) => dropout(x, { name: "d", rate: 0.5 }));
  assertEquals(
    assertThrows(() => apply(dropping, NOTHING, tf.ones([2, 1, 1, 4]), { train: true }), TypeError).message,
    'apply: dropout "d" needs a seed while training; pass { train: true, seed }',
  );
  const normalising = over([1, 1, 4], (x) => batchNorm(x, { name: "bn" }));
  assertEquals(
    assertThrows(
      () => apply(normalising, init(normalising, 0), tf.ones([1, 1, 1, 4]), { train: true }),
      TypeError,
    ).message,
    'apply: batchNorm "bn" needs more than one value a channel while training, found [1, 1, 1, 4]; use a larger batch',
  );
});
