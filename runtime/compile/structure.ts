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
 * @throws {TypeError} If a leaf is not a tensor, or one that is disposed.
 */
export function flatten(value: unknown, what: string): { tensors: tfjs.Tensor[]; structure: Structure } {
  const tensors: tfjs.Tensor[] = [];
  const visit = (node: unknown, path: string): Structure => {
    if (node instanceof tfjs.Tensor) {
      if (node.isDisposed) {
        throw new TypeError(`${path} is a tensor that is disposed: keep it until it is used, tf.keep does`);
      }
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
        advice(node, path),
    );
  };
  return { structure: visit(value, what), tensors };
}

/** What to do about a leaf that is no tensor. */
function advice(value: unknown, path: string): string {
  if (value instanceof Promise) return "compile what needs no await, and await around it";
  if (value === null || value === undefined) {
    return path === "result" ? "return the tensors that it computes, or [] for none" : "leave it out";
  }
  if (ArrayBuffer.isView(value)) return "make a tensor of it with tf.tensor";
  if (typeof value === "object") return "make an array or a plain object of it";
  const closeOver = "let the function close over it";
  if (typeof value === "function") return closeOver;
  const isResult = path.startsWith("result");
  return `make a tensor of it with tf.scalar${isResult ? "" : `, or ${closeOver}`}`;
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
