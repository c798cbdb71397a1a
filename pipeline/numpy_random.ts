/**
 * NumPy's legacy random numbers, to the bit, so that a shuffle here is the shuffle a Python script made.
 *
 * The generator is MT19937 with the authors' two ways of seeding (M. Matsumoto and T. Nishimura, "Mersenne Twister: A
 * 623-dimensionally equidistributed uniform pseudorandom number generator", ACM TOMACS 8(1), 1998; seeding of 2002).
 * The shuffle is that of `numpy.random.RandomState.shuffle`, whose bounded integers come from NumPy's
 * `random_interval`: the smallest mask of ones that covers the bound, and rejection of what lies above it, so every
 * order is equally likely. NumPy guarantees that this stream never changes (NEP 19).
 */

/** Length of the state, in 32-bit words. */
const N = 624;
/** Distance of the recurrence. */
const M = 397;

/** A seed as `numpy.random.seed` takes it: one integer, or several that are mixed, each in `[0, 2^32)`. */
export type Seed = number | readonly number[];

/** A Mersenne Twister in the state `numpy.random.seed(seed)` leaves it in. */
class MersenneTwister {
  readonly #state = new Uint32Array(N);
  #position = N;

  constructor(seed: Seed) {
    if (typeof seed === "number") this.#seedByInteger(seed);
    else this.#seedByArray(seed);
  }

  /** The next 32 random bits, as an unsigned integer. */
  next(): number {
    if (this.#position === N) this.#twist();
    let y = this.#state[this.#position++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  }

  /** A uniform integer in `[0, max]`, for `max` from 1 to `2^32 - 1`. */
  interval(max: number): number {
    const mask = 0xffffffff >>> Math.clz32(max);
    for (;;) {
      const value = (this.next() & mask) >>> 0;
      if (value <= max) return value;
    }
  }

  /** `init_genrand` of the authors' code. */
  #seedByInteger(seed: number): void {
    const state = this.#state;
    state[0] = seed;
    for (let i = 1; i < N; i++) {
      const previous = state[i - 1] ^ (state[i - 1] >>> 30);
      state[i] = Math.imul(1812433253, previous) + i;
    }
  }

  /** `init_by_array` of the authors' code. */
  #seedByArray(key: readonly number[]): void {
    const state = this.#state;
    this.#seedByInteger(19650218);
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
  }

  /** Makes the next `N` words of state. */
  #twist(): void {
    const state = this.#state;
    for (let i = 0; i < N; i++) {
      const y = (state[i] & 0x80000000) | (state[(i + 1) % N] & 0x7fffffff);
      state[i] = state[(i + M) % N] ^ (y >>> 1) ^ ((y & 1) * 0x9908b0df);
    }
    this.#position = 0;
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
  const parts = typeof seed === "number" ? [seed] : seed;
  if (parts.length === 0 || !parts.every(isUint32)) {
    throw new RangeError(
      `numpyShuffle: a seed must be an integer from 0 to 2^32 - 1, found ${JSON.stringify(seed)}`,
    );
  }
  const order = Uint32Array.from({ length: n }, (_, index) => index);
  const random = new MersenneTwister(seed);
  for (let i = n - 1; i > 0; i--) {
    const j = random.interval(i);
    const last = order[i];
    order[i] = order[j];
    order[j] = last;
  }
  return order;
}

function isUint32(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= 0xffffffff;
}
