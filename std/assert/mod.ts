/**
 * Local stand-in for `jsr:@std/assert` 1.x: the assertions this project uses, with the published package's
 * signatures and semantics. `links` in deno.json puts it in that package's place, so that no registry is needed.
 */
import { inspect } from "node:util";

/** What a failed assertion throws. */
export class AssertionError extends Error {
  /** The class' name, as it is printed. */
  override readonly name = "AssertionError";
}

/** Throws `AssertionError`; always. */
export function fail(msg?: string): never {
  throw new AssertionError(
    msg ? `Failed assertion: ${msg}` : "Failed assertion.",
  );
}

/** Asserts that a value is truthy. */
export function assert(expr: unknown, msg = ""): asserts expr {
  if (!expr) throw new AssertionError(msg);
}

/** Asserts deep equality. `NaN` equals `NaN`, `0` equals `-0`, a missing property differs from one that is `undefined`. */
export function assertEquals<T>(actual: T, expected: T, msg?: string): void {
  if (!equal(actual, expected, new Map())) {
    throw mismatch("Values are not equal", actual, expected, msg);
  }
}

/** Asserts that two values are not deeply equal. */
export function assertNotEquals<T>(actual: T, expected: T, msg?: string): void {
  if (equal(actual, expected, new Map())) {
    throw mismatch("Values are equal", actual, expected, msg);
  }
}

/** Asserts identity, by `Object.is`. */
export function assertStrictEquals<T>(
  actual: unknown,
  expected: T,
  msg?: string,
): asserts actual is T {
  if (!Object.is(actual, expected)) {
    throw mismatch("Values are not strictly equal", actual, expected, msg);
  }
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
  throw new AssertionError(
    `Expected actual: "${actual}" to be close to "${expected}": delta "${delta}" is greater than "${allowed}"${
      suffix(msg)
    }`,
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
  expectedType: abstract new (...args: never[]) => T,
  msg?: string,
): asserts actual is T {
  if (actual instanceof expectedType) return;
  const found = typeof actual === "object" && actual !== null ? actual.constructor?.name : typeof actual;
  throw new AssertionError(
    `Expected object to be an instance of "${expectedType.name}" but was "${found}"${suffix(msg)}`,
  );
}

/** Asserts that a function throws, and returns what it threw. */
export function assertThrows(fn: () => unknown, msg?: string): unknown;
/** Asserts that a function throws an error of a class whose message holds a text, and returns that error. */
export function assertThrows<E extends Error>(
  fn: () => unknown,
  ErrorClass: abstract new (...args: never[]) => E,
  msgIncludes?: string,
  msg?: string,
): E;
export function assertThrows(
  fn: () => unknown,
  classOrMsg?: (abstract new (...args: never[]) => Error) | string,
  msgIncludes?: string,
  msg?: string,
): unknown {
  const because = typeof classOrMsg === "string" ? classOrMsg : msg;
  try {
    fn();
  } catch (error) {
    if (typeof classOrMsg === "function") {
      checkError(error, classOrMsg, msgIncludes, because);
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
export function assertRejects<E extends Error>(
  fn: () => PromiseLike<unknown>,
  ErrorClass: abstract new (...args: never[]) => E,
  msgIncludes?: string,
  msg?: string,
): Promise<E>;
export async function assertRejects(
  fn: () => PromiseLike<unknown>,
  classOrMsg?: (abstract new (...args: never[]) => Error) | string,
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
      checkError(error, classOrMsg, msgIncludes, because);
    }
    return error;
  }
  throw new AssertionError(`Expected function to reject${suffix(because)}`);
}

function checkError(
  error: unknown,
  ErrorClass: abstract new (...args: never[]) => Error,
  msgIncludes = "",
  msg?: string,
): void {
  if (!(error instanceof Error)) {
    throw new AssertionError(
      `Expected "error" to be an Error object${suffix(msg)}`,
    );
  }
  const found = `"${error.constructor.name}": ${error.message}`;
  if (!(error instanceof ErrorClass)) {
    throw new AssertionError(
      `Expected error to be instance of "${ErrorClass.name}", but was ${found}${suffix(msg)}`,
    );
  }
  if (!error.message.includes(msgIncludes)) {
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

function mismatch(
  what: string,
  actual: unknown,
  expected: unknown,
  msg?: string,
): AssertionError {
  const show = (value: unknown) => inspect(value, { depth: 8, maxArrayLength: 40, breakLength: 100 });
  return new AssertionError(
    `${what}${suffix(msg)}\n  actual:   ${show(actual)}\n  expected: ${show(expected)}`,
  );
}

function equal(a: unknown, b: unknown, seen: Map<object, object>): boolean {
  if (typeof a === "number" && typeof b === "number") {
    return a === b || (Number.isNaN(a) && Number.isNaN(b));
  }
  if (Object.is(a, b)) return true;
  if (
    typeof a !== "object" || typeof b !== "object" || a === null || b === null
  ) return false;
  if ((a.constructor ?? Object) !== (b.constructor ?? Object)) return false;
  if (a instanceof Date && b instanceof Date) {
    return equal(a.getTime(), b.getTime(), seen);
  }
  if (a instanceof RegExp || a instanceof URL) return String(a) === String(b);
  if (a instanceof ArrayBuffer && b instanceof ArrayBuffer) {
    return equal(new Uint8Array(a), new Uint8Array(b), seen);
  }
  if (seen.get(a) === b) return true;
  seen.set(a, b);
  if (a instanceof Set && b instanceof Set) {
    return a.size === b.size &&
      [...a].every((x) => b.has(x) || [...b].some((y) => equal(x, y, seen)));
  }
  if (a instanceof Map && b instanceof Map) {
    return a.size === b.size &&
      [...a].every(([k, x]) =>
        b.has(k) ? equal(x, b.get(k), seen) : [...b].some((e) => equal([k, x], e, seen))
      );
  }
  const keysA = Reflect.ownKeys(a).filter((key) => Object.prototype.propertyIsEnumerable.call(a, key));
  const keysB = Reflect.ownKeys(b).filter((key) => Object.prototype.propertyIsEnumerable.call(b, key));
  return keysA.length === keysB.length &&
    keysA.every((key) => key in b && equal(Reflect.get(a, key), Reflect.get(b, key), seen)) &&
    (!(a instanceof Error && b instanceof Error) || a.message === b.message);
}
