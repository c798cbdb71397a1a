/** What is done to each value alone: a bias, and the activation functions. */
import * as tfjs from "@tensorflow/tfjs";
import { callOp, defineKernel, T } from "../binding/kernel.ts";

const biasAddition = defineKernel<"x" | "bias", Record<never, never>>({
  name: "NativeBiasAdd",
  inputs: ["x", "bias"],
  forward: ({ x, bias }) => callOp("BiasAdd", { T }, [x, bias]),
  save: {},
  gradient: ([dy]) => ({ x: () => dy.clone(), bias: () => callOp("BiasAddGrad", { T }, [dy])[0] }),
});

/**
 * Adds a bias to the last dimension.
 * @param x `[..., C]`.
 * @param bias `[C]`.
 * @example
 * ```ts
 * import { ops, tf } from "@resnet/deno";
 *
 * await tf.ready();
 * ops.biasAdd(tf.zeros([2, 3]), tf.tensor1d([1, 2, 3])).arraySync(); // [[1, 2, 3], [1, 2, 3]]
 * ```
 */
export function biasAdd<X extends tfjs.Tensor>(x: X, bias: tfjs.Tensor1D): X {
  return biasAddition({ x, bias }, {})[0] as X;
}

const rectifier = defineKernel<"x", Record<never, never>>({
  name: "NativeRelu",
  inputs: ["x"],
  forward: ({ x }) => callOp("Relu", { T }, [x]),
  save: { outputs: [true] },
  gradient: ([dy], [y]) => ({ x: () => callOp("ReluGrad", { T }, [dy, y])[0] }),
});

/**
 * max(x, 0), of any shape. The gradient at 0 is 0, as in PyTorch.
 * @example
 * ```ts
 * import { ops, tf } from "@resnet/deno";
 *
 * await tf.ready();
 * ops.relu(tf.tensor1d([-1, 0, 2])).arraySync(); // [0, 0, 2]
 * ```
 */
export function relu<X extends tfjs.Tensor>(x: X): X {
  return rectifier({ x }, {})[0] as X;
}

/**
 * Continuously differentiable exponential linear unit (J. Barron, arXiv:1704.07483), as PyTorch's `CELU`: `x` above 0,
 * `alpha (exp(x / alpha) - 1)` below.
 *
 * @param x Of any shape.
 * @param alpha Above 0: the negative of the lowest value.
 * @example
 * ```ts
 * import { ops, tf } from "@resnet/deno";
 *
 * await tf.ready();
 * ops.celu(tf.tensor1d([-100, 0, 2]), 0.5).arraySync(); // [-0.5, 0, 2]
 * ```
 */
export function celu<X extends tfjs.Tensor>(x: X, alpha: number): X {
  const unit = tfjs.customGrad((x, save) => {
    const y = tfjs.elu(tfjs.mul(x as tfjs.Tensor, 1 / alpha));
    (save as tfjs.GradSaveFunc)([y]);
    const gradFunc = (dy: tfjs.Tensor, [y]: tfjs.Tensor[]) => callOp("EluGrad", { T }, [dy, y])[0];
    return { value: tfjs.mul(y, alpha), gradFunc };
  });
  return unit(x) as X;
}
