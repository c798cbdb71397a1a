import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { createDataset } from "../../../pipeline/data/dataset.ts";
import { pipe } from "../../../pipeline/pipe.ts";
import { pixelStatistics } from "../../../pipeline/reports/statistics.ts";
import { augment, normalize, resize } from "../../../pipeline/transforms/transforms.ts";
import { liveHandles, tf } from "../../../runtime/mod.ts";
import { canLoadTensorFlow } from "../../needs.ts";
import { smallData } from "../small_data.ts";

/** Three images of 1 x 2 pixels. */
const dataset = createDataset({
  images: Uint8Array.of(10, 0, 5, 20, 0, 7, 30, 255, 5, 40, 255, 7, 99, 99, 99, 99, 99, 99),
  labels: Uint8Array.of(0, 0, 0),
  imageShape: [1, 2, 3],
  classes: ["x"],
});

Deno.test("pixelStatistics by hand, over the first images", () => {
  const { images, min, max, mean, std, milliseconds } = pixelStatistics(dataset, { images: 2 });
  assertEquals({ images, min, max, mean, milliseconds }, {
    images: 2,
    min: [10, 0, 5],
    max: [40, 255, 7],
    mean: [25, 127.5, 6],
    milliseconds: [],
  });
  // Variances: (15^2 + 5^2 + 5^2 + 15^2) / 4 = 125, 127.5^2, 1.
  assertAlmostEquals(std[0], Math.sqrt(125), 1e-12);
  assertEquals([std[1], std[2]], [127.5, 1]);
});

Deno.test("pixelStatistics takes all members by default, and only members", () => {
  const { images, mean } = pixelStatistics({ ...dataset, indices: Uint32Array.of(2) });
  assertEquals({ images, mean }, { images: 1, mean: [99, 99, 99] });
});

Deno.test("pixelStatistics refuses a number of images that is not there", () => {
  for (const images of [0, 4, 1.5]) {
    assertThrows(
      () => pixelStatistics(dataset, { images }),
      RangeError,
      `pixelStatistics: images must be an integer from 1 to 3, found ${images}`,
    );
  }
});

Deno.test({
  name:
    "pixelStatistics of images normalised by their own statistics are mean 0 and deviation 1, in chunks too",
  ignore: !canLoadTensorFlow,
  async fn() {
    await tf.ready();
    const before = [tf.memory().numTensors, liveHandles()];
    const raw = smallData(40);
    const plain = pixelStatistics(raw.train);
    const stats = {
      mean: plain.mean.map((mean) => mean / 255),
      std: plain.std.map((std) => std / 255),
    };
    // 200 x 200 makes a chunk hold 8 of the 40 images.
    const data = pipe(raw, resize(200), resize(4), augment({ flip: true, crop: 1 }), normalize(stats));
    const same = pixelStatistics({ ...data.train, transforms: data.train.transforms.slice(3) });
    for (const channel of [0, 1, 2]) {
      assertAlmostEquals(same.mean[channel], 0, 1e-6);
      assertAlmostEquals(same.std[channel], 1, 1e-6);
      const lowest = (plain.min[channel] - plain.mean[channel]) / plain.std[channel];
      assertAlmostEquals(same.min[channel], lowest, 1e-5);
    }
    const { images, milliseconds, mean } = pixelStatistics(resize(200)(raw).train);
    assertEquals([images, milliseconds.length], [40, 1]);
    // A bilinear resize to a multiple of the size weighs inner pixels alike, and edge pixels by little more or less.
    for (const channel of [0, 1, 2]) assertAlmostEquals(mean[channel], plain.mean[channel], 3);
    assertEquals([tf.memory().numTensors, liveHandles()], before);
  },
});
