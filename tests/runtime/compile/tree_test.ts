/** Trees of tensors: every tensor in its place, and none forgotten. */
import * as tf from "@tensorflow/tfjs";
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { tree } from "../../../runtime/mod.ts";
import { held, leakTest } from "../harness.ts";

/** A tensor without values: most of what is here reads none, and needs no backend. */
function bare(...shape: number[]): tf.Tensor {
  return new tf.Tensor(shape, "float32", {}, 0);
}

/** Any nesting of lists and records with tensors at the ends, or nothing. */
const nested = fc.letrec<{ value: unknown; leaf: tf.Tensor | undefined }>((tie) => ({
  leaf: fc.boolean().map((there) => there ? bare() : undefined),
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    tie("leaf"),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(fc.string(), tie("value"), { maxKeys: 4, noNullPrototype: true }),
  ),
})).value;

/** What stands at the end of a path. */
function at(value: unknown, path: readonly string[]): unknown {
  return path.reduce((node, key) => Reflect.get(Object(node), key), value);
}

Deno.test("tree.entries: a path leads to each tensor; tree.map puts what it makes there, and keeps the rest", () => {
  fc.assert(fc.property(nested, (value) => {
    const entries = tree.entries(value);
    for (const [path, tensor] of entries) assertStrictEquals(at(value, path), tensor);
    let calls = 0;
    const mapped = tree.map((tensor) => [calls++, tensor], value);
    assertEquals(calls, entries.length);
    for (const [i, [path, tensor]] of entries.entries()) {
      const [number, same] = at(mapped, path) as [number, tf.Tensor];
      assertEquals(number, i, "in the order in which they stand");
      assertStrictEquals(same, tensor);
    }
    // The map of itself is the same tree: nothing is lost on the way, empty lists, records and gaps neither.
    const same = (a: unknown, b: unknown): boolean => {
      if (a === undefined || a instanceof tf.Tensor) return a === b;
      if (Array.isArray(a) !== Array.isArray(b)) return false;
      const [x, y] = [Object.entries(Object(a)), Object.entries(Object(b))];
      return x.length === y.length && x.every(([key, item], i) => key === y[i][0] && same(item, y[i][1]));
    };
    assert(same(value, tree.map((tensor) => tensor, value)));
  }));
});

Deno.test("tree.entries: keys and positions, in order", () => {
  const [a, b, c] = [bare(1), bare(2), bare(3)];
  const state = { variables: { params: { "fc.weight": a } }, slow: undefined, more: [b, { c }] };
  assertEquals(tree.entries(state).map(([path, { shape }]) => [path.join("/"), shape]), [
    ["variables/params/fc.weight", [1]],
    ["more/0", [2]],
    ["more/1/c", [3]],
  ]);
  assertEquals(tree.tensors(state), [a, b, c]);
  assertEquals(tree.entries(a), [[[], a]]);
  assertEquals(tree.entries(undefined), []);
});

Deno.test("tree.map: the tensors that stand in the same place of several trees", () => {
  const make = (n: number) => ({ w: bare(n, 1), list: [bare(n, 2), undefined] as const, gone: undefined });
  const shapes = tree.map((...same) => same.map(({ shape }) => shape), make(1), make(2), make(3));
  assertEquals(shapes, {
    w: [[1, 1], [2, 1], [3, 1]],
    list: [[[1, 2], [2, 2], [3, 2]], undefined],
    gone: undefined,
  });
  // A tree of which only a part is wanted: the first one decides.
  const part: { a: tf.Tensor; b?: tf.Tensor } = { a: bare(4) };
  assertEquals(tree.map((a, b) => [a.shape, b.shape], part, { a: bare(5), b: bare(6) }), { a: [[4], [5]] });
});

Deno.test("tree.map: a tree that lacks a place of the first is refused", () => {
  type Part = { readonly a?: tf.Tensor; readonly b?: { readonly c?: tf.Tensor } };
  const whole: Part = { a: bare(), b: { c: bare() } };
  const cases: [Part[], string][] = [
    [[{ a: bare() }], "tree 2"],
    [[{ a: bare(), b: {} }], "tree 2"],
    [[whole, { b: { c: bare() } }], "tree 3"],
  ];
  for (const [others, which] of cases) {
    assertThrows(
      () => tree.map((tensor) => tensor, whole, ...others),
      TypeError,
      `tree.map: ${which} has no tensor where the first has one`,
    );
  }
});

Deno.test("tree: something else than a tensor is refused, wherever it stands and whatever it hides", () => {
  class Point {
    x = bare();
  }
  const cases: [unknown, string][] = [
    [3, "a number"],
    [null, "null"],
    ["text", "a string"],
    [() => bare(), "a function"],
    [Promise.resolve(bare()), "a promise"],
    [new Map([["w", bare()]]), "Map"],
    [new Float32Array(2), "Float32Array"],
    [new Point(), "Point"],
  ];
  for (const [value, found] of cases) {
    for (const place of [value, [bare(), value], { a: { b: value } }]) {
      for (
        const use of [tree.entries, tree.dispose, (place: unknown) => tree.map((tensor) => tensor, place)]
      ) {
        assertThrows(
          () => use(place),
          TypeError,
          `tree: a tree holds tensors, lists and records, found ${found}`,
        );
      }
    }
  }
});

leakTest("tree.dispose: every tensor of a tree, gaps and doubles and all", () => {
  const a = tf.scalar(1);
  tree.dispose({ a, list: [tf.ones([2]), { same: a, gone: undefined }] });
  tree.dispose(undefined);
});

leakTest("tree.tidy: what is not returned is disposed of, and all of it if the function throws", () => {
  const before = held();
  const kept = tree.tidy(() => {
    const one = tf.ones([2]);
    return { sum: tf.add(one, one), list: [tf.mul(one, 3), undefined], steps: 7 };
  });
  assertEquals(held().tensors - before.tensors, 2);
  assertEquals([...kept.sum.dataSync(), kept.steps], [2, 2, 7]);
  tree.dispose([kept.sum, kept.list]);
  assertThrows(
    () =>
      tree.tidy(() => {
        tf.square(tf.ones([2]));
        throw new RangeError("mine");
      }),
    RangeError,
    "mine",
  );
  assertEquals(held(), before);
});
