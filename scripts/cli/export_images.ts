/** The images that a written file is checked on. */
import { join } from "@std/path";
import {
  createDataset,
  type Dataset,
  type ImageSpec,
  isLikeCifar10,
  loadCifar,
  spreadPlaces,
} from "../../pipeline/data/mod.ts";
import { RUN_FILES } from "../../pipeline/runs/mod.ts";
import { type Progress, tf, UserError } from "../../runtime/mod.ts";
import { exists, isFolder } from "../../runtime/system/files.ts";
import { loadRun, type RunData } from "./run_data.ts";
import { dataFlag } from "./task.ts";

/** How many they are. */
export const CHECKED = 200;

/** Images that a network was not trained on. */
export interface TestImages {
  readonly images: Dataset;
  readonly part: RunData["part"];
  /** How many it was trained on, where that is known. */
  readonly trainedOn?: number;
}

/**
 * Those of a run's data, or for a model's file that was trained on CIFAR-10, its test images.
 * @param data Folder of the data set; the run's unless given.
 * @returns Nothing if they are not there; nothing is fetched for this.
 */
export async function testImages(
  source: string,
  trained: ImageSpec,
  data: string | undefined,
  progress: Progress,
): Promise<TestImages | undefined> {
  if (await isRun(source)) {
    try {
      const { images, part, data: { train } } = await loadRun({ run: source, data }, "Cannot check", {
        progress,
        start: tf.ready,
        load: (dir, progress) => loadCifar(dir, { progress }),
      });
      return { images, part, trainedOn: train.indices.length };
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      progress.message(error.message);
      return undefined;
    }
  }
  const dir = data ?? dataFlag.default;
  if (!isLikeCifar10(trained) || !await exists(join(dir, "test_batch.bin"))) return undefined;
  const { test } = await loadCifar(dir);
  return { images: { ...test!, transforms: trained.transforms }, part: "test" };
}

/** Whether a path is a run's folder, not a model's file alone. */
export async function isRun(source: string): Promise<boolean> {
  return await isFolder(source) && await exists(join(source, RUN_FILES.info));
}

/** As many as are checked, where there are none. */
export function noiseImages({ imageShape, classes, transforms }: ImageSpec): Dataset {
  const noise = tf.tidy(() => tf.randomUniform([CHECKED, ...imageShape], 0, 256, "int32", 1).dataSync());
  const labels = new Uint8Array(CHECKED);
  return createDataset({ images: Uint8Array.from(noise), labels, imageShape, classes, transforms });
}

/** So many members of a data set, evenly spread over it. */
export function spread(dataset: Dataset, most: number): Dataset {
  const { indices } = dataset;
  const places = spreadPlaces(Math.min(most, indices.length), indices.length);
  return { ...dataset, indices: Uint32Array.from(places, (place) => indices[place]) };
}
