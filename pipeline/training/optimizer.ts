/** Optimizers on records of tensors: SGD, Muon for the kernels of convolutions, and AdamW. */
import * as v from "valibot";
import type { Parameter, Tensors } from "../../layers/mod.ts";
import { tf } from "../../runtime/mod.ts";
import { fields, kinds, number, type Schema, truth } from "../../runtime/system/schema.ts";

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

/** Adam with decoupled weight decay (I. Loshchilov, F. Hutter, arXiv:1711.05101). Plain data. */
export interface AdamW {
  /** Tells it from the other optimizers. */
  readonly kind: "adamw";
  /** Of the mean of the gradients, in [0, 1); 0.9 in the paper. */
  readonly beta1: number;
  /** Of the mean of their squares, in [0, 1); 0.999 in the paper. */
  readonly beta2: number;
  /** Added to the root of that mean; 1e-8 in the paper. */
  readonly epsilon: number;
  /** Decoupled, as PyTorch's: a step takes `learningRate * weightDecay` of each parameter away. */
  readonly weightDecay: number;
}

/** How parameters follow their gradients. */
export type Optimizer = Sgd | Muon | AdamW;

const momentum = number({ min: 0, below: 1 });
const weightDecay = number({ min: 0 });
const sgdSchema = fields({
  kind: v.literal("sgd"),
  momentum,
  nesterov: truth,
  weightDecay,
  offsetScale: number({ above: 0 }),
});

/** What an optimizer looks like in a file. */
export const optimizerSchema: Schema<Optimizer> = kinds([
  sgdSchema,
  fields({ kind: v.literal("muon"), momentum, others: sgdSchema, othersRate: number({ min: 0 }) }),
  fields({
    kind: v.literal("adamw"),
    beta1: momentum,
    beta2: momentum,
    epsilon: number({ above: 0 }),
    weightDecay,
  }),
]);

/** What an optimizer keeps from step to step: by what it is for, then by parameter. */
export type OptState = Readonly<Record<string, Tensors>>;

/** Shapes of tensors, by name. */
export type Shapes = Readonly<Record<string, readonly number[]>>;

/**
 * What an optimizer keeps for parameters of these shapes. All of it starts at zero.
 *
 * `velocity` of SGD and Muon; `mean` and `square` of AdamW, and its number of steps, `count.steps`, `[]`.
 * @example
 * ```ts
 * import { optStateShapes, recipes } from "@resnet/deno";
 *
 * const { optimizer } = recipes.resnet20.training;
 * optStateShapes(optimizer, { "fc.weight": [64, 10] }); // { velocity: { "fc.weight": [64, 10] } }
 * ```
 */
export function optStateShapes(optimizer: Optimizer, params: Shapes): Readonly<Record<string, Shapes>> {
  switch (optimizer.kind) {
    case "sgd":
    case "muon":
      return { velocity: params };
    case "adamw":
      return { mean: params, square: params, count: { steps: [] } };
  }
}

/** What a step starts from. */
export interface OptimizeInput {
  /** float32, by name; only those that have a gradient change. */
  readonly params: Tensors;
  /** Of the shapes that `optStateShapes` gives for the parameters that have a gradient; zeros at first. */
  readonly optState: OptState;
  /** Mean gradients of the batch. */
  readonly grads: Tensors;
  /** Scalar `[]` float32. */
  readonly learningRate: tf.Scalar;
  /** What each parameter is, by name: `parameterRoles` of a model. */
  readonly roles: Readonly<Record<string, Parameter["role"]>>;
}

/**
 * One step of an optimizer.
 *
 * @returns New parameters and state. Nothing is disposed.
 * @throws {TypeError} If a parameter that has a gradient has no role.
 * @example
 * ```ts
 * import { optimize, tf } from "@resnet/deno";
 *
 * await tf.ready();
 * const { params } = optimize(
 *   { kind: "sgd", momentum: 0.9, nesterov: false, weightDecay: 0, offsetScale: 1 },
 *   {
 *     params: { w: tf.tensor1d([1, 2]) },
 *     optState: { velocity: { w: tf.zeros([2]) } },
 *     grads: { w: tf.tensor1d([1, 1]) },
 *     learningRate: tf.scalar(0.5),
 *     roles: { w: "scale" },
 *   },
 * );
 * params.w.dataSync(); // Float32Array [0.5, 1.5]
 * ```
 */
export function optimize(
  optimizer: Optimizer,
  input: OptimizeInput,
): { params: Tensors; optState: OptState } {
  const unknown = Object.keys(input.grads).find((name) => !Object.hasOwn(input.roles, name));
  if (unknown !== undefined) {
    throw new TypeError(`optimize: no role for "${unknown}"; give those of the model, parameterRoles(model)`);
  }
  switch (optimizer.kind) {
    case "sgd":
      return withVelocity(input, (name, move) => sgd(optimizer, input.roles[name] === "offset", move));
    case "muon": {
      const othersRate = tf.mul(input.learningRate, optimizer.othersRate);
      return withVelocity(
        input,
        (name, move) =>
          input.roles[name] === "convKernel"
            ? muon(optimizer, move)
            : sgd(optimizer.others, input.roles[name] === "offset", { ...move, rate: othersRate }),
      );
    }
    case "adamw":
      return adamW(optimizer, input);
  }
}

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

/** Moves each parameter by itself. */
function withVelocity(
  { params, optState, grads, learningRate: rate }: OptimizeInput,
  step: (name: string, move: Move) => Moved,
): { params: Tensors; optState: OptState } {
  const nextParams = { ...params };
  const velocity: Tensors = {};
  for (const [name, grad] of Object.entries(grads)) {
    const move = { param: params[name], velocity: optState.velocity[name], grad, rate };
    [nextParams[name], velocity[name]] = step(name, move);
  }
  return { params: nextParams, optState: { velocity } };
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

/**
 * AdamW as `torch.optim.AdamW` does it (no amsgrad), at its step t, from 1:
 *
 *     m' = beta1 * m + (1 - beta1) * gradient
 *     s' = beta2 * s + (1 - beta2) * gradient^2
 *     p' = p * (1 - learningRate * weightDecay)
 *        - learningRate * m' / (1 - beta1^t) / (sqrt(s' / (1 - beta2^t)) + epsilon)
 */
function adamW(
  { beta1, beta2, epsilon, weightDecay }: AdamW,
  { params, optState, grads, learningRate }: OptimizeInput,
): { params: Tensors; optState: OptState } {
  const steps = tf.add(optState.count.steps, 1);
  // 1 - beta^t by way of expm1: the difference of two numbers near 1 would have few digits left in float32.
  const missing = (beta: number): tf.Tensor => tf.neg(tf.expm1(tf.mul(steps, Math.log(beta))));
  const rate = beta1 === 0 ? learningRate : tf.div(learningRate, missing(beta1));
  const rootMissing = beta2 === 0 ? tf.scalar(1) : tf.sqrt(missing(beta2));
  const kept = tf.sub(1, tf.mul(learningRate, weightDecay));
  const nextParams = { ...params };
  const mean: Tensors = {};
  const square: Tensors = {};
  for (const [name, grad] of Object.entries(grads)) {
    mean[name] = tf.add(tf.mul(optState.mean[name], beta1), tf.mul(grad, 1 - beta1));
    square[name] = tf.add(tf.mul(optState.square[name], beta2), tf.mul(tf.square(grad), 1 - beta2));
    const size = tf.add(tf.div(tf.sqrt(square[name]), rootMissing), epsilon);
    const param = weightDecay === 0 ? params[name] : tf.mul(params[name], kept);
    nextParams[name] = tf.sub(param, tf.mul(tf.div(mean[name], size), rate));
  }
  return { params: nextParams, optState: { mean, square, count: { steps } } };
}
