/** The local stand-ins for `jsr:@std/*`: what the published packages do, for the parts that are used. */
import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertExists,
  assertInstanceOf,
  AssertionError,
  assertMatch,
  assertNotEquals,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
  fail,
} from "@std/assert";
import { parseArgs } from "@std/cli";
import {
  basename,
  dirname,
  extname,
  fromFileUrl,
  isAbsolute,
  join,
  relative,
  resolve,
  toFileUrl,
} from "@std/path";

/** Checks, without the functions under test, that one of them throws AssertionError. */
function fails(fn: () => unknown): string {
  try {
    fn();
  } catch (error) {
    if (error instanceof AssertionError) return error.message;
  }
  throw new Error(`no AssertionError from ${fn}`);
}

Deno.test("assertEquals takes equal values, however deep", () => {
  assertEquals(-0, 0);
  assertEquals(NaN, NaN);
  assertEquals([1, [2, { a: NaN }]], [1, [2, { a: NaN }]]);
  assertEquals(new Map([[{ k: 1 }, new Set(["x", "y"])]]), new Map([[{ k: 1 }, new Set(["y", "x"])]]));
  assertEquals(new Set([{ a: 1 }]), new Set([{ a: 1 }]));
  assertEquals(new Date(5), new Date(5));
  assertEquals(/a/g, /a/g);
  assertEquals(Float32Array.of(1, NaN), Float32Array.of(1, NaN));
  assertEquals(Float32Array.of(1).buffer, Float32Array.of(1).buffer);
  assertEquals({ a: 1, b: 2 }, { b: 2, a: 1 });
  const cycle: unknown[] = [];
  cycle.push(cycle);
  const other: unknown[] = [];
  other.push(other);
  assertEquals(cycle, other);
});

Deno.test("assertEquals refuses unequal values and shows both", () => {
  const pairs: [unknown, unknown][] = [
    [1, 2],
    [1, "1"],
    [null, undefined],
    [{ a: undefined }, {}],
    [{}, { a: undefined }],
    [[1, 2], [1, 2, 3]],
    [[1], { 0: 1 }],
    [Float32Array.of(1), Float64Array.of(1)],
    [Float32Array.of(1, 2), Float32Array.of(1, 3)],
    [new Uint8Array([1]).buffer, new Uint8Array([2]).buffer],
    [new Map([[1, 2]]), new Map([[1, 3]])],
    [new Set([1]), new Set([2])],
    [new Date(5), new Date(6)],
    [/a/, /b/],
    [new Error("a"), new Error("b")],
    [{ [Symbol.iterator]: 1 }, { [Symbol.iterator]: 2 }],
  ];
  for (const [a, b] of pairs) {
    fails(() => assertEquals(a, b));
    assertNotEquals(a, b);
  }
  const message = fails(() => assertEquals([1, 2], [1, 3], "why"));
  for (const part of ["Values are not equal: why", "[ 1, 2 ]", "[ 1, 3 ]"]) assert(message.includes(part));
  fails(() => assertNotEquals([1], [1]));
});

Deno.test("the single-value assertions", () => {
  fails(() => assert(0));
  fails(() => assertStrictEquals([1], [1]));
  assertStrictEquals(NaN, NaN);
  assertExists(0);
  fails(() => assertExists(null));
  assertStringIncludes("abc", "bc");
  fails(() => assertStringIncludes("abc", "d"));
  assertMatch("abc", /b/);
  fails(() => assertMatch("abc", /d/));
  assertInstanceOf(new RangeError(), Error);
  fails(() => assertInstanceOf({}, Error));
  assert(fails(() => fail("x")) === "Failed assertion: x");
});

Deno.test("assertAlmostEquals: the tolerance is absolute, by default 1e-7 of the expected value", () => {
  assertAlmostEquals(1.00000009, 1);
  fails(() => assertAlmostEquals(1.0000002, 1));
  assertAlmostEquals(1e7 + 0.9, 1e7);
  assertAlmostEquals(0.1, 0.2, 0.11);
  fails(() => assertAlmostEquals(0.1, 0.2, 0.09));
  fails(() => assertAlmostEquals(NaN, 1, 1));
  assertAlmostEquals(Infinity, Infinity);
});

Deno.test("assertThrows and assertRejects check class and message and return the error", async () => {
  const thrower = () => {
    throw new RangeError("f: 5 of 3");
  };
  assert(assertThrows(thrower, RangeError, "5 of 3").message === "f: 5 of 3");
  fails(() => assertThrows(thrower, TypeError));
  fails(() => assertThrows(thrower, RangeError, "other"));
  fails(() => assertThrows(() => 1));
  assert((await assertRejects(() => Promise.reject(new RangeError("r")), RangeError, "r")).message === "r");
  for (
    const wrong of [
      assertRejects(() => Promise.resolve(1)),
      assertRejects(thrower),
      assertRejects(() => Promise.reject(new Error("x")), RangeError),
    ]
  ) {
    assert(await wrong.then(() => false, (error: unknown) => error instanceof AssertionError));
  }
});

Deno.test("parseArgs", () => {
  assertEquals(parseArgs(["--a", "1", "b", "--c=x=y", "--d", "--", "--e"]), {
    _: ["b", "--e"],
    a: 1,
    c: "x=y",
    d: true,
  });
  assertEquals(parseArgs(["--a", "1", "--b", "--c", "-5"], { string: ["a", "b", "c"] }), {
    _: [],
    a: "1",
    b: "",
    c: "",
    5: true,
  });
  const seen: unknown[] = [];
  const unknown = (...given: unknown[]) => {
    seen.push(given);
    return false;
  };
  assertEquals(parseArgs(["--known=1", "--x=2", "y"], { string: ["known"], unknown }), { _: [], known: "1" });
  assertEquals(seen, [["--x=2", "x", 2], ["y"]]);
});

Deno.test({
  name: "path",
  ignore: Deno.build.os === "windows",
  fn: () => {
    assertEquals(join("a", "..", "b", "c"), "b/c");
    assertEquals(dirname("/a/b.txt"), "/a");
    assertEquals(basename("/a/b.txt", ".txt"), "b");
    assertEquals(extname("a/b.tar.gz"), ".gz");
    assertEquals(resolve("/a", "../b"), "/b");
    assertEquals(relative("/a/b", "/a/c"), "../c");
    assert(isAbsolute("/a") && !isAbsolute("a"));
    assertEquals(fromFileUrl("file:///a%20b"), "/a b");
    assertEquals(toFileUrl("/a b").href, "file:///a%20b");
    assertThrows(() => toFileUrl("a"), TypeError, 'Path must be absolute: received "a"');
    assertThrows(() => fromFileUrl("data:,"), TypeError);
  },
});
