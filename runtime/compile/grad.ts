/** Gradients of a loss with respect to a record of tensors, with what else the loss computes on the way. */
import * as tfjs from "@tensorflow/tfjs";
import { runtime } from "../binding/backend.ts";

/** A value, its gradients, and the rest. */
export interface ValueAndGrads<A> {
  /** Scalar `[]`. */
  value: tfjs.Scalar;
  /** By name, of the shapes of the parameters. */
  grads: Record<string, tfjs.Tensor>;
  /** What `fn` returned beside its value; no gradient flows through it. */
  aux: A;
}

/**
 * Evaluates `fn` at `params` and differentiates its value (JAX's `value_and_grad` with `has_aux`). What is computed
 * from the gradients is computed in float32, whatever the precision that they come in.
 *
 * @param fn Returns a scalar and a record of other tensors, such as new batch statistics.
 * @param params By name; `fn` is given a record of the same names.
 * @throws {Error} If the value does not depend on one of the parameters (tfjs names it by position).
 * @example
 * ```ts
 * import { tf, valueAndGrads } from "@resnet/deno";
 *
 * await tf.ready();
 * const w = tf.tensor1d([1, 2]);
 * const { value, grads } = valueAndGrads(({ w }) => [tf.sum(tf.square(w)) as tf.Scalar, {}], { w });
 * grads.w.dataSync(); // [2, 4]
 * ```
 */
export function valueAndGrads<A extends Record<string, tfjs.Tensor>>(
  fn: (params: Record<string, tfjs.Tensor>) => [value: tfjs.Scalar, aux: A],
  params: Record<string, tfjs.Tensor>,
): ValueAndGrads<A> {
  const names = Object.keys(params);
  const byName = (tensors: readonly tfjs.Tensor[]) =>
    Object.fromEntries(names.map((name, i) => [name, tensors[i]]));
  const kept: [string, tfjs.Tensor][] = [];
  const { binding } = runtime();
  const { scope } = binding;
  const differentiate = tfjs.valueAndGrads((...values: tfjs.Tensor[]) => {
    const [value, aux] = fn(byName(values));
    // tfjs disposes of everything that its function makes and does not return, so the rest is carried out by hand.
    kept.push(
      ...Object.entries(aux).map((
        [name, tensor],
      ): [string, tfjs.Tensor] => [name, tfjs.keep(tensor.clone())]),
    );
    return value;
  });
  let value: tfjs.Tensor, grads: tfjs.Tensor[];
  try {
    ({ value, grads } = tfjs.tidy(() => differentiate(Object.values(params))));
  } catch (error) {
    // What the gradients would have needed is on tfjs' tape, and would stay there.
    tfjs.dispose([
      kept.map(([, tensor]) => tensor),
      (tfjs.engine().state.activeTape ?? []).map(({ saved }) => saved ?? []),
    ]);
    throw error;
  } finally {
    binding.scope = scope; // the last gradient has left its own
  }
  const aux = Object.fromEntries(kept.map(([name, tensor]) => [name, tensor.clone()])) as A;
  tfjs.dispose(kept.map(([, tensor]) => tensor));
  return { value: value as tfjs.Scalar, grads: byName(grads.map(inFloat32)), aux };
}

/** The gradient in float32: parameters and what an optimizer keeps are not rounded to bfloat16 at every step. */
function inFloat32(gradient: tfjs.Tensor): tfjs.Tensor {
  const { backend, binding } = runtime();
  const [id] = backend["getInputTensorIds"]([gradient]);
  const output = binding.float32(id);
  if (output === undefined) return gradient;
  gradient.dispose();
  return backend["createOutputTensor"](output);
}
