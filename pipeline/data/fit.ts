/** Whether a network and a data set go together, found out before the first step. */
import type { Model } from "../../layers/mod.ts";
import { UsageError } from "../../runtime/system/errors.ts";
import { type Dataset, type ImageSpec, outputShape } from "./dataset.ts";

/** What is to be done with the images. */
export interface Use {
  /** The beginning of a message, e.g. `Cannot train`. */
  readonly action: string;
  /** What messages call the images, e.g. `training images`; `images` unless given. */
  readonly part?: string;
  /** Images a step; the last one takes what is left. */
  readonly batchSize: number;
  /** Whether batch norms compute the statistics of each batch, for which one value a channel is too few. */
  readonly statistics: "running" | "batch";
}

/**
 * Holds a network and a data set against each other.
 * @throws {UsageError} If there are no images, they have another shape than the network takes, there are more classes than
 *   it tells apart, a label is no class of it, or the last step leaves a batch norm one value a channel.
 */
export function checkFit(model: Model, dataset: Dataset, use: Use): void {
  const { part = "images" } = use;
  const problem = problemOf(model, dataset, { ...use, part });
  if (problem !== undefined) throw new UsageError(`${use.action} ${model.name}: ${problem}`);
}

/**
 * Why a network cannot take images, so many a step, as a phrase with what to do; nothing if it can.
 * @param images What they are, and how many.
 */
export function imagesProblem(
  { input, output }: Model,
  images: ImageSpec & { readonly count: number },
  { part, batchSize }: Required<Pick<Use, "part" | "batchSize">>,
): string | undefined {
  if (!Number.isInteger(batchSize) || batchSize < 1) {
    return `the batch size is ${batchSize}; give a whole number of at least 1`;
  }
  if (images.count === 0) return `there are no ${part}; give some, or leave that part out`;
  const shape = outputShape(images);
  if (`${shape}` !== `${input.shape}`) {
    return `the ${part} are [${shape}] after their transforms, the network takes [${input.shape}]; ` +
      "resize them, or build it with that inputSize";
  }
  if (output.shape.length !== 1) return `it ends in [${output.shape}], not in one number a class`;
  const [numClasses] = output.shape;
  const { length } = images.classes;
  if (length <= numClasses) return undefined;
  return `the ${part} are of ${length} classes, the network tells ${numClasses} apart; build it with numClasses: ${length}`;
}

function problemOf(
  model: Model,
  dataset: Dataset,
  { part, batchSize, statistics }: Required<Use>,
): string | undefined {
  const { labels, indices } = dataset;
  const images = indices.length;
  const problem = imagesProblem(model, { ...dataset, count: images }, { part, batchSize });
  if (problem !== undefined) return problem;
  const [numClasses] = model.output.shape;
  for (const index of indices) {
    if (index >= labels.length) return `of ${labels.length} ${part} in memory, number ${index} is asked for`;
    if (!(labels[index] < numClasses)) {
      return `label ${labels[index]} (image ${index} of the ${part}) is none of 0 to ${numClasses - 1}`;
    }
  }
  if (statistics === "running") return undefined;
  const last = images % batchSize || batchSize;
  const norm = model.nodes.find(({ op, shape: [height, width] }) =>
    op === "batchNorm" && last * height * width! === 1
  );
  return norm &&
    `the last step has one of the ${images} ${part}, and of that the batch norm "${norm.name}" sees one ` +
      "pixel, which has no variance; use another batch size, or another number of images";
}
