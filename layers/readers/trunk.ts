/** All of a classifier but its last layer. */
import { defineModel, mapNodes, type Model } from "../model.ts";
import type { Node, SpatialShape } from "../nodes/node.ts";
import { input } from "../nodes/nodes.ts";
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
  const last = lastLinear(model);
  return parameters(model)
    .filter(({ collection, layer }) => collection === "params" && layer !== last)
    .map(({ name }) => name);
}

/** A classifier in two networks, whose layers have the names that they had. */
export interface TrunkAndHead {
  /** From the images to the last map, `[h, w, c]`. */
  readonly trunk: Model;
  /** From that to the logits. */
  readonly head: Model;
}

/**
 * Cuts a classifier at the last map on the way to its last linear layer: pooled, and not yet flattened.
 * @throws {TypeError} If it has no linear layer, or not everything behind the map is computed from the map alone.
 * @example
 * ```ts
 * import { resnet, trunkAndHead } from "@resnet/deno";
 *
 * const { trunk, head } = trunkAndHead(resnet([2, 2, 2, 2], { naming: "torchvision", numClasses: 3 }));
 * trunk.output.shape; // [1, 1, 512]
 * head.nodes.map(({ name }) => name); // ["avgpool", "flatten", "fc"], the first of them being its input
 * ```
 */
export function trunkAndHead(model: Model): TrunkAndHead {
  const last = lastLinear(model);
  const map = last && mapBefore(last);
  if (map === undefined) {
    throw new TypeError(`trunkAndHead: ${model.name} has no linear layer that is computed from one map`);
  }
  const head = mapNodes(
    model,
    (node, before) => before === map ? input(before.shape as SpatialShape, before.name) : node,
  );
  return { trunk: defineModel(map, { name: `${model.name} up to ${map.name}` }), head };
}

function lastLinear({ nodes }: Model): Node | undefined {
  return nodes.findLast(({ op }) => op === "linear");
}

/** The map that a node is computed from; nothing if it is computed from several nodes before one comes. */
function mapBefore({ inputs }: Node): Node | undefined {
  const [only, ...others] = inputs as readonly Node[];
  if (only === undefined || others.length > 0) return undefined;
  return only.shape.length === 3 ? only : mapBefore(only);
}
