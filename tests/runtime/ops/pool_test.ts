/** Pooling: PyTorch's values, ties, shapes and refusals. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { profile } from "../../../runtime/compile/profile.ts";
import {
  avgPool,
  hasGpu,
  jit,
  type Jitted,
  maxPool,
  type Pool,
  runtimeInfo,
  tf,
} from "../../../runtime/mod.ts";
import golden from "../../data/golden/max_pool.json" with { type: "json" };
import { assertClose, EXACT, FORWARD, GRADIENT, nchwToNhwc } from "../../reference.ts";
import { eagerAndJitted, gradients, images, tidyTest, toBfloat16, toTensor, uniform } from "../harness.ts";

const test = (name: string, fn: () => void): void => tidyTest(`pool: ${name}`, fn);

test("PyTorch's maximum with padding, and its gradient", () => {
  const { kernel: kernelSize, stride, padding } = golden;
  const x = toTensor<tf.Tensor4D>(nchwToNhwc(golden.x));
  const dy = toTensor<tf.Tensor4D>(nchwToNhwc(golden.dy));
  const layer = (x: tf.Tensor4D): tf.Tensor4D => maxPool(x, { kernelSize, stride, padding });
  eagerAndJitted(layer, [x], (y, mode) => assertClose(y, nchwToNhwc(golden.y), FORWARD, `${mode} y`));
  eagerAndJitted(
    (x: tf.Tensor4D, dy: tf.Tensor4D) => gradients(layer, [x], [dy]),
    [x, dy],
    ([dx], mode) => assertClose(dx, nchwToNhwc(golden.dx), GRADIENT, `${mode} dx`),
  );
});

test("a tie in a window sends the gradient to one place only", () => {
  const dx = gradients(
    (x: tf.Tensor4D) => maxPool(x, { kernelSize: 2, stride: 2, padding: 0 }),
    [images(1, 2, 2, 1)],
    [tf.fill([1, 1, 1, 1], 3)],
  )[0];
  assertEquals(Array.from(dx.dataSync()).sort(), [0, 0, 0, 3]);
});

test("compiled by XLA: the values and gradients of TensorFlow's own op, for every window", () => {
  const windows: Pool[] = [
    { kernelSize: 3, stride: 2, padding: 1 }, // a ResNet's
    { kernelSize: 2, stride: 2, padding: 0 },
    { kernelSize: 3, stride: 1, padding: 1 },
    { kernelSize: 3, stride: 2, padding: 0 },
    { kernelSize: 2, stride: 3, padding: 0 }, // pixels that no window sees
    { kernelSize: 5, stride: 2, padding: 2 },
  ];
  for (const pool of windows) {
    for (const size of [8, 9]) {
      const x = uniform<tf.Tensor4D>(size, 2, size, size + 1, 3);
      const layer = (x: tf.Tensor4D): tf.Tensor4D => maxPool(x, pool);
      const both = (x: tf.Tensor4D, dy: tf.Tensor4D) => ({ y: layer(x), dx: gradients(layer, [x], [dy])[0] });
      const dy = uniform<tf.Tensor4D>(1, ...layer(x).shape);
      const compiled = jit(both, { xla: true });
      const [found, expected] = [compiled(x, dy), both(x, dy)];
      compiled.dispose();
      const what = `${size}, ${Object.values(pool)}`;
      assertClose(found.y, expected.y, EXACT, `y of ${what}`);
      assertClose(found.dx, expected.dx, FORWARD, `dx of ${what}`);
    }
  }
});

test("compiled by XLA: of equal pixels the first, as in PyTorch", () => {
  const layer = (x: tf.Tensor4D): tf.Tensor4D => maxPool(x, { kernelSize: 2, stride: 2, padding: 0 });
  const compiled = jit(
    (x: tf.Tensor4D, dy: tf.Tensor4D) => [layer(x), gradients(layer, [x], [dy])[0]],
    { xla: true },
  );
  for (
    const [pixels, maximum, gradient] of [
      [[1, 1, 1, 1], 1, [3, 0, 0, 0]],
      [[0, 2, 2, 1], 2, [0, 3, 0, 0]],
    ] as const
  ) {
    const [y, dx] = compiled(tf.tensor4d([...pixels], [1, 2, 2, 1]), tf.fill([1, 1, 1, 1], 3) as tf.Tensor4D);
    assertEquals([Array.from(y.dataSync()), Array.from(dx.dataSync())], [[maximum], [...gradient]]);
  }
  compiled.dispose();
});

test("NaN in a window is its maximum, wherever it is, and infinities are numbers, as in PyTorch", () => {
  const windows: [pixels: number[], maximum: number][] = [
    ...Array.from({ length: 9 }, (_, place): [number[], number] => [
      Array.from({ length: 9 }, (_, i) => i === place ? NaN : i),
      NaN,
    ]),
    [Array(9).fill(NaN), NaN],
    [[NaN, ...Array(8).fill(-Infinity)], NaN],
    [[1, -Infinity, 2, Infinity, 3, 4, 5, 6, 7], Infinity],
    [[1, -Infinity, 2, -Infinity, 3, -4, -5, 6, -7], 6],
    [Array(9).fill(Infinity), Infinity],
    [Array(9).fill(0.1015625), 0.1015625], // 13 / 128, a number that bfloat16 has
  ];
  const channels = 3;
  const pixels = windows.flatMap(([pixels]) => pixels.flatMap((pixel) => Array(channels).fill(pixel)));
  const x = tf.tensor4d(pixels, [windows.length, 3, 3, channels]);
  const expected = windows.flatMap(([, maximum]) => Array(channels).fill(maximum));
  const pool = (x: tf.Tensor4D): tf.Tensor => maxPool(x, { kernelSize: 3, stride: 3, padding: 0 });
  const ways: Record<string, ((x: tf.Tensor4D) => tf.Tensor) | Jitted<[tf.Tensor4D], tf.Tensor>> = {
    "eager": pool,
    "jit": jit(pool, { xla: false }),
    "jit in bfloat16": jit((x) => pool(toBfloat16(x)), { xla: false, precision: "bfloat16" }),
    "jit by XLA": jit(pool, { xla: true }),
    "jit by XLA in bfloat16": jit((x) => pool(toBfloat16(x)), { xla: true, precision: "bfloat16" }),
  };
  for (const [way, run] of Object.entries(ways)) {
    assertClose(run(x), { shape: [windows.length, 1, 1, channels], data: expected }, EXACT, way);
    if ("dispose" in run) run.dispose();
  }
});

test("NaN in a window is not lost at the edge either, and what the gradient brings is NaN where that is", () => {
  const layer = (x: tf.Tensor4D): tf.Tensor4D => maxPool(x, { kernelSize: 3, stride: 2, padding: 1 });
  const x = tf.tensor4d([NaN, 1, 2, 3, 4, Infinity, 6, 7, 8], [1, 3, 3, 1]);
  eagerAndJitted(layer, [x], (y, mode) => {
    assertClose(y, { shape: [1, 2, 2, 1], data: [NaN, Infinity, 7, Infinity] }, EXACT, mode);
  });
  eagerAndJitted(
    (x: tf.Tensor4D) => tf.grad((x: tf.Tensor) => tf.sum(tf.square(layer(x as tf.Tensor4D))))(x),
    [x],
    (dx, mode) => {
      assert(Array.from(dx.dataSync()).some(Number.isNaN), mode);
    },
  );
});

test("in a graph the gradient stays oneDNN's, which it is of what the op itself gave", () => {
  if (hasGpu(runtimeInfo().devices)) return;
  const gradient = (x: tf.Tensor4D): tf.Tensor =>
    tf.grad((x: tf.Tensor) =>
      tf.sum(tf.square(maxPool(x as tf.Tensor4D, { kernelSize: 2, stride: 2, padding: 0 })))
    )(x);
  const { nodes } = profile(gradient, [images(1, 4, 4, 16)], { runs: 1 });
  assertEquals(nodes.map(({ op }) => op).filter((op) => op.includes("MaxPoolGrad")), [
    "_MklNativeMaxPoolGrad",
  ]);
});

test("out = floor((in + 2 padding - kernel) / stride) + 1", () => {
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
    assertEquals(maxPool(x, { kernelSize, stride, padding }).shape, [1, expected, expected, 1]);
    if (padding === 0) assertEquals(avgPool(x, { kernelSize, stride }).shape, [1, expected, expected, 1]);
  }
});

test("refuses windows that make no sense", () => {
  const x = images(1, 4, 4, 1);
  for (const window of [{ stride: 0, padding: 1 }, { stride: 1.5, padding: 1 }, { stride: 1, padding: -1 }]) {
    assertThrows(() => maxPool(x, { kernelSize: 3, ...window }), RangeError, "maxPool: ");
  }
  assertThrows(() => avgPool(x, { kernelSize: 0, stride: 1 }), RangeError, "avgPool: ");
});
