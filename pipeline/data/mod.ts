/**
 * Data sets: CIFAR-10 from its sources to memory, split and limited, batch by batch.
 * @module
 */
export { alternateFlips, type Batch, batches, shuffledOrder } from "./batches.ts";
export { type Catalogue, FETCH_LOCK, fetchCifar, type FetchOptions } from "./cifar/fetch.ts";
export { CIFAR10_FILES, type KnownFile } from "./cifar/files.ts";
export { loadCifar } from "./cifar/load.ts";
export type { NpmPackage } from "./cifar/npm.ts";
export { CIFAR10_CLASSES, IMAGE_SHAPE as CIFAR10_IMAGE_SHAPE, isLikeCifar10 } from "./cifar/records.ts";
export * from "./dataset.ts";
export {
  folderLines,
  listPictures,
  type PartCounts,
  type PictureFile,
  type PictureFolder,
  type Skipped,
  type SkipReason,
} from "./folder.ts";
export { decodeImage, type DecodeOptions, MAX_PIXELS } from "./images/decode.ts";
export {
  formatOf,
  type ImageFormat,
  type ImageHeader,
  type Orientation,
  readHeader,
} from "./images/header.ts";
export {
  type LoadedPart,
  type LoadedPictures,
  type LoadOptions,
  loadPictures,
  pictureData,
  sharedPictures,
} from "./load_pictures.ts";
export type { CropRange } from "./images/random_changes.ts";
export type {
  KeptPictures,
  PictureFiles,
  Pictures,
  PictureSource,
  RandomView,
  StoredImages,
  Turn,
  View,
} from "./pictures.ts";
export { type ImageReader, type Readable } from "./image_reader.ts";
export type { Picture } from "./images/picture.ts";
export type { NamedPicture } from "./picture_bytes.ts";
export { inputOf, inputProblem, type InputSpec, shownPart } from "./images/input.ts";
export type { InputOptions, PictureInput } from "./picture_input.ts";
export { type PicturePool, picturePool, type PoolOptions } from "./picture_pool.ts";
export { shorterSides } from "./picture_sizes.ts";
export { limit, split } from "./split.ts";
export { spreadPlaces } from "./spread.ts";
