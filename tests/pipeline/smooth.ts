/** Networks whose gradients are smooth. */
import { type Model, type Node } from "../../layers/mod.ts";
import { mapNodes } from "../../layers/model.ts";

/**
 * The network with celu in the place of relu. A relu's gradient jumps at 0: where one way of rounding leaves an activation
 * above it and another below, gradients differ by a thousand times what the rounding differs by.
 */
export function smooth(model: Model): Model {
  return mapNodes(
    model,
    (node): Node => node.op === "relu" ? { ...node, op: "celu", cfg: { ...node.cfg, alpha: 1 } } : node,
  );
}

/** How far two rows of numbers are apart, as a share of the first's length. */
export function distance(one: ArrayLike<number>, other: ArrayLike<number>): number {
  let [square, apart] = [0, 0];
  for (let i = 0; i < one.length; i++) {
    square += one[i] ** 2;
    apart += (one[i] - other[i]) ** 2;
  }
  return Math.sqrt(apart / square);
}
