/** A trained network as a page, with pictures of its run's data where they are there. */
import { type Dataset, inputProblem } from "../../pipeline/data/mod.ts";
import { predictor, type TrainedModel } from "../../pipeline/inference/mod.ts";
import {
  type GalleryImage,
  loadClassifier,
  networkIn,
  pageFacts,
  pageHtml,
  pageNetwork,
} from "../../pipeline/page/mod.ts";
import { firstImages } from "../../pipeline/reports/contact_sheet.ts";
import { imageFile } from "../../pipeline/reports/page_pictures.ts";
import { whole } from "../../pipeline/reports/page/texts.ts";
import { loadModel, readRunInfo } from "../../pipeline/runs/mod.ts";
import { configure, tf } from "../../runtime/mod.ts";
import { formatBytes } from "../../runtime/system/bytes.ts";
import { UsageError } from "../../runtime/system/errors.ts";
import { explainFileErrors } from "../../runtime/system/file_errors.ts";
import { writeFileAtomic } from "../../runtime/system/files.ts";
import type { Progress } from "../../runtime/system/progress.ts";
import { checkAnswers, compareAnswers, comparisonText, TOLERANCE } from "./export_check.ts";
import { printUse } from "./next.ts";
import { CHECKED, isRun, noiseImages, spread, testImages } from "./export_images.ts";

/** How many pictures there are to try. */
const GALLERY = 36;

/** What is written, and from what. */
export interface PageFlags {
  /** Folder of a run, or a model's file. */
  readonly source: string;
  /** The page. */
  readonly path: string;
  /** Folder of the data set; the run's unless given. */
  readonly data: string | undefined;
  /** Whether the weights are of 16 bits. */
  readonly float16: boolean;
}

/**
 * Writes a page and checks it: its program and its weights, run here, beside the network itself.
 * @throws {UsageError} If the network takes no pictures.
 * @throws {UserError} If it cannot be written as a page, or the page says something else.
 */
export async function writePage(
  { source, path, data, float16 }: PageFlags,
  progress: Progress,
): Promise<void> {
  configure({ progress });
  await tf.ready();
  const trained = await loadModel(source, { progress });
  const problem = inputProblem(trained);
  if (problem !== undefined) {
    throw new UsageError(`Cannot make a page of ${trained.model.name}: ${problem}`);
  }
  const test = await testImages(source, trained, data, progress);
  const info = await isRun(source) ? await readRunInfo(source) : undefined;
  const page = await pageHtml({
    name: trained.model.name,
    network: pageNetwork(trained, { float16 }),
    facts: pageFacts({ ...trained, info, images: test?.trainedOn }),
    gallery: test === undefined ? [] : await galleryOf(test.images),
    galleryOf: test === undefined ? "" : `${whole(test.images.indices.length)} ${test.part} images`,
  });
  await explainFileErrors(
    `Cannot write ${path}`,
    "choose another place with --out",
    () => writeFileAtomic(path, page),
  );
  const some = test === undefined ? noiseImages(trained) : spread(test.images, CHECKED);
  const { found, expected } = await answers(await Deno.readTextFile(path), trained, some);
  tf.dispose([trained.variables.params, trained.variables.batchStats]);
  const checked = compareAnswers(found, expected, trained.model.output.shape[0]);
  const what = test === undefined ? "images of noise" : "images";
  console.log(`page: ${path} ${formatBytes(page.length)}, ${comparisonText(checked, what)}`);
  checkAnswers(path, checked, expected, TOLERANCE[float16 ? "float16" : "float32"]);
  printUse("Use", `open ${path} in a browser`);
}

async function galleryOf(images: Dataset): Promise<GalleryImage[]> {
  const gallery: GalleryImage[] = [];
  for (const member of spread(images, GALLERY).indices) {
    gallery.push({ file: await imageFile(images, member), label: images.labels[member] });
  }
  return gallery;
}

/** The probabilities of images, `[n * classes]`, by a page's own program and by the network. */
async function answers(
  page: string,
  trained: TrainedModel,
  dataset: Dataset,
): Promise<{ found: Float32Array; expected: Float32Array }> {
  const { values, shape: [count, height, width, channels] } = firstImages(
    { ...dataset, transforms: [] },
    dataset.indices.length,
  );
  const { classify, dispose } = await loadClassifier(networkIn(page));
  const found: number[] = [];
  for (let image = 0; image < count; image++) {
    // Of a grey image each value three times.
    const pixels = Uint8Array.from({ length: height * width * 3 }, (_, i) => {
      const [pixel, channel] = [Math.floor(i / 3), channels === 1 ? 0 : i % 3];
      return values[(image * height * width + pixel) * channels + channel];
    });
    found.push(...(await classify({ width, height, pixels })).probabilities);
  }
  dispose();
  const own = predictor(trained);
  const tensor = own.probabilities(dataset);
  const expected = tensor.dataSync<"float32">();
  tensor.dispose();
  own.dispose();
  return { found: Float32Array.from(found), expected };
}
