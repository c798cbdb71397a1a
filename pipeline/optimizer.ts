/** Stochastic gradient descent, on records of tensors. */
import { tf } from "../runtime/mod.ts";

/** Settings of SGD. Plain data. */
export interface Sgd {
  /** In [0, 1); 0 for none. */
  readonly momentum: number;
  /** Nesterov's look ahead instead of the plain momentum step. */
  readonly nesterov: boolean;
  /** Coupled, as PyTorch's: added to the gradient as `weightDecay * parameter`. */
  readonly weightDecay: number;
  /**
   * Multiplies the learning rate of the batch norms' offsets and divides their weight decay (Page 2018, "How to train
   * your ResNet 8: bag of tricks"; airbench uses 64). 1 treats every parameter alike.
   */
  readonly offsetScale: number;
}

/** Tensors by parameter name. */
export type Tensors = Record<string, tf.Tensor>;

/**
 * One step of SGD, as `torch.optim.SGD` does it (dampening 0, a velocity that starts at zero):
 *
 *     g = gradient + weightDecay * p
 *     v' = momentum * v + g
 *     p' = p - learningRate * (nesterov ? g + momentum * v' : v')
 *
 * @param params float32, by name; only those that have a gradient change.
 * @param velocities Of the shapes of `params`, for those that have a gradient; zeros at first.
 * @param grads Mean gradients of the batch.
 * @param learningRate Scalar `[]` float32.
 * @param offsets Names of the parameters that `offsetScale` is for.
 * @returns New parameters and velocities. Nothing is disposed.
 */
export function sgd(
  { momentum, nesterov, weightDecay, offsetScale }: Sgd,
  { params, velocities, grads, learningRate, offsets = new Set() }: {
    params: Tensors;
    velocities: Tensors;
    grads: Tensors;
    learningRate: tf.Scalar;
    offsets?: ReadonlySet<string>;
  },
): { params: Tensors; velocities: Tensors } {
  const nextParams = { ...params };
  const nextVelocities: Tensors = {};
  for (const [name, grad] of Object.entries(grads)) {
    const scale = offsets.has(name) ? offsetScale : 1;
    const decay = weightDecay / scale;
    const g = decay === 0 ? grad : tf.add(grad, tf.mul(params[name], decay));
    const v = momentum === 0 ? g : tf.add(tf.mul(velocities[name], momentum), g);
    const direction = nesterov ? tf.add(g, tf.mul(v, momentum)) : v;
    const rate = scale === 1 ? learningRate : tf.mul(learningRate, scale);
    nextParams[name] = tf.sub(params[name], tf.mul(direction, rate));
    nextVelocities[name] = v;
  }
  return { params: nextParams, velocities: nextVelocities };
}
