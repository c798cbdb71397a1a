/** All of a classifier but its last layer. */
import type { Model } from "../model.ts";
import { parameters } from "./parameters.ts";

/**
 * Names of all parameters but those of the last linear layer, which tells the classes apart: what fine-tuning leaves as
 * it is.
 * @returns In the order of `parameters`; all of them if there is no linear layer.
 * @example
 * ```ts
 * import { recipes, resnet, trunk } from "@resnet/deno";
 *
 * const model = resnet([2, 2, 2, 2], { naming: "torchvision", numClasses: 3 });
 * const settings = { ...recipes.resnet18.training, frozen: trunk(model) }; // trains fc.weight and fc.bias
 * ```
 */
export function trunk(model: Model): string[] {
  const last = model.nodes.findLast(({ op }) => op === "linear");
  return parameters(model)
    .filter(({ collection, layer }) => collection === "params" && layer !== last)
    .map(({ name }) => name);
}
