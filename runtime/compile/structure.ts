/** Tensors in nested arrays and records: taken apart into a flat row, and put together again. */
import * as tfjs from "@tensorflow/tfjs";

/** The shape of a nested value, without its tensors. */
export type Structure =
  | { readonly kind: "tensor" }
  | { readonly kind: "array"; readonly items: readonly Structure[] }
  | { readonly kind: "record"; readonly items: Readonly<Record<string, Structure>> };

/**
 * Takes a value apart: its tensors in order of appearance, and its structure.
 * @param what Names the value in errors, e.g. "argument 1".
 * @throws {TypeError} If a leaf is not a tensor.
 */
export function flatten(value: unknown, what: string): { tensors: tfjs.Tensor[]; structure: Structure } {
  const tensors: tfjs.Tensor[] = [];
  const visit = (node: unknown, path: string): Structure => {
    if (node instanceof tfjs.Tensor) {
      tensors.push(node);
      return { kind: "tensor" };
    }
    if (Array.isArray(node)) {
      return { kind: "array", items: node.map((item, i) => visit(item, `${path}[${i}]`)) };
    }
    if (isRecord(node)) {
      const items = Object.entries(node).map(([key, item]) => [key, visit(item, `${path}.${key}`)]);
      return { kind: "record", items: Object.fromEntries(items) };
    }
    throw new TypeError(
      `jit takes and returns tensors, arrays and records of tensors: ${path} is ${describe(node)}; ` +
        `pass a number as tf.scalar(x), or let the function close over it`,
    );
  };
  return { structure: visit(value, what), tensors };
}

/** Puts a value together from its structure and a row of tensors. */
export function rebuild(structure: Structure, tensors: readonly tfjs.Tensor[]): unknown {
  let next = 0;
  const visit = (node: Structure): unknown => {
    switch (node.kind) {
      case "tensor":
        return tensors[next++];
      case "array":
        return node.items.map(visit);
      case "record":
        return Object.fromEntries(Object.entries(node.items).map(([key, item]) => [key, visit(item)]));
    }
  };
  return visit(structure);
}

/** A text that is equal for values of equal structure, shapes and types only. */
export function signature(structure: Structure, tensors: readonly tfjs.Tensor[]): string {
  return JSON.stringify([structure, tensors.map(({ dtype, shape }) => [dtype, shape])]);
}

/** Whether a value is a plain object: what others hold, such as a `Map` or a promise, their entries do not show. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

/** What a value is, for messages. */
export function describe(value: unknown): string {
  if (value === null || value === undefined) return `${value}`;
  if (value instanceof Promise) return "a promise";
  return typeof value === "object" ? value.constructor?.name ?? "an object" : `a ${typeof value}`;
}
