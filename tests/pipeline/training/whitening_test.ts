/** The whitening kernel, by what it is for: what comes out of it over the images that it was made from. */
import { assert, assertAlmostEquals, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { fastResnet, init, resnet } from "../../../layers/mod.ts";
import { createDataset, type Dataset } from "../../../pipeline/data/dataset.ts";
import { whiten, whiteningKernel } from "../../../pipeline/training/whitening.ts";
import type { ChannelStats } from "../../../pipeline/transforms/transforms.ts";
import { tree } from "../../../runtime/mod.ts";
import { UsageError } from "../../../runtime/system/errors.ts";
import { madeData } from "../../made_data.ts";
import { leakTest } from "../../runtime/harness.ts";

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

/** The same images, resized if asked for and then normalised. */
function normalized(
  dataset: Dataset,
  stats: ChannelStats,
  resize?: { size: number; quantize: boolean },
): Dataset {
  const first = resize === undefined ? [] : [{ kind: "resize", ...resize } as const];
  return { ...dataset, transforms: [...first, { kind: "normalize", ...stats }] };
}

/** Pixels of a set, whole numbers or not. */
type Pixels = Pick<Dataset, "indices" | "imageShape"> & { readonly images: ArrayLike<number> };

/** Outputs `[patches][24]` of a 2 x 2 convolution with stride 2 over the members, the kernel row-major `[2, 2, 3, 24]`. */
function convolve(
  { images, indices, imageShape: [height, width] }: Pixels,
  { mean, std }: ChannelStats,
  kernel: Float32Array,
): number[][] {
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
  const kernel = whiteningKernel(normalized(dataset, stats));
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
  const outputs = convolve(dataset, stats, whiteningKernel(normalized(dataset, stats)));
  const variances = Array.from({ length: 12 }, (_, i) => moment(outputs, i, i)).sort((a, b) => a - b);
  for (const variance of variances.slice(0, 9)) assertAlmostEquals(variance, 0, 1e-9);
  for (const variance of variances.slice(9)) assertAlmostEquals(variance, 1, 1e-3);
  // The weights of a direction without variance have the length 1 / sqrt(5e-4).
  const kernel = whiteningKernel(normalized(dataset, stats));
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
  const kernelOf = (dataset: Dataset) => whiteningKernel(normalized(dataset, stats));
  assertEquals(kernelOf(half), kernelOf(alone));
  assertEquals(kernelOf(train), kernelOf(train));
  assert(kernelOf(train)[0] !== kernelOf(half)[0]);
});

/**
 * The images at twice their size: between two pixels a quarter and three quarters of the way, at the edge the pixel
 * itself, first along the rows and then along the columns. `round` is what each pass puts a value through.
 */
function doubled({ images, indices, imageShape: [size] }: Dataset, round: (value: number) => number): Pixels {
  const side = 2 * size;
  const pixels = new Float64Array(images.length * 4);
  const near = (i: number): [number, number] => {
    const other = i % 2 === 0 ? i / 2 - 1 : (i + 1) / 2;
    return [Math.floor(i / 2), Math.min(Math.max(other, 0), size - 1)];
  };
  for (let image = 0; image < images.length / (size * size * 3); image++) {
    for (let c = 0; c < 3; c++) {
      const stored = (y: number, x: number) => images[((image * size + y) * size + x) * 3 + c];
      for (let x = 0; x < side; x++) {
        const [a, b] = near(x);
        const column = Array.from(
          { length: size },
          (_, y) => round(0.75 * stored(y, a) + 0.25 * stored(y, b)),
        );
        for (let y = 0; y < side; y++) {
          const [a, b] = near(y);
          pixels[((image * side + y) * side + x) * 3 + c] = round(0.75 * column[a] + 0.25 * column[b]);
        }
      }
    }
  }
  return { images: pixels, indices, imageShape: [side, side, 3] };
}

leakTest("whiteningKernel: resized images are looked at as they reach the network", () => {
  const dataset = uprightWaves();
  const stats = statsOf(dataset);
  // Rounded to whole pixel values they can be stored, and there is nothing left to differ in.
  const stored = doubled(dataset, (value) => Math.floor(value + 0.5));
  const kept = { ...dataset, ...stored, images: Uint8Array.from(stored.images) };
  const kernel = whiteningKernel(normalized(dataset, stats, { size: 16, quantize: true }));
  assertEquals(kernel, whiteningKernel(normalized(kept, stats)));
  assert(
    kernel[0] !== whiteningKernel(normalized(dataset, stats))[0],
    "another than that of the stored images",
  );

  const exact = whiteningKernel(normalized(dataset, stats, { size: 16, quantize: false }));
  const outputs = convolve(doubled(dataset, (value) => value), stats, exact);
  for (let i = 0; i < 12; i++) {
    // Of the length 1 / sqrt(eigenvalue + 5e-4): what is left is eigenvalue / (eigenvalue + 5e-4).
    const square = Array.from({ length: 12 }, (_, k) => exact[k * FILTERS + i] ** 2).reduce((a, b) => a + b);
    assertAlmostEquals(moment(outputs, i, i), 1 - 5e-4 * square, 1e-4, `variance of filter ${i}`);
    for (let j = 0; j < i; j++) assertAlmostEquals(moment(outputs, i, j), 0, 1e-4, `filters ${i} and ${j}`);
  }
});

leakTest(
  "whiten: the first layer's kernel is replaced and its bias zero, everything else is as given",
  () => {
    const dataset = normalized(madeData({ images: 20, size: 20 }).train, { mean: [0, 0, 0], std: [1, 1, 1] });
    const model = fastResnet({ inputSize: 20, widths: [2, 2, 2] });
    const given = init(model, 1);
    const whitened = whiten(model, given, dataset);
    assertEquals(whitened.params["stem.0.weight"].dataSync(), whiteningKernel(dataset));
    assertEquals([...whitened.params["stem.0.bias"].dataSync()], new Array(24).fill(0));
    assertEquals(Object.keys(whitened.params), Object.keys(given.params));
    for (const [path, tensor] of tree.entries(whitened)) {
      const [collection, name] = path as [keyof typeof given, string];
      if (name.startsWith("stem.0.")) assert(given[collection][name].isDisposed, name);
      else assertStrictEquals(tensor, given[collection][name], name);
    }
    tree.dispose(whitened);

    const shallow = resnet([1], { stem: "cifar", inputSize: 20, widths: [2] });
    const refused: [typeof model, Dataset, string][] = [
      [
        shallow,
        dataset,
        'Cannot whiten with "conv1.0.weight" of ResNet-4: its shape is [3,3,3,2], whitening patches of 3 channels ' +
        "needs [2,2,3,24]; set whiten to false, or build the network for it",
      ],
      [model, { ...dataset, transforms: [] }, "Cannot whiten: the images are not normalised"],
    ];
    for (const [model, dataset, message] of refused) {
      const variables = init(model, 1);
      const error = assertThrows(() => whiten(model, variables, dataset), UsageError);
      assertEquals(error.message, message);
      assert(
        tree.entries(variables).every(([, tensor]) => !tensor.isDisposed),
        "they are still the caller's",
      );
      tree.dispose(variables);
    }
  },
);
