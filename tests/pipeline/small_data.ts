/** Small made data sets for tests. */
import { createDataset, type Data, type Dataset } from "../../pipeline/data/dataset.ts";

/** `count` images `[height, width, 3]` with labels 0, 1, 2, 0, 1, 2, ... Every byte is different from its neighbours. */
export function smallDataset(count: number, height = 4, width = height): Dataset {
  return createDataset({
    images: Uint8Array.from({ length: count * height * width * 3 }, (_, i) => (i * 37 + (i >> 5) * 11) % 256),
    labels: Uint8Array.from({ length: count }, (_, i) => i % 3),
    imageShape: [height, width, 3],
    classes: ["ant", "bee", "cow"],
  });
}

/** Train and test, not split yet. */
export function smallData(train: number, test = 2, side = 4): Data {
  return { train: smallDataset(train, side), test: smallDataset(test, side) };
}
