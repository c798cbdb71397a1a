/**
 * Random numbers for initial weights: a stream of its own for each (seed, name), so that a layer's weights
 * depend on nothing but the seed and the layer's name.
 *
 * The generator is MT19937 (M. Matsumoto and T. Nishimura, ACM TOMACS 8(1), 1998), from pure-rand; it gives
 * the same 32-bit draws as `numpy.random.RandomState` of the same seed.
 */
import { mersenne } from "pure-rand/generator/mersenne";

/** Gives the next 32 random bits, as an unsigned integer. */
export type Stream = () => number;

/** The stream that belongs to a seed and a name. */
export function stream(seed: number, name: string): Stream {
  const generator = mersenne(hash32(`${seed}:${name}`));
  return () => generator.next() >>> 0;
}

/** `size` uniform draws in `[-bound, bound)`, of 24 bits each. */
export function uniform(next: Stream, size: number, bound: number): Float32Array {
  const data = new Float32Array(size);
  for (let i = 0; i < size; i++) data[i] = ((next() >>> 8) * 2 ** -23 - 1) * bound;
  return data;
}

/**
 * `size` normal draws of mean 0, by the transform of G. Box and M. Muller ("A Note on the Generation of
 * Random Normal Deviates", 1958): two draws from two uniform ones. None is further out than 6.7 standard
 * deviations.
 */
export function normal(next: Stream, size: number, deviation: number): Float32Array {
  const data = new Float32Array(size);
  for (let i = 0; i < size; i += 2) {
    const aboveZero = (next() + 1) * 2 ** -32; // in (0, 1]
    const radius = deviation * Math.sqrt(-2 * Math.log(aboveZero));
    const angle = 2 * Math.PI * 2 ** -32 * next();
    data[i] = radius * Math.cos(angle);
    if (i + 1 < size) data[i + 1] = radius * Math.sin(angle);
  }
  return data;
}

/**
 * 32 well-mixed bits of a text: FNV-1a over its UTF-8 bytes (G. Fowler, L. Noll, K.-P. Vo), then the
 * finalizer of MurmurHash3 (A. Appleby), because the last bytes of FNV-1a reach few bits.
 */
function hash32(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
