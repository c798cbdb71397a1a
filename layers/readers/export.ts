/** What all exporters share: which network a file gets, and what they are told about it. */
import { UserError } from "../../runtime/system/errors.ts";
import type { Model } from "../model.ts";
import { showShape } from "../nodes/checks.ts";
import type { CustomNode } from "../nodes/node.ts";
import type { Arrays } from "./arrays.ts";
import { foldArrays } from "./fold_arrays.ts";
import { parameters } from "./parameters.ts";

/** How a trained network is written for other programs. */
export interface ExportOptions {
  /**
   * Puts the normalisation into the file, so that its network takes pixels from 0 to 255: `(pixel / 255 - mean) / std` by
   * channel, `mean` and `std` `[c]`. Unless given, what goes in is what `apply` takes.
   */
  readonly normalize?: { readonly mean: readonly number[]; readonly std: readonly number[] };
  /** Whether probabilities come out instead of logits; false unless given. */
  readonly softmax?: boolean;
  /** Whether batch norms become part of the convolutions before them, as `foldBatchNorm` does it; true unless given. */
  readonly foldBatchNorm?: boolean;
  /** Texts that the file keeps, by what they are about, e.g. the names of the classes. */
  readonly about?: Readonly<Record<string, string>>;
}

/** What goes into a file. */
export interface Exported {
  /** The network, its batch norms folded where that is asked for. */
  readonly model: Model;
  /** Its values. */
  readonly arrays: Arrays;
  /** What the file calls that which comes out. */
  readonly output: "logits" | "probabilities";
}

/** What every file calls that which goes in. */
export const INPUT = "images";

/**
 * The network as a file gets it.
 * @param arrays All parameters and statistics of the model, in the layout of memory.
 * @throws {TypeError} If an array is missing or has another shape than the model's, there is not one mean and deviation a
 *   channel, or probabilities are asked of a network that does not end in one number a class.
 * @throws {RangeError} If a deviation is not above 0.
 */
export function forExport(model: Model, arrays: Arrays, options: ExportOptions): Exported {
  const { normalize, softmax = false, foldBatchNorm = true } = options;
  for (const { collection, name, shape } of parameters(model)) {
    const array = arrays[collection][name];
    if (array !== undefined && showShape(array.shape) === showShape(shape)) continue;
    const found = array === undefined ? "none" : showShape(array.shape);
    throw new TypeError(
      `Cannot export ${model.name}: "${name}" must be ${showShape(shape)}, found ${found}`,
    );
  }
  if (normalize !== undefined) checkStats(model, normalize);
  if (softmax && model.output.shape.length !== 1) {
    throw new TypeError(
      `Cannot export ${model.name} with softmax: it ends in ${showShape(model.output.shape)}, ` +
        "not in one number a class",
    );
  }
  const output = softmax ? "probabilities" : "logits";
  return foldBatchNorm ? { ...foldArrays(model, arrays), output } : { model, arrays, output };
}

function checkStats(
  { name, input: { shape: [, , channels] } }: Model,
  { mean, std }: Required<ExportOptions>["normalize"],
): void {
  if (mean.length !== channels || std.length !== channels) {
    throw new TypeError(
      `Cannot export ${name}: ${mean.length} means and ${std.length} deviations for images of ${channels} channels`,
    );
  }
  const zero = std.findIndex((value) => !(value > 0));
  if (zero >= 0) {
    throw new RangeError(
      `Cannot export ${name}: std must be above 0, found ${std[zero]} for channel ${zero}`,
    );
  }
}

/** @throws {UserError} Always: a layer of one's own says how it runs here, and no more. */
export function refuseCustom({ name, cfg: { layer } }: CustomNode, format: string): never {
  throw new UserError(
    `Cannot write ${format}: layer "${name}" is a ${layer.kind}, a layer of one's own, of which only TensorFlow's ` +
      "graph is known; write a SavedModel, or take the layer out",
  );
}
