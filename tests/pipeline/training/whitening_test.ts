/** The whitening kernel, by what it is for: what comes out of it over the images that it was made from. */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { createDataset, type Dataset } from "../../../pipeline/data/dataset.ts";
import { whiteningKernel } from "../../../pipeline/training/whitening.ts";
import type { ChannelStats } from "../../../pipeline/transforms/transforms.ts";
import { madeData } from "../../made_data.ts";

const FILTERS = 24;

/** Upright waves only: neighbours beside and above one another are related differently, so axes cannot be mixed up. */
function uprightWaves(): Dataset {
  const { train } = madeData({ images: 400, size: 8 });
  return { ...train, indices: train.indices.filter((index) => train.labels[index] === 0) };
}

/** Mean and deviation by channel of the members' pixels, on the scale 0 to 1. */
function statsOf({ images, indices, imageShape: [height, width] }: Dataset): ChannelStats {
  const values = [0, 1, 2].map((c) =>
    [...indices].flatMap((index) =>
      Array.from({ length: height * width }, (_, i) => images[(index * height * width + i) * 3 + c] / 255)
    )
  );
  const mean = values.map((channel) => channel.reduce((sum, value) => sum + value, 0) / channel.length);
  const std = values.map((channel, c) =>
    Math.sqrt(channel.reduce((sum, value) => sum + (value - mean[c]) ** 2, 0) / channel.length)
  );
  return { mean, std };
}

/** Outputs `[patches][24]` of a 2 x 2 convolution with stride 2 over the members, the kernel row-major `[2, 2, 3, 24]`. */
function convolve(dataset: Dataset, { mean, std }: ChannelStats, kernel: Float32Array): number[][] {
  const { images, indices, imageShape: [height, width] } = dataset;
  const outputs: number[][] = [];
  for (const index of indices) {
    for (let y = 0; y < height; y += 2) {
      for (let x = 0; x < width; x += 2) {
        const output = new Array<number>(FILTERS).fill(0);
        for (const [dy, dx] of [[0, 0], [0, 1], [1, 0], [1, 1]]) {
          for (let c = 0; c < 3; c++) {
            const pixel = images[((index * height + y + dy) * width + x + dx) * 3 + c];
            const value = (pixel / 255 - mean[c]) / std[c];
            for (let f = 0; f < FILTERS; f++) {
              output[f] += value * kernel[((dy * 2 + dx) * 3 + c) * FILTERS + f];
            }
          }
        }
        outputs.push(output);
      }
    }
  }
  return outputs;
}

/** Mean product of two columns. */
function moment(outputs: readonly number[][], i: number, j: number): number {
  return outputs.reduce((sum, output) => sum + output[i] * output[j], 0) / outputs.length;
}

Deno.test("whiteningKernel: the outputs are uncorrelated, of unit variance; the second half is the first negated", () => {
  const dataset = uprightWaves();
  const stats = statsOf(dataset);
  const kernel = whiteningKernel(dataset, stats);
  assertEquals(kernel.length, 2 * 2 * 3 * FILTERS);
  const outputs = convolve(dataset, stats, kernel);
  assertEquals(outputs.length, 100 * 16);
  for (let i = 0; i < 12; i++) {
    // eigenvalue / (eigenvalue + 5e-4), and the noise keeps every eigenvalue above 0.3.
    const variance = moment(outputs, i, i);
    assert(variance < 1 && variance > 0.998, `variance ${variance} of filter ${i}`);
    for (let j = 0; j < i; j++) assertAlmostEquals(moment(outputs, i, j), 0, 1e-5, `filters ${i} and ${j}`);
    // Centred: the mean of each place in the patch is near that of its channel.
    const mean = outputs.reduce((sum, output) => sum + output[i], 0) / outputs.length;
    assertAlmostEquals(mean, 0, 0.1, `mean of filter ${i}`);
    for (const [p, output] of outputs.entries()) assertEquals(output[i + 12], -output[i], `patch ${p}`);
  }
});

Deno.test("whiteningKernel: directions without variance are not blown up", () => {
  // One colour an image: a patch has 3 directions with variance and 9 without.
  const dataset = createDataset({
    images: Uint8Array.from(
      { length: 64 * 4 * 4 * 3 },
      (_, i) => ((i / 48 | 0) * [37, 101, 59][i % 3]) % 256,
    ),
    labels: new Uint8Array(64),
    imageShape: [4, 4, 3],
    classes: ["one"],
  });
  const stats = statsOf(dataset);
  const outputs = convolve(dataset, stats, whiteningKernel(dataset, stats));
  const variances = Array.from({ length: 12 }, (_, i) => moment(outputs, i, i)).sort((a, b) => a - b);
  for (const variance of variances.slice(0, 9)) assertAlmostEquals(variance, 0, 1e-9);
  for (const variance of variances.slice(9)) assertAlmostEquals(variance, 1, 1e-3);
  // The weights of a direction without variance have the length 1 / sqrt(5e-4).
  const kernel = whiteningKernel(dataset, stats);
  const lengths = Array.from(
    { length: 12 },
    (_, f) =>
      Math.sqrt(Array.from({ length: 12 }, (_, k) => kernel[k * FILTERS + f] ** 2).reduce((a, b) => a + b)),
  );
  assertAlmostEquals(Math.max(...lengths), 1 / Math.sqrt(5e-4), 1e-3);
});

Deno.test("whiteningKernel: made from the members only, and the same every time", () => {
  const { train } = madeData({ images: 80, size: 8 });
  const stats = statsOf(train);
  const half = { ...train, indices: train.indices.filter((_, i) => i % 2 === 0) };
  const alone = createDataset({
    ...train,
    images: Uint8Array.from(
      [...half.indices].flatMap((i) => [...train.images.subarray(i * 192, (i + 1) * 192)]),
    ),
    labels: Uint8Array.from(half.indices, (i) => train.labels[i]),
  });
  assertEquals(whiteningKernel(half, stats), whiteningKernel(alone, stats));
  assertEquals(whiteningKernel(train, stats), whiteningKernel(train, stats));
  assert(whiteningKernel(train, stats)[0] !== whiteningKernel(half, stats)[0]);
});
