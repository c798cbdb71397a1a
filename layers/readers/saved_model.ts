/** A network as a SavedModel, of any layers: its graph is the one that TensorFlow computes here. */
import { tf } from "../../runtime/mod.ts";
import { encodeSavedModel } from "../../runtime/compile/mod.ts";
import type { Model } from "../model.ts";
import { apply } from "./apply.ts";
import type { Arrays } from "./arrays.ts";
import { type ExportOptions, forExport, INPUT } from "./export.ts";
import { toTensors } from "./variables.ts";

/** Where the texts are. */
const ABOUT = "assets.extra/about.json";

/**
 * The files of a SavedModel, by their paths in its folder. It computes what `apply` does in evaluation, for any number of
 * images: the signature `serving_default` takes `images`, float32 `[n, h, w, c]`, and gives `logits` or `probabilities`,
 * float32 `[n, classes]`. The weights are constants of its graph.
 *
 * @param arrays All parameters and statistics of the model, in the layout of memory.
 * @param options `about` becomes a JSON file in `assets.extra`, the folder that TensorFlow leaves to others.
 * @throws {UserError} If a layer of one's own has a loop, or must know how many images there are; see `encodeSavedModel`.
 * @throws {JitError} If it does what cannot be traced.
 * @throws {TypeError | RangeError} If the arrays are not the model's, or the options do not fit it; see `forExport`.
 * @example
 * ```ts
 * import { initArrays, resnet, savedModelFiles, tf } from "@resnet/deno";
 *
 * await tf.ready();
 * const model = resnet([1, 1, 1], { stem: "cifar" });
 * const files = savedModelFiles(model, initArrays(model, 42), { about: { classes: '["cat", "dog"]' } });
 * Object.keys(files); // ["saved_model.pb", "assets.extra/about.json"]
 * ```
 */
export function savedModelFiles(
  model: Model,
  arrays: Arrays,
  options: ExportOptions = {},
): Record<string, Uint8Array<ArrayBuffer>> {
  const { normalize, about } = options;
  const { output, ...exported } = forExport(model, arrays, options);
  const variables = toTensors(exported.arrays);
  try {
    const classify = (images: tf.Tensor): tf.Tensor => {
      const x = normalize === undefined ? images : normalized(images, normalize);
      const [logits] = apply(exported.model, variables, x, { train: false });
      return output === "probabilities" ? tf.softmax(logits) : logits;
    };
    const graph = encodeSavedModel(({ [INPUT]: images }) => ({ [output]: classify(images) }), {
      [INPUT]: { shape: ["n", ...model.input.shape] },
    });
    const texts = about && { [ABOUT]: new TextEncoder().encode(JSON.stringify(about, undefined, 2) + "\n") };
    return { "saved_model.pb": graph, ...texts };
  } finally {
    tf.dispose([variables.params, variables.batchStats]);
  }
}

function normalized(images: tf.Tensor, { mean, std }: Required<ExportOptions>["normalize"]): tf.Tensor {
  return tf.div(tf.sub(tf.div(images, 255), tf.tensor1d([...mean])), tf.tensor1d([...std]));
}
