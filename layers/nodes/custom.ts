/** Layers that are defined outside of this package. */
import { checkWhole, showShape } from "./checks.ts";
import type { CustomLayer, CustomNode, CustomWeight, Node } from "./node.ts";
import type { Named } from "./nodes.ts";

/**
 * Defines a kind of layer, in a file of your own. It trains, saves, resumes and shows in `summary` like any other; its
 * weights are called `name.suffix`, as PyTorch would call them.
 *
 * @returns The layer's constructor, as `relu` or `conv` is one: from its input, or a list of inputs, and a name and the
 *   layer's settings to a node. It throws `TypeError` for weights whose role is a batch norm's or has another rank, `RangeError`
 *   for sizes that are not whole numbers from 1 up, and what the layer's own functions throw.
 * @example A trained factor a channel (H. Touvron et al., "Going deeper with Image Transformers", arXiv:2103.17239)
 * ```ts
 * import { customLayer, input, tf } from "@resnet/deno";
 *
 * const layerScale = customLayer({
 *   kind: "LayerScale",
 *   weights: ([shape]) => ({ gamma: { shape: [shape.at(-1)!], role: "scale" } }),
 *   run: ([x], { gamma }) => tf.mul(x, gamma),
 * });
 * const x = input([8, 8, 16]);
 * layerScale(x, { name: "layer1.scale" }).shape; // [8, 8, 16]
 * ```
 */
export function customLayer<S = Record<never, never>, W extends string = string>(
  layer: CustomLayer<S, W>,
): (x: Node | readonly Node[], cfg: Named & S) => CustomNode {
  return (x, { name, ...rest }) => {
    const settings = rest as unknown as S;
    const inputs = "op" in x ? [x] : x;
    const shapes = inputs.map(({ shape }) => shape);
    if (inputs.length === 0) throw new TypeError(`${layer.kind} "${name}": needs an input, found none`);
    const shape = layer.shape?.(shapes, settings) ?? shapes[0];
    checkWhole(layer.kind, name, sizes(shape), 1);
    for (const [suffix, weight] of Object.entries<CustomWeight>(layer.weights?.(shapes, settings) ?? {})) {
      checkWeight(layer.kind, name, suffix, weight);
    }
    return { op: "custom", inputs, cfg: { layer: layer as CustomLayer, settings }, name, shape };
  };
}

/** The ranks of weights that PyTorch lays out in another way. */
const RANKS: Partial<Record<CustomWeight["role"], number>> = { convKernel: 4, linearWeight: 2 };

function checkWeight(kind: string, name: string, suffix: string, { role, shape }: CustomWeight): void {
  checkWhole(kind, `${name}.${suffix}`, sizes(shape), 1);
  const rank = RANKS[role] ?? shape.length;
  if (shape.length !== rank) {
    throw new TypeError(
      `${kind} "${name}.${suffix}": a ${role} has ${rank} sizes, found ${showShape(shape)}`,
    );
  }
  if (role === "runningMean" || role === "runningVariance") {
    throw new TypeError(
      `${kind} "${name}.${suffix}": the role ${role} is for batch norms only; take scale or offset`,
    );
  }
}

/** The sizes of a shape by what messages call them. */
function sizes(shape: readonly number[]): Record<string, number> {
  return Object.fromEntries(shape.map((size, axis) => [`size ${axis}`, size]));
}
