/**
 * Local stand-in for `jsr:@std/assert` 1.x: the assertions this project uses, with the published package's
 * signatures and semantics. `links` in deno.json puts it in that package's place, so that no registry is needed.
 * Messages are the published ones without colours; among equally short differences it may show another.
 */
import { stripVTControlCharacters } from "node:util";

// The published signatures say `any` too: `never` would let through constructors that they refuse.
// deno-lint-ignore no-explicit-any
type Class<T> = abstract new (...args: any[]) => T;

/** What a failed assertion throws. */
export class AssertionError extends Error {
  /** Takes the message, and with `options` a cause. */
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "AssertionError";
  }
}

/** Throws `AssertionError`; always. */
export function fail(msg?: string): never {
  throw new AssertionError(`Failed assertion${suffix(msg)}`);
}

/** Asserts that a value is truthy. */
export function assert(expr: unknown, msg = ""): asserts expr {
  if (!expr) throw new AssertionError(msg);
}

/**
 * Asserts deep equality. `NaN` equals `NaN`, `0` equals `-0`, a missing property differs from one that is `undefined`.
 * Of class instances the inherited and the hidden properties count too: two errors made apart differ in their stacks.
 */
export function assertEquals<T>(actual: T, expected: T, msg?: string): void {
  if (!equal(actual, expected, new Map())) {
    throw new AssertionError(`Values are not equal${suffix(msg)}\n${difference(actual, expected)}`);
  }
}

/** Asserts that two values are not deeply equal. */
export function assertNotEquals<T>(actual: T, expected: T, msg?: string): void {
  if (equal(actual, expected, new Map())) {
    throw new AssertionError(
      `Expected actual: ${format(actual)} not to be: ${format(expected)}${suffix(msg)}`,
    );
  }
}

/** Asserts identity, by `Object.is`. */
export function assertStrictEquals<T>(
  actual: unknown,
  expected: T,
  msg?: string,
): asserts actual is T {
  if (Object.is(actual, expected)) return;
  const shown = format(actual);
  throw new AssertionError(
    shown === format(expected)
      ? `Values have the same structure but are not reference-equal${suffix(msg)}\n\n${indent(shown)}\n`
      : `Values are not strictly equal${suffix(msg)}\n${difference(actual, expected)}`,
  );
}

/** Asserts `|expected - actual| <= tolerance`; without a tolerance, 1e-7 of the expected value. */
export function assertAlmostEquals(
  actual: number,
  expected: number,
  tolerance?: number,
  msg?: string,
): void {
  if (Object.is(actual, expected)) return;
  const allowed = tolerance ??
    (Number.isFinite(expected) ? Math.abs(expected * 1e-7) : 1e-7);
  const delta = Math.abs(expected - actual);
  if (delta <= allowed) return;
  const [a, e, d, t] = [actual, expected, delta, allowed].map((value) =>
    Number.isInteger(value) ? value : value.toExponential()
  );
  throw new AssertionError(
    `Expected actual: "${a}" to be close to "${e}": delta "${d}" is greater than "${t}"${suffix(msg)}`,
  );
}

/** Asserts that a value is neither `null` nor `undefined`. */
export function assertExists<T>(
  actual: T,
  msg?: string,
): asserts actual is NonNullable<T> {
  if (actual === null || actual === undefined) {
    throw new AssertionError(
      `Expected actual: "${actual}" to not be null or undefined${suffix(msg)}`,
    );
  }
}

/** Asserts that a string holds another. */
export function assertStringIncludes(
  actual: string,
  expected: string,
  msg?: string,
): void {
  if (actual.includes(expected)) return;
  throw new AssertionError(
    `Expected actual: "${actual}" to contain: "${expected}"${suffix(msg)}`,
  );
}

/** Asserts that a string matches a regular expression. */
export function assertMatch(
  actual: string,
  expected: RegExp,
  msg?: string,
): void {
  if (expected.test(actual)) return;
  throw new AssertionError(
    `Expected actual: "${actual}" to match: "${expected}"${suffix(msg)}`,
  );
}

/** Asserts that a value is an instance of a class. */
export function assertInstanceOf<T>(
  actual: unknown,
  expectedType: Class<T>,
  msg?: string,
): asserts actual is T {
  if (actual instanceof expectedType) return;
  const found = actual === null
    ? "null"
    : typeof actual === "object"
    ? actual.constructor?.name ?? "Object"
    : typeof actual;
  const but = found === expectedType.name
    ? ""
    : found === "function"
    ? " but was not an instanced object"
    : ` but was "${found}"`;
  throw new AssertionError(
    `Expected object to be an instance of "${expectedType.name}"${but}${suffix(msg)}`,
  );
}

/** Asserts that a function throws, and returns what it threw. */
export function assertThrows(fn: () => unknown, msg?: string): unknown;
/** Asserts that a function throws an error of a class whose message holds a text, and returns that error. */
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  ErrorClass: Class<E>,
  msgIncludes?: string,
  msg?: string,
): E;
export function assertThrows(
  fn: () => unknown,
  classOrMsg?: Class<Error> | string,
  msgIncludes?: string,
  msg?: string,
): unknown {
  const because = typeof classOrMsg === "string" ? classOrMsg : msg;
  try {
    fn();
  } catch (error) {
    if (typeof classOrMsg === "function") {
      checkError(error, classOrMsg, "thrown", msgIncludes, because);
    }
    return error;
  }
  throw new AssertionError(`Expected function to throw${suffix(because)}`);
}

/** Asserts that a function's promise rejects, and resolves to the reason. */
export function assertRejects(
  fn: () => PromiseLike<unknown>,
  msg?: string,
): Promise<unknown>;
/** Asserts that a function's promise rejects with an error of a class whose message holds a text. */
export function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  ErrorClass: Class<E>,
  msgIncludes?: string,
  msg?: string,
): Promise<E>;
export async function assertRejects(
  fn: () => PromiseLike<unknown>,
  classOrMsg?: Class<Error> | string,
  msgIncludes?: string,
  msg?: string,
): Promise<unknown> {
  const because = typeof classOrMsg === "string" ? classOrMsg : msg;
  let promise: PromiseLike<unknown>;
  try {
    promise = fn();
  } catch {
    throw new AssertionError(
      `Function throws when expected to reject${suffix(because)}`,
    );
  }
  try {
    await promise;
  } catch (error) {
    if (typeof classOrMsg === "function") {
      checkError(error, classOrMsg, "rejected", msgIncludes, because);
    }
    return error;
  }
  throw new AssertionError(`Expected function to reject${suffix(because)}`);
}

function checkError(
  error: unknown,
  ErrorClass: Class<Error>,
  done: "thrown" | "rejected",
  msgIncludes = "",
  msg?: string,
): void {
  if (!(error instanceof Error)) {
    throw new AssertionError(`A non-Error object was ${done}${suffix(msg)}`);
  }
  const found = error.constructor.name;
  if (!(error instanceof ErrorClass)) {
    throw new AssertionError(
      `Expected error to be instance of "${ErrorClass.name}", but was "${found}"${suffix(msg)}`,
    );
  }
  if (!stripVTControlCharacters(error.message).includes(stripVTControlCharacters(msgIncludes))) {
    throw new AssertionError(
      `Expected error message to include ${JSON.stringify(msgIncludes)}, but got ${
        JSON.stringify(error.message)
      }${suffix(msg)}`,
    );
  }
}

function suffix(msg?: string): string {
  return msg ? `: ${msg}` : ".";
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, "    ");
}

function format(value: unknown): string {
  return Deno.inspect(value, {
    depth: Infinity,
    sorted: true,
    trailingComma: true,
    compact: false,
    iterableLimit: Infinity,
    getters: true,
    strAbbreviateSize: Infinity,
  });
}

/** Both values line by line: `-` before what only the actual one has, `+` before what only the expected one has. */
function difference(actual: unknown, expected: unknown): string {
  const texts = typeof actual === "string" && typeof expected === "string";
  const [a, b] = [actual, expected].map((value) => (texts ? escaped(`${value}`) : format(value)).split("\n"));
  return ["", "", "    [Diff] Actual / Expected", "", "", ...diffLines(a, b), ...(texts ? ["", ""] : [""])]
    .join(
      "\n",
    );
}

/** Makes control characters visible. A line break stays one. */
function escaped(text: string): string {
  const names: Record<string, string> = {
    "\\": "\\\\",
    "\b": "\\b",
    "\f": "\\f",
    "\t": "\\t",
    "\v": "\\v",
    "\r": "\\r",
    "\n": "\\n\n",
  };
  return text.replaceAll(/[\\\b\f\t\v\r\n]/g, (character) => names[character]);
}

function diffLines(a: readonly string[], b: readonly string[]): string[] {
  let start = 0;
  while (start < Math.min(a.length, b.length) && a[start] === b[start]) start++;
  let same = 0;
  while (same < Math.min(a.length, b.length) - start && a.at(-1 - same) === b.at(-1 - same)) same++;
  return [
    ...a.slice(0, start).map((line) => `    ${line}`),
    ...changes(a.slice(start, a.length - same), b.slice(start, b.length - same)),
    ...a.slice(a.length - same).map((line) => `    ${line}`),
  ];
}

/** The fewest lines to take from `a` and to add to make it `b`, by their longest common subsequence. */
function changes(a: readonly string[], b: readonly string[]): string[] {
  // The table below would not fit in memory.
  if (a.length * b.length > 1e7) {
    return [
      ...a.map((line) => `-   ${line}`),
      ...b.map((line) => `+   ${line}`),
    ];
  }
  const common = Array.from({ length: a.length + 1 }, () => new Uint32Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      common[i][j] = a[i] === b[j] ? common[i + 1][j + 1] + 1 : Math.max(common[i + 1][j], common[i][j + 1]);
    }
  }
  const lines: string[] = [];
  for (let [i, j] = [0, 0]; i < a.length || j < b.length;) {
    if (i < a.length && a[i] === b[j]) {
      lines.push(`    ${a[i++]}`);
      j++;
    } else if (j === b.length || (i < a.length && common[i + 1][j] >= common[i][j + 1])) {
      lines.push(`-   ${a[i++]}`);
    } else lines.push(`+   ${b[j++]}`);
  }
  return lines;
}

function equal(a: unknown, b: unknown, seen: Map<object, object>): boolean {
  if (a === b || Object.is(a, b)) return true;
  if (
    typeof a !== "object" || typeof b !== "object" || a === null || b === null
  ) return false;
  if (a instanceof Date && b instanceof Date) {
    return Object.is(a.getTime(), b.getTime());
  }
  // An object without a prototype counts as a plain one.
  const prototype = Object.getPrototypeOf(a) ?? Object.prototype;
  if (prototype !== (Object.getPrototypeOf(b) ?? Object.prototype)) return false;
  const [elementsA, elementsB] = [elements(a), elements(b)];
  if (elementsA && elementsB) {
    return elementsA.length === elementsB.length &&
      Array.prototype.every.call(elementsA, (x, i) => equal(x, elementsB[i], seen));
  }
  if (a instanceof RegExp || a instanceof URL) return String(a) === String(b);
  if (seen.get(a) === b) return true;
  if (Object.keys(a).length !== Object.keys(b).length) return false;
  seen.set(a, b);
  if (a instanceof Set && b instanceof Set) {
    return a.size === b.size &&
      [...a].every((x) => b.has(x) || [...b].some((y) => equal(x, y, seen)));
  }
  if (a instanceof Map && b instanceof Map) {
    return a.size === b.size &&
      [...a].every(([k, x]) =>
        b.has(k) && equal(x, b.get(k), seen) || [...b].some((entry) => equal([k, x], entry, seen))
      );
  }
  const plain = prototype === Object.prototype || prototype === Array.prototype;
  const keys = plain ? Reflect.ownKeys({ ...a, ...b }) : [...allKeys(a), ...allKeys(b)];
  return keys.every((key) => key in a && key in b && equal(Reflect.get(a, key), Reflect.get(b, key), seen));
}

/** The elements of a typed array, the bytes of a buffer. */
function elements(value: object): ArrayLike<unknown> | undefined {
  if (value instanceof ArrayBuffer || value instanceof SharedArrayBuffer) return new Uint8Array(value);
  // Every view but DataView has elements, which the type of a view does not say.
  return ArrayBuffer.isView(value) && !(value instanceof DataView)
    ? value as unknown as ArrayLike<unknown>
    : undefined;
}

/** The keys of an instance and of its classes. */
function allKeys(value: object | null): PropertyKey[] {
  return value === null || value === Object.prototype
    ? []
    : [...Reflect.ownKeys(value), ...allKeys(Object.getPrototypeOf(value))];
}
