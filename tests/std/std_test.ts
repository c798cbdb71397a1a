/**
 * The local stand-ins for `jsr:@std/*`: what the published packages do, for the parts that are used. The messages and
 * values are those of `@std/assert` 1.0.19, `@std/cli` 1.0.32 and `@std/path` 1.1.6, which pass these tests too.
 */
import { stripVTControlCharacters } from "node:util";
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

/** Checks, without the functions under test, that one of them throws AssertionError, and with what message. */
function fails(fn: () => unknown, message?: string): void {
  let found: string | undefined;
  try {
    fn();
  } catch (error) {
    if (error instanceof AssertionError) found = stripVTControlCharacters(error.message);
  }
  if (found === undefined) throw new Error(`no AssertionError from ${fn}`);
  if (message !== undefined && found !== message) throw new Error(`${fn}: "${found}", not "${message}"`);
}

/** The same of a function that returns a promise. */
async function rejects(fn: () => Promise<unknown>, message: string): Promise<void> {
  const error = await fn().then(() => undefined, (error: unknown) => error);
  fails(() => {
    throw error;
  }, message);
}

/** Its value can only be read through a property of the class. */
class Hidden {
  readonly #value: number;
  constructor(value: number) {
    this.#value = value;
  }
  get value(): number {
    return this.#value;
  }
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
  assertEquals(Float32Array.of(-0), Float32Array.of(0));
  assertEquals({ a: 1, b: 2 }, { b: 2, a: 1 });
  assertEquals(Object.create(null), {});
  assertEquals(new Hidden(1), new Hidden(1));
  assertEquals(new URL("file:///a"), new URL("file:///a"));
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
    [new Error("a"), new Error("a")], // their stacks differ
    [new Hidden(1), new Hidden(2)],
    [new Hidden(1), { value: 1 }],
    [[, 1], [undefined, 1]],
    [{ [Symbol.iterator]: 1 }, { [Symbol.iterator]: 2 }],
  ];
  for (const [a, b] of pairs) {
    fails(() => assertEquals(a, b));
    assertNotEquals(a, b);
  }
  fails(
    () => assertEquals({ a: 1, b: [2, 3] }, { a: 1, b: [2, 4] }, "why"),
    `Values are not equal: why


    [Diff] Actual / Expected


    {
      a: 1,
      b: [
        2,
-       3,
+       4,
      ],
    }
`,
  );
  const head = "Values are not equal.\n\n\n    [Diff] Actual / Expected\n\n\n";
  fails(() => assertEquals([1, 2, 3], [1, 3]), `${head}    [\n      1,\n-     2,\n      3,\n    ]\n`);
  fails(() => assertEquals([1, 3], [1, 2, 3]), `${head}    [\n      1,\n+     2,\n      3,\n    ]\n`);
  fails(() => assertEquals("one\ntwo\tx", "one\ntwo"), `${head}    one\\n\n-   two\\tx\n+   two\n\n`);
  fails(() => assertNotEquals([1], [1]), "Expected actual: [\n  1,\n] not to be: [\n  1,\n].");
});

Deno.test("the single-value assertions", () => {
  fails(() => assert(0), "");
  fails(() => assert(0, "why"), "why");
  fails(
    () => assertStrictEquals([1], [1]),
    "Values have the same structure but are not reference-equal.\n\n    [\n      1,\n    ]\n",
  );
  fails(
    () => assertStrictEquals(0, -0, "why"),
    "Values are not strictly equal: why\n\n\n    [Diff] Actual / Expected\n\n\n-   0\n+   -0\n",
  );
  assertStrictEquals(NaN, NaN);
  assertExists(0);
  fails(() => assertExists(null), 'Expected actual: "null" to not be null or undefined.');
  assertStringIncludes("abc", "bc");
  fails(() => assertStringIncludes("abc", "d"), 'Expected actual: "abc" to contain: "d".');
  assertMatch("abc", /b/);
  fails(() => assertMatch("abc", /d/, "why"), 'Expected actual: "abc" to match: "/d/": why');
  assertInstanceOf(new RangeError(), Error);
  const expected = 'Expected object to be an instance of "Error"';
  fails(() => assertInstanceOf({}, Error), `${expected} but was "Object".`);
  fails(() => assertInstanceOf(null, Error, "why"), `${expected} but was "null": why`);
  fails(() => assertInstanceOf(1, Error), `${expected} but was "number".`);
  fails(() => assertInstanceOf(Error, Error), `${expected} but was not an instanced object.`);
  fails(() => fail(), "Failed assertion.");
  fails(() => fail("x"), "Failed assertion: x");
});

Deno.test("assertAlmostEquals: the tolerance is absolute, by default 1e-7 of the expected value", () => {
  assertAlmostEquals(1.00000009, 1);
  fails(() => assertAlmostEquals(1.0000002, 1));
  assertAlmostEquals(1e7 + 0.9, 1e7);
  assertAlmostEquals(0.1, 0.2, 0.11);
  fails(
    () => assertAlmostEquals(0.1, 0.2),
    'Expected actual: "1e-1" to be close to "2e-1": delta "1e-1" is greater than "2e-8".',
  );
  fails(
    () => assertAlmostEquals(0.1, 0.2, 0.09, "why"),
    'Expected actual: "1e-1" to be close to "2e-1": delta "1e-1" is greater than "9e-2": why',
  );
  fails(() => assertAlmostEquals(NaN, 1, 1));
  assertAlmostEquals(Infinity, Infinity);
});

Deno.test("assertThrows and assertRejects check class and message and return the error", async () => {
  const thrower = () => {
    throw new RangeError("f: 5 of 3");
  };
  const text = () => {
    throw "text";
  };
  assert(assertThrows(thrower, RangeError, "5 of 3").message === "f: 5 of 3");
  assert(assertThrows(text) === "text");
  // By its type it takes classes of errors only, not whatever could make one.
  type Maker = new (...args: never[]) => Error;
  const refused: Maker extends Parameters<typeof assertThrows>[1] ? false : true = true;
  assert(refused);
  fails(
    () => assertThrows(thrower, TypeError),
    'Expected error to be instance of "TypeError", but was "RangeError".',
  );
  fails(
    () => assertThrows(thrower, RangeError, "other", "why"),
    'Expected error message to include "other", but got "f: 5 of 3": why',
  );
  fails(() => assertThrows(() => 1), "Expected function to throw.");
  fails(() => assertThrows(() => 1, "why"), "Expected function to throw: why");
  fails(() => assertThrows(text, Error), "A non-Error object was thrown.");
  assert((await assertRejects(() => Promise.reject(new RangeError("r")), RangeError, "r")).message === "r");
  await rejects(() => assertRejects(() => Promise.resolve(1)), "Expected function to reject.");
  await rejects(() => assertRejects(thrower), "Function throws when expected to reject.");
  await rejects(
    () => assertRejects(() => Promise.reject(new Error("x")), RangeError),
    'Expected error to be instance of "RangeError", but was "Error".',
  );
  await rejects(
    () => assertRejects(() => Promise.reject(5), Error, "x", "why"),
    "A non-Error object was rejected: why",
  );
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
  assertEquals(parseArgs(["-n", "3", "-vx", "0x10", "1e3", " ", "--y="]), {
    _: [1000, " "],
    n: 3,
    v: true,
    x: 16,
    y: "",
  });
  assertEquals(parseArgs(["--no-a=1", "--no-b"]), { _: [], a: 1, "no-b": true });
  const seen: unknown[] = [];
  const unknown = (...given: unknown[]) => {
    seen.push(given);
    return false;
  };
  const args = ["--known=1", "--x=2", "y", "-zk", "5", "--w"];
  assertEquals(parseArgs(args, { string: ["known"], unknown }), { _: [], known: "1" });
  assertEquals(seen, [["--x=2", "x", "2"], ["y"], ["-zk", "z", true], ["-zk", "k", "5"], ["--w", "w", true]]);
});

Deno.test({
  name: "path",
  ignore: Deno.build.os === "windows",
  fn: () => {
    assertEquals(join("a", "..", "b", "c"), "b/c");
    assertEquals(dirname("/a/b.txt"), "/a");
    assertEquals(dirname("a//b"), "a");
    assertEquals(basename("/a/b.txt", ".txt"), "b");
    assertEquals(basename("a/.txt", ".txt"), ".txt");
    assertEquals([basename("/"), basename("a/b/")], ["/", "b"]);
    assertEquals(extname("a/b.tar.gz"), ".gz");
    assertEquals(resolve("/a", "../b"), "/b");
    assertEquals(relative("/a/b", "/a/c"), "../c");
    assert(isAbsolute("/a") && !isAbsolute("a"));
    assertEquals(fromFileUrl("file:///a%20b"), "/a b");
    assertEquals(fromFileUrl("file:///a%zz"), "/a%zz");
    assertEquals(toFileUrl("/a#b?c%d").href, "file:///a%23b%3Fc%25d");
    assertEquals(toFileUrl("/a b").href, "file:///a%20b");
    assertThrows(() => toFileUrl("a"), TypeError, 'Path must be absolute: received "a"');
    assertThrows(() => fromFileUrl("data:,"), TypeError, 'URL must be a file URL: received "data:"');
  },
});
