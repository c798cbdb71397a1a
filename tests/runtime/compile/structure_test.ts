/** Nested values of tensors: taken apart and put together again. */
import * as tf from "@tensorflow/tfjs";
import { assert, assertEquals, assertNotEquals, assertStrictEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { flatten, rebuild, signature } from "../../../runtime/compile/structure.ts";

/** A tensor without values: nothing here reads one, so that no backend is needed. */
function bare(shape: number[] = [], dtype: tf.DataType = "float32"): tf.Tensor {
  return new tf.Tensor(shape, dtype, {}, 0);
}

/** Any nesting of arrays and records with tensors at the ends. */
const nested = fc.letrec<{ value: unknown; leaf: tf.Tensor }>((tie) => ({
  leaf: fc.constant(null).map(() => bare()),
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    tie("leaf"),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(fc.string(), tie("value"), { maxKeys: 4, noNullPrototype: true }),
  ),
})).value;

Deno.test("flatten, then rebuild, gives the value again, with the same tensors in the same places", () => {
  fc.assert(fc.property(nested, (value) => {
    const { tensors, structure } = flatten(value, "value");
    const same = (a: unknown, b: unknown): boolean => {
      if (a instanceof tf.Tensor || b instanceof tf.Tensor) return a === b;
      if (Array.isArray(a) !== Array.isArray(b)) return false;
      const [x, y] = [Object.entries(a as object), Object.entries(b as object)];
      return x.length === y.length && x.every(([key, item], i) => key === y[i][0] && same(item, y[i][1]));
    };
    assert(same(rebuild(structure, tensors), value));
  }));
});

Deno.test("flatten gives every tensor once for each place, in order of appearance", () => {
  const [a, b, c] = [bare(), bare(), bare()];
  const { tensors } = flatten({ z: [a, { y: b }], x: [a, c] }, "value");
  assertEquals(tensors.length, 4);
  [a, b, a, c].forEach((tensor, i) => assertStrictEquals(tensors[i], tensor));
});

Deno.test("signatures are equal for equal structure, shapes and types only", () => {
  const of = (value: unknown): string => {
    const { tensors, structure } = flatten(value, "value");
    return signature(structure, tensors);
  };
  assertEquals(of({ a: [bare([2, 3])] }), of({ a: [bare([2, 3])] }));
  const values: unknown[] = [
    bare([2, 3]),
    bare([3, 2]),
    bare([6]),
    bare([]),
    bare([2, 3], "int32"),
    [bare([2, 3])],
    { 0: bare([2, 3]) },
    { a: bare([2, 3]) },
    [bare([2, 3]), []],
    [bare([2, 3]), {}],
    [[bare([2, 3])], [bare([2, 3])]],
    [[bare([2, 3]), bare([2, 3])]],
  ];
  for (const [i, a] of values.entries()) {
    for (const b of values.slice(i + 1)) assertNotEquals(of(a), of(b));
  }
});

Deno.test("a leaf that is no tensor is refused, with its place and what it is", () => {
  class Point {}
  const number = "make a tensor of it with tf.scalar, or let the function close over it";
  const object = "make an array or a plain object of it";
  const cases: [unknown, string][] = [
    [[bare(), { rate: 3 }], `argument[1].rate is a number; ${number}`],
    [["text"], `argument[0] is a string; ${number}`],
    [{ on: true }, `argument.on is a boolean; ${number}`],
    [null, "argument is null; leave it out"],
    [[undefined], "argument[0] is undefined; leave it out"],
    [new Point(), `argument is Point; ${object}`],
    [new Map([["x", bare()]]), `argument is Map; ${object}`],
    [[new Float32Array(2)], "argument[0] is Float32Array; make a tensor of it with tf.tensor"],
    [Promise.resolve(bare()), "argument is a promise; compile what needs no await, and await around it"],
    [() => bare(), "argument is a function; let the function close over it"],
  ];
  for (const [value, text] of cases) {
    const error = assertThrows(() => flatten(value, "argument"), TypeError);
    assertEquals(error.message, `jit takes and returns tensors, arrays and records of tensors: ${text}`);
  }
});

Deno.test("a result that is no tensor is refused with what to return", () => {
  const cases: [unknown, string][] = [
    [3, "result is a number; make a tensor of it with tf.scalar"],
    [undefined, "result is undefined; return the tensors that it computes, or [] for none"],
    [{ a: null }, "result.a is null; leave it out"],
  ];
  for (const [value, text] of cases) {
    const error = assertThrows(() => flatten(value, "result"), TypeError);
    assertEquals(error.message, `jit takes and returns tensors, arrays and records of tensors: ${text}`);
  }
});
