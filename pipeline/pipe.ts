/** Function composition, left to right. */

/**
 * Passes a value through up to ten functions from left to right: `pipe(x, f, g)` is `g(f(x))`. Each function takes what
 * the one before it returned, and the compiler checks that.
 *
 * @param value What the first function takes.
 * @returns What the last function returns; `value` itself when there is none.
 * @example
 * ```ts
 * import { pipe } from "@resnet/deno";
 *
 * const words = pipe(" a b c ", (text) => text.trim(), (text) => text.split(" "), (list) => list.length); // 3
 * ```
 */
export function pipe<A>(value: A): A;
/** One function. */
export function pipe<A, B>(value: A, f1: (a: A) => B): B;
/** Two functions. */
export function pipe<A, B, C>(value: A, f1: (a: A) => B, f2: (b: B) => C): C;
/**
 * Three functions.
 * @ignore Listing all of them would say the same eleven times.
 */
export function pipe<A, B, C, D>(value: A, f1: (a: A) => B, f2: (b: B) => C, f3: (c: C) => D): D;
/**
 * Four functions.
 * @ignore
 */
export function pipe<A, B, C, D, E>(
  value: A,
  f1: (a: A) => B,
  f2: (b: B) => C,
  f3: (c: C) => D,
  f4: (d: D) => E,
): E;
/**
 * Five functions.
 * @ignore
 */
export function pipe<A, B, C, D, E, F>(
  value: A,
  f1: (a: A) => B,
  f2: (b: B) => C,
  f3: (c: C) => D,
  f4: (d: D) => E,
  f5: (e: E) => F,
): F;
/**
 * Six functions.
 * @ignore
 */
export function pipe<A, B, C, D, E, F, G>(
  value: A,
  f1: (a: A) => B,
  f2: (b: B) => C,
  f3: (c: C) => D,
  f4: (d: D) => E,
  f5: (e: E) => F,
  f6: (f: F) => G,
): G;
/**
 * Seven functions.
 * @ignore
 */
export function pipe<A, B, C, D, E, F, G, H>(
  value: A,
  f1: (a: A) => B,
  f2: (b: B) => C,
  f3: (c: C) => D,
  f4: (d: D) => E,
  f5: (e: E) => F,
  f6: (f: F) => G,
  f7: (g: G) => H,
): H;
/**
 * Eight functions.
 * @ignore
 */
export function pipe<A, B, C, D, E, F, G, H, I>(
  value: A,
  f1: (a: A) => B,
  f2: (b: B) => C,
  f3: (c: C) => D,
  f4: (d: D) => E,
  f5: (e: E) => F,
  f6: (f: F) => G,
  f7: (g: G) => H,
  f8: (h: H) => I,
): I;
/**
 * Nine functions.
 * @ignore
 */
export function pipe<A, B, C, D, E, F, G, H, I, J>(
  value: A,
  f1: (a: A) => B,
  f2: (b: B) => C,
  f3: (c: C) => D,
  f4: (d: D) => E,
  f5: (e: E) => F,
  f6: (f: F) => G,
  f7: (g: G) => H,
  f8: (h: H) => I,
  f9: (i: I) => J,
): J;
/**
 * Ten functions.
 * @ignore
 */
export function pipe<A, B, C, D, E, F, G, H, I, J, K>(
  value: A,
  f1: (a: A) => B,
  f2: (b: B) => C,
  f3: (c: C) => D,
  f4: (d: D) => E,
  f5: (e: E) => F,
  f6: (f: F) => G,
  f7: (g: G) => H,
  f8: (h: H) => I,
  f9: (i: I) => J,
  f10: (j: J) => K,
): K;
export function pipe(value: unknown, ...functions: readonly ((input: never) => unknown)[]): unknown {
  return functions.reduce((result, step) => step(result as never), value);
}
