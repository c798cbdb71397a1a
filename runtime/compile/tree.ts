/**
 * Nested records and lists with tensors at the ends, such as the state of a training run: `tree` of the public names.
 * @module
 */
import * as tfjs from "@tensorflow/tfjs";
import { describe, isRecord } from "./structure.ts";

/** The tree `T` with `U` in the place of every tensor. */
export type Mapped<T, U> = T extends tfjs.Tensor ? U : { [K in keyof T]: Mapped<T[K], U> };

/**
 * The same tree with what `fn` makes of every tensor. With more trees of the same shape `fn` gets the tensors that stand
 * in the same place in each. What is left out of a tree (`undefined`) stays left out.
 *
 * @param others Trees of the same shape, none or more.
 * @throws {TypeError} If there is something else than a tensor at an end, or another tree lacks a place of the first.
 * @example
 * ```ts
 * import { tf, tree } from "@resnet/deno";
 *
 * await tf.ready();
 * const params = { w: tf.ones([2, 3]), b: tf.ones([3]) };
 * const zeros = tree.map((tensor) => tf.zerosLike(tensor), params);
 * const sum = tree.map((a, b) => tf.add(a, b), params, zeros);
 * tree.dispose([params, zeros, sum]);
 * ```
 */
export function map<T, U>(
  fn: (tensor: tfjs.Tensor, ...others: tfjs.Tensor[]) => U,
  tree: T,
  ...others: readonly T[]
): Mapped<T, U> {
  const visit = (node: unknown, ...same: readonly unknown[]): unknown => {
    if (node instanceof tfjs.Tensor) {
      const wrong = same.findIndex((other) => !(other instanceof tfjs.Tensor));
      if (wrong >= 0) {
        throw new TypeError(`tree.map: tree ${wrong + 2} has no tensor where the first has one`);
      }
      return fn(node, ...same as readonly tfjs.Tensor[]);
    }
    if (node === undefined) return undefined;
    const children = childrenOf(node).map(([key, child]): [string, unknown] => [
      key,
      visit(child, ...same.map((other) => Object(other)[key])),
    ]);
    return Array.isArray(node) ? children.map(([, child]) => child) : Object.fromEntries(children);
  };
  return visit(tree, ...others) as Mapped<T, U>;
}

/**
 * Every tensor of a tree with the keys that lead to it, in the order in which they stand.
 * @example
 * ```ts
 * import { tf, tree } from "@resnet/deno";
 *
 * await tf.ready();
 * const state = { params: { w: tf.ones([2, 3]) }, step: tf.scalar(0) };
 * tree.entries(state).map(([path]) => path.join("/")); // ["params/w", "step"]
 * ```
 */
export function entries(tree: unknown): [path: readonly string[], tensor: tfjs.Tensor][] {
  const visit = (node: unknown, path: readonly string[]): [readonly string[], tfjs.Tensor][] => {
    if (node instanceof tfjs.Tensor) return [[path, node]];
    return node === undefined ? [] : childrenOf(node).flatMap(([key, child]) => visit(child, [...path, key]));
  };
  return visit(tree, []);
}

/**
 * Every tensor of a tree, in the same order.
 * @example
 * ```ts
 * import { tf, tree } from "@resnet/deno";
 *
 * await tf.ready();
 * tree.tensors([{ w: tf.ones([2, 3]) }, tf.scalar(0)]).map(({ shape }) => shape); // [[2, 3], []]
 * ```
 */
export function tensors(tree: unknown): tfjs.Tensor[] {
  return entries(tree).map(([, tensor]) => tensor);
}

/**
 * Disposes of every tensor of a tree.
 * @example
 * ```ts
 * import { tf, tree } from "@resnet/deno";
 *
 * await tf.ready();
 * const params = { w: tf.ones([2, 3]), b: tf.ones([3]) };
 * tree.dispose(params);
 * params.w.isDisposed; // true
 * ```
 */
export function dispose(tree: unknown): void {
  for (const tensor of tensors(tree)) tensor.dispose();
}

/**
 * Runs `fn` and disposes of every tensor that it makes but for those in the tree that it returns; of all if it throws.
 * @example
 * ```ts
 * import { tf, tree } from "@resnet/deno";
 *
 * await tf.ready();
 * const before = tf.memory().numTensors;
 * const { y } = tree.tidy(() => ({ y: tf.add(tf.square(tf.ones([3])), 1) }));
 * tf.memory().numTensors - before; // 1
 * ```
 */
export function tidy<T>(fn: () => T): T {
  return tfjs.tidy(fn as () => tfjs.TensorContainer) as T;
}

function childrenOf(node: unknown): [string, unknown][] {
  if (Array.isArray(node) || isRecord(node)) return Object.entries(node);
  throw new TypeError(`tree: a tree holds tensors, lists and records, found ${describe(node)}`);
}
