/**
 * NumPy's legacy random numbers, to the bit, so that a shuffle here is the shuffle a Python script made.
 *
 * The generator is pure-rand's MT19937 with the authors' two ways of seeding (M. Matsumoto and T. Nishimura, "Mersenne
 * Twister: A 623-dimensionally equidistributed uniform pseudorandom number generator", ACM TOMACS 8(1), 1998; seeding of
 * 2002): by one integer, which pure-rand does too, and by an array.
 * The shuffle is that of `numpy.random.RandomState.shuffle`, whose bounded integers come from NumPy's
 * `random_interval`: the smallest mask of ones that covers the bound, and rejection of what lies above it, so every
 * order is equally likely. NumPy guarantees that this stream never changes (NEP 19).
 */
import { mersenne, mersenneFromState } from "pure-rand/generator/mersenne";

/** Length of the generator's state, in 32-bit words. */
const N = 624;

/** A seed as `numpy.random.seed` takes it: one integer, or several that are mixed, each in `[0, 2^32)`. */
export type Seed = number | readonly number[];

/** MT19937; `next()` gives 32 random bits, as a signed integer. */
type RandomGenerator = ReturnType<typeof mersenne>;

/** The generator in the state that `numpy.random.seed(seed)` leaves it in. */
function seeded(seed: Seed): RandomGenerator {
  if (typeof seed === "number") return mersenne(seed);
  const generator = mersenneFromState([0, ...initByArray(seed)]);
  // NumPy renews the whole state before its first draw, pure-rand each word as it is drawn.
  for (let i = 0; i < N; i++) generator.next();
  return generator;
}

/** `init_genrand` of the authors' code. */
function initGenrand(seed: number): Int32Array {
  const state = new Int32Array(N);
  state[0] = seed;
  for (let i = 1; i < N; i++) {
    const previous = state[i - 1] ^ (state[i - 1] >>> 30);
    state[i] = Math.imul(1812433253, previous) + i;
  }
  return state;
}

/** `init_by_array` of the authors' code. */
function initByArray(key: readonly number[]): Int32Array {
  const state = initGenrand(19650218);
  let i = 1;
  const advance = () => {
    if (++i === N) {
      state[0] = state[N - 1];
      i = 1;
    }
  };
  for (let k = 0; k < Math.max(N, key.length); k++) {
    const previous = state[i - 1] ^ (state[i - 1] >>> 30);
    const j = k % key.length;
    state[i] = (state[i] ^ Math.imul(previous, 1664525)) + key[j] + j;
    advance();
  }
  for (let k = 1; k < N; k++) {
    const previous = state[i - 1] ^ (state[i - 1] >>> 30);
    state[i] = (state[i] ^ Math.imul(previous, 1566083941)) - i;
    advance();
  }
  state[0] = 0x80000000;
  return state;
}

/** A uniform integer in `[0, max]`, for `max` from 1 to `2^32 - 1`. */
function interval(generator: RandomGenerator, max: number): number {
  const mask = 0xffffffff >>> Math.clz32(max);
  for (;;) {
    const value = (generator.next() & mask) >>> 0;
    if (value <= max) return value;
  }
}

/**
 * The integers from 0 to `n - 1` in the order that NumPy gives them:
 * `indices = list(range(n)); numpy.random.seed(seed); numpy.random.shuffle(indices)`.
 *
 * @param n How many, from 0 to `2^32 - 1`.
 * @param seed One integer, or several (`numpy.random.seed([a, b])`), each in `[0, 2^32)`.
 * @returns A permutation, `[n]`.
 * @throws {RangeError} If `n` or the seed is not such an integer, or the list of seeds is empty.
 * @example
 * ```ts
 * import { numpyShuffle } from "./numpy_random.ts";
 *
 * numpyShuffle(50000, 42).subarray(0, 4); // 33553, 9427, 199, 12447
 * ```
 */
export function numpyShuffle(n: number, seed: Seed): Uint32Array {
  if (!isUint32(n)) throw new RangeError(`numpyShuffle: n must be an integer from 0 to 2^32 - 1, found ${n}`);
  checkSeed("numpyShuffle", seed);
  const order = Uint32Array.from({ length: n }, (_, index) => index);
  const generator = seeded(seed);
  for (let i = n - 1; i > 0; i--) {
    const j = interval(generator, i);
    const last = order[i];
    order[i] = order[j];
    order[j] = last;
  }
  return order;
}

/**
 * Uniform numbers in [0, 1), one a call, as NumPy draws them: `numpy.random.RandomState(seed).random_sample()`.
 *
 * @param seed One integer, or several (`RandomState([a, b])`), each in `[0, 2^32)`.
 * @throws {RangeError} If it is no such seed.
 */
export function numpyUniform(seed: Seed): () => number {
  checkSeed("numpyUniform", seed);
  const generator = seeded(seed);
  // 53 bits, of two draws.
  return () => ((generator.next() >>> 5) * 2 ** 26 + (generator.next() >>> 6)) / 2 ** 53;
}

function checkSeed(name: string, seed: Seed): void {
  const parts = typeof seed === "number" ? [seed] : seed;
  if (parts.length === 0 || !parts.every(isUint32)) {
    throw new RangeError(
      `${name}: a seed must be an integer from 0 to 2^32 - 1, found ${JSON.stringify(seed)}`,
    );
  }
}

function isUint32(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= 0xffffffff;
}
