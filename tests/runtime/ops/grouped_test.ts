/** Convolution in groups, its values and gradients against the sums that define it. */
import { assertEquals, assertThrows } from "@std/assert";
import { conv2d, tf } from "../../../runtime/mod.ts";
import { assertClose, FORWARD, GRADIENT } from "../../reference.ts";
import { eagerAndJitted, gradients, tidyTest, uniform } from "../harness.ts";

interface Case {
  readonly x: [n: number, height: number, width: number, channels: number];
  readonly kernel: [height: number, width: number, channels: number, filters: number];
  readonly groups: number;
  readonly stride: number;
  readonly padding: number;
}

/** Every product of the convolution: what it reads of image and kernel, and where it goes. */
function* products({ x: [n, height, width, channels], kernel, groups, stride, padding }: Case) {
  const [kernelHeight, kernelWidth, perGroup, filters] = kernel;
  const rows = Math.floor((height + 2 * padding - kernelHeight) / stride) + 1;
  const columns = Math.floor((width + 2 * padding - kernelWidth) / stride) + 1;
  for (let image = 0; image < n; image++) {
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        for (let filter = 0; filter < filters; filter++) {
          const group = Math.floor(filter / (filters / groups));
          for (let i = 0; i < kernelHeight; i++) {
            for (let j = 0; j < kernelWidth; j++) {
              const [r, c] = [row * stride + i - padding, column * stride + j - padding];
              if (r < 0 || c < 0 || r >= height || c >= width) continue;
              for (let channel = 0; channel < perGroup; channel++) {
                yield {
                  x: ((image * height + r) * width + c) * channels + group * perGroup + channel,
                  kernel: ((i * kernelWidth + j) * perGroup + channel) * filters + filter,
                  y: ((image * rows + row) * columns + column) * filters + filter,
                };
              }
            }
          }
        }
      }
    }
  }
}

const cases: Record<string, Case> = {
  "two groups": { x: [2, 5, 6, 16], kernel: [3, 3, 8, 6], groups: 2, stride: 1, padding: 1 },
  "groups of few channels, which share a convolution": {
    x: [2, 5, 5, 24],
    kernel: [3, 3, 2, 12],
    groups: 12,
    stride: 2,
    padding: 1,
  },
  "three groups, which cannot share": {
    x: [1, 4, 4, 6],
    kernel: [1, 1, 2, 3],
    groups: 3,
    stride: 1,
    padding: 0,
  },
  "a channel each": { x: [2, 6, 5, 8], kernel: [3, 2, 1, 16], groups: 8, stride: 1, padding: 0 },
};

for (const [name, each] of Object.entries(cases)) {
  tidyTest(`conv2d in groups: ${name}`, () => {
    const { groups, stride, padding } = each;
    const convolve = (x: tf.Tensor4D, kernel: tf.Tensor4D) => conv2d(x, kernel, { stride, padding, groups });
    const [x, kernel] = [uniform<tf.Tensor4D>(1, ...each.x), uniform<tf.Tensor4D>(2, ...each.kernel)];
    const { shape } = convolve(x, kernel);
    const dy = uniform(3, ...shape);
    const [xs, ks, dys] = [x, kernel, dy].map((tensor) => tensor.dataSync());
    const wanted = [shape, each.x, each.kernel].map((shape) => ({
      shape,
      data: Array(tf.util.sizeFromShape(shape)).fill(0),
    }));
    for (const at of products(each)) {
      wanted[0].data[at.y] += xs[at.x] * ks[at.kernel];
      wanted[1].data[at.x] += dys[at.y] * ks[at.kernel];
      wanted[2].data[at.kernel] += dys[at.y] * xs[at.x];
    }
    eagerAndJitted(convolve, [x, kernel], (y) => assertClose(y, wanted[0], FORWARD, "y"));
    const both = (x: tf.Tensor4D, kernel: tf.Tensor4D) => gradients(convolve, [x, kernel], [dy]);
    eagerAndJitted(both, [x, kernel], ([dx, dKernel]) => {
      assertClose(dx, wanted[1], GRADIENT, "dx");
      assertClose(dKernel, wanted[2], GRADIENT, "dKernel");
    });
  });
}

tidyTest(
  "conv2d in groups: refuses channels and filters that do not go into groups, and groups that are none",
  () => {
    const convolve = (groups: number, channels: number, filters: number) => () =>
      conv2d(tf.zeros([1, 4, 4, 6]), tf.zeros([3, 3, channels, filters]), { stride: 1, padding: 1, groups });
    assertThrows(
      convolve(2, 6, 4),
      TypeError,
      "image [1,4,4,6] has 6 channels, kernel [3,3,6,4] in 2 groups takes 12",
    );
    assertThrows(
      convolve(2, 3, 5),
      TypeError,
      "kernel [3,3,3,5] in 2 groups takes 6 and cannot divide 5 filters",
    );
    assertThrows(convolve(0, 6, 4), RangeError, "conv2d: groups 0 is not a whole number from 1");
    assertEquals(convolve(3, 2, 9)().shape, [1, 4, 4, 9]);
  },
);
