/** Squeeze and excitation: a network weighs its own channels. */
import type { Node } from "../nodes/node.ts";
import { conv, gate, globalAvgPool, type Named, relu } from "../nodes/nodes.ts";

/**
 * Squeeze and excitation (J. Hu et al., arXiv:1709.01507): the mean of each channel goes through two small layers, and
 * what they put out, between 0 and 1, weighs the channel. Names and layers are those of torchvision's
 * `SqueezeExcitation`.
 *
 * @param x `[h, w, c]`.
 * @param cfg `filters`: channels in the middle; the paper has a sixteenth of `c`.
 * @returns `[h, w, c]`.
 * @throws {TypeError} If `x` is no map.
 * @throws {RangeError} If `filters` is not a whole number from 1 up.
 */
export function squeezeExcitation(x: Node, { name, filters }: Named & { readonly filters: number }): Node {
  let y: Node = globalAvgPool(x, { name: `${name}.avgpool` });
  y = relu(conv(y, { name: `${name}.fc1`, filters, kernelSize: 1 }), { name: `${name}.activation` });
  y = conv(y, { name: `${name}.fc2`, filters: x.shape[2]!, kernelSize: 1 });
  return gate(x, y, { name });
}
