/** Convolution: PyTorch's values, shapes, refusals, and that the algorithm that was chosen is the one that runs. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { runtime } from "../../../runtime/binding/backend.ts";
import { profile } from "../../../runtime/compile/profile.ts";
import { biasAdd, conv2d, jit, tf } from "../../../runtime/mod.ts";
import goldens from "../../data/golden/conv2d.json" with { type: "json" };
import { assertClose, FORWARD, GRADIENT, nchwToNhwc, oihwToHwio } from "../../reference.ts";
import {
  conv2dAndGradients,
  eagerAndJitted,
  gradients,
  images,
  tidyTest,
  toTensor,
  uniform,
} from "../harness.ts";

const test = (name: string, fn: () => void): void => tidyTest(`conv2d: ${name}`, fn);

for (const golden of goldens) {
  const { stride, padding, weight } = golden;
  const [out, , kernelSize] = weight.shape;
  const name = `${kernelSize}x${kernelSize} to ${out} channels, stride ${stride}, padding ${padding}` +
    (golden.bias === null ? "" : ", with bias");
  test(`PyTorch's ${name}`, () => {
    const x = toTensor<tf.Tensor4D>(nchwToNhwc(golden.x));
    const kernel = toTensor<tf.Tensor4D>(oihwToHwio(weight));
    const dy = toTensor<tf.Tensor4D>(nchwToNhwc(golden.dy));
    // PyTorch's layer has no bias where the file says null: a zero one changes nothing.
    const bias = golden.bias === null ? tf.zeros<tf.Rank.R1>([out]) : toTensor<tf.Tensor1D>(golden.bias);
    const layer = (x: tf.Tensor4D, kernel: tf.Tensor4D, bias: tf.Tensor1D): tf.Tensor4D =>
      biasAdd(conv2d(x, kernel, { stride, padding }), bias);
    eagerAndJitted(layer, [x, kernel, bias], (y, mode) => {
      assertClose(y, nchwToNhwc(golden.y), FORWARD, `${mode} y`);
    });
    const backward = (x: tf.Tensor4D, kernel: tf.Tensor4D, bias: tf.Tensor1D, dy: tf.Tensor4D) =>
      gradients(layer, [x, kernel, bias], [dy]);
    eagerAndJitted(backward, [x, kernel, bias, dy], ([dx, dKernel, dBias], mode) => {
      assertClose(dx, nchwToNhwc(golden.dx), GRADIENT, `${mode} dx`);
      assertClose(dKernel, oihwToHwio(golden.dweight), GRADIENT, `${mode} dweight`);
      if (golden.dbias !== null) assertClose(dBias, golden.dbias, GRADIENT, `${mode} dbias`);
    });
  });
}

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
    const y = conv2d(images(1, size, size, 1), images(kernelSize, kernelSize, 1, 2), { stride, padding });
    assertEquals(y.shape, [1, expected, expected, 2]);
  }
});

test("the filter gradient of a strided 1x1 convolution is right for any number of channels, call after call", () => {
  for (const padding of [0, 1]) {
    for (const channels of [1, 2, 3, 4, 5, 6, 7, 8, 12, 15, 16, 17, 32]) {
      const x = uniform<tf.Tensor4D>(1, 2, 8, 8, channels);
      const kernel = uniform<tf.Tensor4D>(2, 1, 1, channels, 8);
      const size = 4 + padding;
      const dy = uniform<tf.Tensor4D>(3, 2, size, size, 8);
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

test("refuses a kernel for another number of channels, and names both", () => {
  assertThrows(
    () => conv2d(images(1, 4, 4, 3), images(3, 3, 2, 5), { stride: 1, padding: 1 }),
    TypeError,
    "conv2d: image [1,4,4,3] has 3 channels, kernel [3,3,2,5] takes 2",
  );
});

test("refuses windows that make no sense", () => {
  for (const window of [{ stride: 0, padding: 1 }, { stride: 1.5, padding: 1 }, { stride: 1, padding: -1 }]) {
    assertThrows(() => conv2d(images(1, 4, 4, 1), images(3, 3, 1, 1), window), RangeError, "conv2d: ");
  }
});

test("takes Winograd's inside jit, where the processor is one that it was measured on", () => {
  const layer = conv2dAndGradients({ stride: 1, padding: 1 });
  const args: Parameters<typeof layer> = [
    uniform(1, 2, 8, 8, 128),
    uniform(2, 3, 3, 128, 128),
    uniform(3, 2, 8, 8, 128),
  ];
  const { cpu, binding } = runtime();
  const isMeasured = ["AVX2", "AVX-512", "AMX"].includes(cpu.instructions) && !binding.isUsingGpuDevice();
  const ops = profile(layer, args, { runs: 1 }).nodes.map(({ op }) => op);
  assertEquals(ops.some((op) => /Conv2D/.test(op)), !isMeasured, `${ops}`);
  const exact = layer(...args);
  eagerAndJitted(layer, args, (found, mode) => {
    for (const name of ["y", "dx", "dKernel"] as const) {
      assertClose(found[name], exact[name], FORWARD, `${mode} ${name}`);
    }
  });
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
