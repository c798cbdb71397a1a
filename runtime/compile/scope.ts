/** Names for the parts of a compiled function: profiles, and TensorFlow's messages, say by them what a node is for. */
import * as tfjs from "@tensorflow/tfjs";
import { runtime } from "../binding/backend.ts";
import { defineKernel } from "../binding/kernel.ts";

/**
 * Runs `body`, and in a trace names the nodes that it adds: `name/Conv2D_17`, within another scope
 * `outer/name/Conv2D_17`. Where it returns a tensor, the nodes of its gradients are called
 * `gradient/name/Conv2DBackpropInput_31`, and so are those of what ran before it outside any scope of its own. Outside a
 * trace it only runs `body`. No name changes what is computed.
 *
 * Names of gradients end with `valueAndGrads`; after tfjs' own `tf.grad`, with the scope that it is called in.
 *
 * @example
 * ```ts
 * import { jit, tf, withScope } from "../mod.ts";
 *
 * const layer = jit((x: tf.Tensor2D, w: tf.Tensor2D) => withScope("fc", () => tf.relu(tf.matMul(x, w))));
 * ```
 */
export function withScope<T>(name: string, body: () => T): T {
  const { binding } = runtime();
  if (!binding.isTracing) return body();
  const outer = binding.scope;
  const scope = outer === "" ? name : `${outer}/${name}`;
  binding.scope = scope;
  try {
    const result = body();
    return result instanceof tfjs.Tensor && tfjs.engine().isTapeOn() ? endOfScope(result, scope) : result;
  } finally {
    binding.scope = outer;
  }
}

/**
 * The same tensor, which is no node but a place on tfjs' tape. Gradients go through the tape from its end, so that this
 * one's turn comes before that of all that the scope ran, and after that of all that ran later.
 */
function endOfScope<X extends tfjs.Tensor>(x: X, scope: string): X {
  return scopeEnd({ x }, { scope })[0] as X;
}

const scopeEnd = defineKernel<"x", { scope: string }>({
  name: "ScopeEnd",
  inputs: ["x"],
  forward: ({ x }) => [tfjs.clone(x as tfjs.Tensor)],
  save: {},
  gradient: ([dy], _, { scope }) => {
    runtime().binding.scope = `gradient/${scope}`;
    return { x: () => dy.clone() };
  },
});
