/** Batch norm folded into the convolutions before it, on plain arrays. */
import { mapNodes, type Model, normalizedConvs } from "../model.ts";
import type { ConvNode, Node } from "../nodes/node.ts";
import type { Arrays, FloatArray } from "./arrays.ts";

/** The network without the batch norms that follow a convolution, which has a bias instead. */
export function foldedModel(model: Model): Model {
  const norms = new Set<Node>(normalizedConvs(model).map(({ norm }) => norm));
  return mapNodes(model, (node, before) => {
    if (!norms.has(before)) return node;
    const alone = node.inputs[0] as ConvNode;
    return { ...alone, cfg: { ...alone.cfg, bias: true } };
  });
}

/**
 * What `foldBatchNorm` does, without the library: each number is computed in float64 and rounded once.
 * @param arrays Not changed.
 * @returns The smaller network and its arrays; those that stay as they are share their numbers.
 * @example
 * ```ts
 * import { foldArrays, initArrays, resnet } from "@resnet/deno";
 *
 * const model = resnet([1, 1, 1], { stem: "cifar" });
 * Object.keys(foldArrays(model, initArrays(model, 42)).arrays.batchStats); // []
 * ```
 */
export function foldArrays(model: Model, arrays: Arrays): { model: Model; arrays: Arrays } {
  const params = { ...arrays.params };
  const batchStats = { ...arrays.batchStats };
  for (const { conv, norm } of normalizedConvs(model)) {
    const kernel = params[`${conv.name}.weight`];
    const scale = params[`${norm.name}.weight`].data;
    const offset = params[`${norm.name}.bias`].data;
    const mean = batchStats[`${norm.name}.running_mean`].data;
    const variance = batchStats[`${norm.name}.running_var`].data;
    const filters = scale.length;
    const factors = Float64Array.from(scale, (value, i) => value / Math.sqrt(variance[i] + norm.cfg.epsilon));
    const bias = conv.cfg.bias ? params[`${conv.name}.bias`].data : new Float32Array(filters);
    for (const suffix of ["weight", "bias"]) delete params[`${norm.name}.${suffix}`];
    for (const suffix of ["running_mean", "running_var"]) delete batchStats[`${norm.name}.${suffix}`];
    params[`${conv.name}.weight`] = of(kernel.shape, kernel.data.map((w, i) => w * factors[i % filters]));
    params[`${conv.name}.bias`] = of(
      [filters],
      bias.map((b, i) => (b - mean[i]) * factors[i] + offset[i]),
    );
  }
  return { model: foldedModel(model), arrays: { params, batchStats } };
}

function of(shape: readonly number[], data: Float32Array): FloatArray {
  return { shape, data };
}
