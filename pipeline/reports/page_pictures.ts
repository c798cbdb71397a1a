/** The pictures of a page about a run: images side by side, and where the network sees what it takes them for. */
import { UsageError } from "../../runtime/system/errors.ts";
import type { Dataset } from "../data/dataset.ts";
import { directReader } from "../data/image_reader.ts";
import { CHANNELS, type Picture } from "../data/images/picture.ts";
import { longerSize, resizePicture } from "../data/images/resample.ts";
import { type Explainer, explainer } from "../inference/activation_map.ts";
import type { Mistake } from "../inference/answers.ts";
import type { TrainedModel } from "../inference/predict.ts";
import { drawActivationMap } from "./activation_map.ts";
import { sheetOf } from "./contact_sheet.ts";
import type { PicturedMistake } from "./page/report.ts";
import { jpegOf, pngOf } from "./picture_file.ts";

/** Images whose sides have so many pixels at the most are shown to the pixel. */
const SMALL = 64;

/** The longer side of what is shown of others, in pixels: of one of several side by side, and of one that stands alone. */
const [STRIP_SIDE, SIDE] = [64, 160];

/** The longer side of a map, in pixels, however small the image. */
const MAP_SIDE = 128;

/**
 * Images as they are read, side by side. Needs `tf.ready()` first.
 * @param members At least one.
 * @param columns Room for so many.
 * @returns The bytes of a PNG or JPEG file.
 */
export function stripOf(
  dataset: Dataset,
  members: readonly number[],
  columns: number,
): Promise<Uint8Array> {
  const pictures = members.map((member) => pictureOf(dataset, member, STRIP_SIDE));
  const [{ width, height }] = pictures;
  const values = new Uint8Array(pictures.length * pictures[0].pixels.length);
  pictures.forEach(({ pixels }, i) => values.set(pixels, i * pixels.length));
  const shape = [pictures.length, height, width, CHANNELS] as const;
  return fileOf(dataset, sheetOf({ values, shape }, { range: [0, 255], columns, gap: 0 }));
}

/** Wrong answers with what there is to see of each. */
export interface PicturedMistakes {
  /** In their order. */
  readonly mistakes: readonly PicturedMistake[];
  /** How the maps were made; missing where the network has none. */
  readonly mapKind?: Explainer["kind"];
}

/**
 * The pictures of wrong answers, and where the network sees what it took each for. Needs `tf.ready()` first.
 * @param trained Not disposed.
 * @param dataset The images that it was asked about.
 */
export async function picturedMistakes(
  trained: TrainedModel,
  dataset: Dataset,
  mistakes: readonly Mistake[],
): Promise<PicturedMistakes> {
  const maps = explainerOf(trained);
  try {
    const pictured: PicturedMistake[] = [];
    for (const mistake of mistakes) {
      const member = dataset.indices[mistake.image];
      pictured.push({
        ...mistake,
        picture: await fileOf(dataset, pictureOf(dataset, member, SIDE)),
        ...(maps && { map: await mapOf(maps, dataset, member, mistake.guess) }),
        ...(dataset.files && { file: dataset.files[member] }),
      });
    }
    return { mistakes: pictured, ...(maps && { mapKind: maps.kind }) };
  } finally {
    maps?.dispose();
  }
}

/** What draws maps; nothing if the network has none. */
function explainerOf(trained: TrainedModel): Explainer | undefined {
  try {
    return explainer(trained);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
  }
}

/** Where the network sees a class in an image: the bytes of a file. */
function mapOf({ explain }: Explainer, dataset: Dataset, member: number, label: number): Promise<Uint8Array> {
  const image = pictureOf(dataset, member);
  const picture = resizePicture(image, longerSize(image, MAP_SIDE));
  const { width, height } = picture;
  return jpegOf(drawActivationMap(picture, explain(image.pixels, label), { left: 0, top: 0, width, height }));
}

/** An image as it is read, its longer side of `most` pixels at the most. */
function pictureOf(dataset: Dataset, member: number, most = Infinity): Picture {
  const [height, width] = dataset.imageShape;
  const picture = { width, height, pixels: directReader(dataset).image(member) };
  return Math.max(width, height) <= most ? picture : resizePicture(picture, longerSize(picture, most));
}

function isSmall({ imageShape: [height, width] }: Pick<Dataset, "imageShape">): boolean {
  return Math.max(height, width) <= SMALL;
}

/** An image as it is read: the bytes of a PNG or JPEG file. Needs `tf.ready()` first. */
export function imageFile(dataset: Dataset, member: number): Promise<Uint8Array> {
  return fileOf(dataset, pictureOf(dataset, member));
}

/** Small images to the pixel, others as small files. */
async function fileOf(dataset: Dataset, picture: Picture): Promise<Uint8Array> {
  return isSmall(dataset) ? pngOf(picture) : await jpegOf(picture);
}
