/** How much arithmetic a model asks for. */
import type { Model } from "../model.ts";
import { type Node, unreachable } from "../nodes/node.ts";
import { sizeOf } from "./parameters.ts";

/**
 * Multiplications, each with its addition, of one forward pass over one image: those of convolutions and
 * linear layers, as papers count them ("FLOPs" in He et al.). Everything else is below one percent in a
 * ResNet. Training takes about three times as many: the gradients of input and weights cost one forward pass
 * each.
 *
 * @example
 * ```ts
 * import { forwardMultiplyAdds } from "./flops.ts";
 * import { resnet } from "../networks/resnet.ts";
 * forwardMultiplyAdds(resnet([3, 3, 3], { stem: "cifar" })); // 40551040
 * ```
 */
export function forwardMultiplyAdds(model: Model): number {
  return model.nodes.reduce((sum, node) => sum + multiplyAdds(node), 0);
}

function multiplyAdds(node: Node): number {
  switch (node.op) {
    case "conv": {
      const channels = node.inputs[0].shape[2]!;
      return sizeOf(node.shape) * channels * node.cfg.kernelSize ** 2;
    }
    case "linear":
      return sizeOf(node.shape) * node.inputs[0].shape[0];
    case "input":
    case "batchNorm":
    case "relu":
    case "celu":
    case "maxPool":
    case "avgPool":
    case "globalAvgPool":
    case "flatten":
    case "add":
    case "dropout":
    case "padShortcut":
    case "scale":
    case "gate":
      return 0;
    default:
      return unreachable(node);
  }
}
