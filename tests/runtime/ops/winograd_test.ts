/** Winograd's convolution: its arithmetic, and its values against PyTorch's and the direct one's. */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { jit, tf } from "../../../runtime/mod.ts";
import {
  transforms,
  winogradConv2d,
  winogradFilterGradient,
  winogradInputGradient,
} from "../../../runtime/ops/winograd.ts";
import convolutions from "../../data/golden/conv2d.json" with { type: "json" };
import { assertClose, FORWARD, GRADIENT, nchwToNhwc, oihwToHwio } from "../../reference.ts";
import { conv2dAndGradients, eagerAndJitted, tidyTest, toTensor, uniform } from "../harness.ts";

/** The convolution and both gradients, by tiles of that size. */
const byTiles = (tile: number) => (x: tf.Tensor4D, kernel: tf.Tensor4D, dy: tf.Tensor4D) => ({
  y: winogradConv2d(x, kernel, tile),
  dx: winogradInputGradient(dy, kernel, tile),
  dKernel: winogradFilterGradient(x, dy, tile),
});

/** The same by `conv2d`, which takes TensorFlow's own when it runs eagerly. */
const direct = conv2dAndGradients({ stride: 1, padding: 1 });

/** An image, a kernel and a gradient. */
function draw(
  [n, height, width, inputs, outputs]: readonly number[],
): [x: tf.Tensor4D, kernel: tf.Tensor4D, dy: tf.Tensor4D] {
  return [
    uniform(1, n, height, width, inputs),
    uniform(2, 3, 3, inputs, outputs),
    uniform(3, n, height, width, outputs),
  ];
}

Deno.test("winograd: m + 2 products give m outputs of a correlation with 3 weights", () => {
  const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, v, i) => sum + v * b[i], 0);
  const pixels = [3, -1, 4, 1, -5, 9, 2];
  const weights = [2, -7, 1];
  for (const tile of [1, 2, 3, 4, 5]) {
    const { image, kernel, result } = transforms(tile);
    assertEquals([image.length, kernel.length, result.length], Array(3).fill(tile + 2));
    const products = image.map((row, place) => dot(row, pixels) * dot(kernel[place], weights));
    for (let i = 0; i < tile; i++) {
      const expected = dot(pixels.slice(i, i + 3), weights);
      assertAlmostEquals(dot(result.map((row) => row[i]), products), expected, 1e-10, `F(${tile}, 3)[${i}]`);
    }
  }
});

tidyTest("winograd: PyTorch's convolution and its gradients, by tiles of any size", () => {
  const golden = convolutions.find(({ weight, ...window }) =>
    weight.shape[2] === 3 && window.stride === 1 && window.padding === 1
  )!;
  const x = toTensor<tf.Tensor4D>(nchwToNhwc(golden.x));
  const kernel = toTensor<tf.Tensor4D>(oihwToHwio(golden.weight));
  const dy = toTensor<tf.Tensor4D>(nchwToNhwc(golden.dy));
  const y = tf.sub(toTensor(nchwToNhwc(golden.y)), toTensor(golden.bias!)); // PyTorch's layer has a bias
  for (const tile of [2, 3, 4, 5]) {
    eagerAndJitted(byTiles(tile), [x, kernel, dy], (found, mode) => {
      assertClose(found.y, y, FORWARD, `${mode} y, tiles of ${tile}`);
      assertClose(found.dx, nchwToNhwc(golden.dx), GRADIENT, `${mode} dx, tiles of ${tile}`);
      assertClose(found.dKernel, oihwToHwio(golden.dweight), GRADIENT, `${mode} dweight, tiles of ${tile}`);
    });
  }
});

tidyTest("winograd: what the direct convolution gives, on maps that no tile fits", () => {
  for (const shape of [[1, 1, 1, 2, 3], [3, 2, 9, 5, 4], [2, 7, 5, 3, 8], [2, 14, 11, 16, 2]]) {
    const args = draw(shape);
    const { y, dx, dKernel } = direct(...args);
    for (const tile of [2, 4, 5]) {
      const found = byTiles(tile)(...args);
      assertClose(found.y, y, FORWARD, `y of ${shape}, tiles of ${tile}`);
      assertClose(found.dx, dx, FORWARD, `dx of ${shape}, tiles of ${tile}`);
      assertClose(found.dKernel, dKernel, FORWARD, `dKernel of ${shape}, tiles of ${tile}`);
    }
  }
});

tidyTest("winograd: tiles of 2 round at most twice as much in bfloat16 as the direct convolution", () => {
  const args = draw([4, 14, 14, 64, 64]);
  const exact = direct(...args);
  const error = (name: "y" | "dx" | "dKernel", found: typeof exact): number => {
    const rootMeanSquare = (t: tf.Tensor) => tf.sqrt(tf.mean(tf.square(t))).dataSync()[0];
    return rootMeanSquare(tf.sub(found[name], exact[name])) / rootMeanSquare(exact[name]);
  };
  const [ours, theirs] = [byTiles(2), direct].map((fn) => jit(fn, { precision: "bfloat16" })).map(
    (compiled) => {
      const found = compiled(...args);
      compiled.dispose();
      return found;
    },
  );
  for (const name of ["y", "dx", "dKernel"] as const) {
    const [a, b] = [error(name, ours), error(name, theirs)];
    assert(b > 1e-3 && a < 2.2 * b, `${name}: ${a} against ${b}`);
  }
});
