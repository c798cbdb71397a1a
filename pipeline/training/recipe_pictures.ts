/** A folder of pictures as the data that a recipe is trained on. */
import { type Data, outputShape } from "../data/dataset.ts";
import type { PictureFolder } from "../data/folder.ts";
import {
  type LoadedPart,
  type LoadedPictures,
  type LoadOptions,
  loadPictures,
  pictureData,
} from "../data/load_pictures.ts";
import { isKept } from "../data/pictures.ts";
import { buildModel, type Recipe } from "./recipe.ts";

/** A folder of pictures, loaded for a recipe. */
export interface RecipePictures {
  /** Without the files that could not be decoded. */
  readonly folder: PictureFolder;
  /** What `prepare` takes. */
  readonly data: Data;
}

/**
 * Loads a folder of pictures as large as a recipe shows them: as its `crop` says; without one, pictures that all have one
 * square size as they are, and others as squares of the side that its network takes, from their middle.
 *
 * @throws {UserError} As `loadPictures` does.
 * @throws {UsageError} If the recipe's network cannot be built.
 */
export async function recipePictures(
  folder: PictureFolder,
  { network, transforms }: Pick<Recipe, "network" | "transforms">,
  options: Omit<LoadOptions, "keep">,
): Promise<RecipePictures> {
  const crop = transforms.find((step) => step.kind === "crop");
  const [height, width, channels] = buildModel(network).input.shape;
  const [side] = outputShape({ imageShape: [height, width, channels], transforms });
  const loaded = await loadPictures(folder, { ...options, keep: crop?.shorter ?? side });
  const data = crop === undefined && areAlike(loaded) ? pictureData(loaded) : pictureData(loaded, side);
  return { folder: loaded.folder, data };
}

/** Whether all pictures are squares of one size that lie in memory. */
function areAlike({ train, validation, test }: LoadedPictures): boolean {
  const parts = [train, validation, test].filter((part): part is LoadedPart => part !== undefined);
  const side = train.source.kept.width[0];
  return parts.every(({ source }) => {
    const { width, height } = source.kept;
    return isKept(source) && [width, height].every((sides) => sides.every((found) => found === side));
  });
}
