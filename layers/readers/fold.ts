/** Batch norm folded into the convolutions before it: the same network for evaluation, in fewer steps. */
import { tf } from "../../runtime/mod.ts";
import { type Model, type NormalizedConv, normalizedConvs } from "../model.ts";
import { foldedModel } from "./fold_arrays.ts";
import type { Tensors, Variables } from "./variables.ts";

/**
 * Takes every batch norm that follows a convolution into the convolution's own weights. In evaluation both are linear,
 * so with `k = weight / sqrt(running_var + epsilon)` the convolution's kernel becomes `k * kernel` and its bias
 * `k * (bias - running_mean) + the norm's bias` (B. Jacob et al., arXiv:1712.05877, section 3.2). TensorFlow's rewrite
 * then runs convolution, bias and relu as one op.
 *
 * A batch norm stays where its convolution feeds other nodes too, or where there is none before it. The result is for
 * evaluation: it cannot be trained as the network was.
 *
 * @param variables Not disposed.
 * @returns The smaller network, and its variables as tensors of their own. Logits differ by rounding.
 * @example
 * ```ts
 * import { apply, foldBatchNorm, init, resnet, tf } from "@resnet/deno";
 *
 * await tf.ready();
 * const model = resnet([1, 1, 1], { stem: "cifar" });
 * const folded = foldBatchNorm(model, init(model, 42));
 * const [logits] = apply(folded.model, folded.variables, tf.zeros([2, 32, 32, 3]), { train: false });
 * ```
 */
export function foldBatchNorm(model: Model, variables: Variables): { model: Model; variables: Variables } {
  return { model: foldedModel(model), variables: foldVariables(normalizedConvs(model), variables) };
}

function foldVariables(pairs: readonly NormalizedConv[], { params, batchStats }: Variables): Variables {
  const replaced = new Set(
    pairs.flatMap(({ conv, norm }) =>
      [conv, norm].flatMap(({ name }) =>
        ["weight", "bias", "running_mean", "running_var"].map((suffix) => `${name}.${suffix}`)
      )
    ),
  );
  const kept = (tensors: Tensors): Tensors =>
    Object.fromEntries(
      Object.entries(tensors)
        .filter(([name]) => !replaced.has(name))
        .map(([name, tensor]) => [name, tensor.clone()]),
    );
  const made = pairs.map(({ conv, norm }): Tensors =>
    tf.tidy(() => {
      const variance = batchStats[`${norm.name}.running_var`];
      const k = tf.div(params[`${norm.name}.weight`], tf.sqrt(tf.add(variance, norm.cfg.epsilon)));
      const mean = batchStats[`${norm.name}.running_mean`];
      const shift = conv.cfg.bias ? tf.sub(params[`${conv.name}.bias`], mean) : tf.neg(mean);
      return {
        [`${conv.name}.weight`]: tf.mul(params[`${conv.name}.weight`], k),
        [`${conv.name}.bias`]: tf.add(tf.mul(k, shift), params[`${norm.name}.bias`]),
      };
    })
  );
  return { params: Object.assign(kept(params), ...made), batchStats: kept(batchStats) };
}
