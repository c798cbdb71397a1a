/** Optimizers on records of tensors: stochastic gradient descent, and Muon for the kernels of convolutions. */
import type { Parameter, Tensors } from "../../layers/mod.ts";
import { tf } from "../../runtime/mod.ts";

/** Stochastic gradient descent. Plain data. */
export interface Sgd {
  /** Tells it from the other optimizers. */
  readonly kind: "sgd";
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

/** Muon for the kernels of convolutions, SGD for everything else. Plain data. */
export interface Muon {
  /** Tells it from the other optimizers. */
  readonly kind: "muon";
  /** Of the kernels' gradients, in [0, 1); Nesterov's. */
  readonly momentum: number;
  /** For what is no kernel of a convolution. */
  readonly others: Sgd;
  /** Their learning rate, as a multiple of that of the kernels. */
  readonly othersRate: number;
}

/** How parameters follow their gradients. */
export type Optimizer = Sgd | Muon;

/** One parameter, what it moves by, and what it has moved by so far. */
interface Move {
  readonly param: tf.Tensor;
  readonly velocity: tf.Tensor;
  readonly grad: tf.Tensor;
  /** Scalar. */
  readonly rate: tf.Tensor;
}

/** What comes of it. */
type Moved = [param: tf.Tensor, velocity: tf.Tensor];

/**
 * One step of an optimizer.
 *
 * @param params float32, by name; only those that have a gradient change.
 * @param velocities Of the shapes of `params`, for those that have a gradient; zeros at first.
 * @param grads Mean gradients of the batch.
 * @param learningRate Scalar `[]` float32.
 * @param roles What each parameter is, by name; one that is not named is treated as a weight like any other.
 * @returns New parameters and velocities. Nothing is disposed.
 */
export function optimize(
  optimizer: Optimizer,
  { params, velocities, grads, learningRate, roles = {} }: {
    readonly params: Tensors;
    readonly velocities: Tensors;
    readonly grads: Tensors;
    readonly learningRate: tf.Scalar;
    readonly roles?: Readonly<Record<string, Parameter["role"]>>;
  },
): { params: Tensors; velocities: Tensors } {
  const nextParams = { ...params };
  const nextVelocities: Tensors = {};
  const othersRate = optimizer.kind === "muon" ? tf.mul(learningRate, optimizer.othersRate) : learningRate;
  for (const [name, grad] of Object.entries(grads)) {
    const move = { param: params[name], velocity: velocities[name], grad };
    [nextParams[name], nextVelocities[name]] = optimizer.kind === "muon" && roles[name] === "convKernel"
      ? muon(optimizer, { ...move, rate: learningRate })
      : sgd(optimizer.kind === "muon" ? optimizer.others : optimizer, roles[name] === "offset", {
        ...move,
        rate: othersRate,
      });
  }
  return { params: nextParams, velocities: nextVelocities };
}

/**
 * SGD as `torch.optim.SGD` does it (dampening 0, a velocity that starts at zero):
 *
 *     g = gradient + weightDecay * p
 *     v' = momentum * v + g
 *     p' = p - learningRate * (nesterov ? g + momentum * v' : v')
 */
function sgd(
  { momentum, nesterov, weightDecay, offsetScale }: Sgd,
  isOffset: boolean,
  { param, velocity, grad, rate }: Move,
): Moved {
  const scale = isOffset ? offsetScale : 1;
  const decay = weightDecay / scale;
  const g = decay === 0 ? grad : tf.add(grad, tf.mul(param, decay));
  const v = momentum === 0 ? g : tf.add(tf.mul(velocity, momentum), g);
  const direction = nesterov ? tf.add(g, tf.mul(v, momentum)) : v;
  return [tf.sub(param, tf.mul(direction, scale === 1 ? rate : tf.mul(rate, scale))), v];
}

/**
 * Muon (K. Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024) on the kernel of a
 * convolution `[kh, kw, in, out]`, seen as a matrix `[kh * kw * in, out]`:
 *
 *     v' = momentum * v + gradient
 *     p' = sqrt(out) * p / |p| - learningRate * orthogonalize(gradient + momentum * v')
 *
 * The kernel is kept at the Frobenius norm of an orthogonal matrix of its shape, as in the author's CIFAR trainer:
 * the batch norm behind it takes its size out anyway, and `learningRate` becomes the share by which it turns.
 */
function muon({ momentum }: Muon, { param, velocity, grad, rate }: Move): Moved {
  const filters = param.shape[param.rank - 1];
  const v = tf.add(tf.mul(velocity, momentum), grad);
  const matrix = tf.reshape<tf.Rank.R2>(tf.add(grad, tf.mul(v, momentum)), [-1, filters]);
  const direction = tf.reshape(orthogonalize(matrix), param.shape);
  const kept = tf.mul(param, tf.div(Math.sqrt(filters), norm(param)));
  return [tf.sub(kept, tf.mul(direction, rate)), v];
}

/** Coefficients of the iteration, and how often it runs (Jordan et al. 2024): singular values end near 1. */
const [A, B, C, ITERATIONS] = [3.4445, -4.7750, 2.0315, 5];

/**
 * The orthogonal matrix nearest to `matrix`, about: all its singular values near 1, by five steps of a
 * Newton-Schulz iteration, `X <- aX + bX(X'X) + cX(X'X)^2`.
 *
 * @param matrix `[m, n]` float32, not all zeros.
 * @returns `[m, n]`.
 */
export function orthogonalize(matrix: tf.Tensor2D): tf.Tensor2D {
  const isWide = matrix.shape[0] < matrix.shape[1]; // the smaller of X'X and XX' is multiplied
  let x: tf.Tensor2D = tf.div(matrix, norm(matrix));
  for (let i = 0; i < ITERATIONS; i++) {
    const square: tf.Tensor2D = isWide ? tf.matMul(x, x, false, true) : tf.matMul(x, x, true, false);
    const polynomial: tf.Tensor2D = tf.add(tf.mul(square, B), tf.mul(tf.matMul(square, square), C));
    x = tf.add(tf.mul(x, A), isWide ? tf.matMul(polynomial, x) : tf.matMul(x, polynomial));
  }
  return x;
}

/** Frobenius norm, with so little added that a matrix of zeros stays one. */
function norm(x: tf.Tensor): tf.Tensor {
  return tf.add(tf.sqrt(tf.sum(tf.square(x))), 1e-7);
}
