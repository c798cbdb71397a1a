/** How much arithmetic a model asks for. */
import type { Model } from "../model.ts";
import { multiplyAddsOf } from "../nodes/facts.ts";

/**
 * Multiplications, each with its addition, of one forward pass over one image: those of convolutions and
 * linear layers, as papers count them ("FLOPs" in He et al.). Everything else is below one percent in a
 * ResNet. Training takes about three times as many: the gradients of input and weights cost one forward pass
 * each.
 *
 * @example
 * ```ts
 * import { forwardMultiplyAdds, resnet } from "@resnet/deno";
 * forwardMultiplyAdds(resnet([3, 3, 3], { stem: "cifar" })); // 40551040
 * ```
 */
export function forwardMultiplyAdds(model: Model): number {
  return model.nodes.reduce((sum, node) => sum + multiplyAddsOf(node), 0);
}
