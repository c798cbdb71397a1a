/** Convolutions of blocks of pixels: the direct one's values, and its gradients'. */
import { assertEquals } from "@std/assert";
import type { tf } from "../../../runtime/mod.ts";
import {
  blockConv2d,
  blockFilterGradient,
  blockInputGradient,
  fitsBlocks,
} from "../../../runtime/ops/blocks.ts";
import { directConv2d, directFilterGradient, directInputGradient } from "../../../runtime/ops/direct.ts";
import type { Convolution } from "../../../runtime/ops/geometry.ts";
import { assertClose, FORWARD } from "../../reference.ts";
import { tidyTest, uniform } from "../harness.ts";

type Case = [
  size: number,
  kernel: number,
  stride: number,
  padding: number,
  channels: number,
  rows: number,
  columns: number,
];

const convolutionOf = ([size, kernel, stride, padding, channels]: Case, columns = size): Convolution => ({
  stride,
  padding,
  xShape: [2, size, columns, channels],
  kernelShape: [kernel, kernel, channels, 5],
});

const CASES: readonly Case[] = [
  [32, 7, 2, 3, 3, 2, 2], // the tutorial's first layer
  [16, 3, 1, 1, 3, 1, 4], // that of a CIFAR ResNet
  [16, 3, 1, 1, 16, 1, 4],
  [8, 3, 1, 1, 2, 1, 2],
  [8, 3, 1, 1, 2, 2, 2],
  [12, 5, 1, 2, 1, 2, 2],
  [12, 7, 1, 3, 2, 3, 3],
];

tidyTest("blocks: the convolution and its gradients are the direct one's", () => {
  for (const each of CASES) {
    const [size, , , , , rows, columns] = each;
    const convolution = convolutionOf(each, 2 * size);
    const block = { rows, columns };
    const x = uniform<tf.Tensor4D>(size, ...convolution.xShape);
    const kernel = uniform<tf.Tensor4D>(1, ...convolution.kernelShape);
    const y = directConv2d(x, kernel, convolution);
    assertClose(blockConv2d(x, kernel, convolution, block), y, FORWARD, `y of ${each}`);
    const dy = uniform<tf.Tensor4D>(2, ...y.shape);
    const dx = directInputGradient(dy, kernel, convolution, { padsApart: true });
    assertClose(blockInputGradient(dy, kernel, convolution, block), dx, FORWARD, `dx of ${each}`);
    const dKernel = directFilterGradient(x, dy, convolution, { padsApart: true });
    assertClose(blockFilterGradient(x, dy, convolution, block), dKernel, FORWARD, `dKernel of ${each}`);
  }
});

Deno.test("blocks: they fit where they fill the image, and reach as far to either side", () => {
  const fits = (each: Case): boolean => fitsBlocks(convolutionOf(each), { rows: each[5], columns: each[6] });
  assertEquals(CASES.map(fits), CASES.map(() => true));
  const others: Case[] = [
    [30, 7, 2, 3, 3, 2, 2], // 30 rows are no blocks of 4
    [32, 7, 2, 3, 3, 1, 1], // two blocks to the left, one to the right
    [16, 3, 1, 1, 3, 1, 3],
    [16, 2, 1, 0, 3, 1, 4], // what it gives is no whole number of blocks
    [16, 3, 2, 1, 3, 1, 1],
    [12, 5, 1, 2, 1, 1, 2], // rows reach two blocks, columns one
  ];
  assertEquals(others.map(fits), others.map(() => false));
});
