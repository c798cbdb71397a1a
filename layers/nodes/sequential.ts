/** Layers one after the other. */
import type { Node } from "./node.ts";
import type { Named } from "./nodes.ts";

/** A layer that is told its name last: `batchNorm` and `relu` are such, `(x, at) => conv(x, { ...at, filters })` is. */
export type Layer = (x: Node, at: Named) => Node;

/**
 * Layers one after the other, as PyTorch's `nn.Sequential`: they are called `name.0`, `name.1` and so on. There is no
 * node of that kind: the sequence is the nodes in it.
 * @param x What the first layer takes.
 * @param cfg What the names of the layers begin with.
 * @param layers In their order.
 * @returns The last layer's node; `x` if there are none.
 * @throws {TypeError} If shapes do not fit.
 * @example
 * ```ts
 * import { batchNorm, conv, input, relu, sequential } from "@resnet/deno";
 * const x = input([224, 224, 3]);
 * const y = sequential(x, { name: "conv1" }, [
 *   (x, at) => conv(x, { ...at, filters: 64, kernelSize: 7, stride: 2, padding: 3 }),
 *   batchNorm,
 *   relu,
 * ]);
 * y.name; // "conv1.2"
 * ```
 */
export function sequential(x: Node, { name }: Named, layers: readonly Layer[]): Node {
  return layers.reduce((y, layer, i) => layer(y, { name: `${name}.${i}` }), x);
}
