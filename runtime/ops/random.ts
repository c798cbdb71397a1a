/**
 * Random numbers that are a function of a seed tensor, so that they may be drawn inside `jit` and a resumed run draws
 * them again. TensorFlow's stateless ops: the counter-based generator Philox 4x32-10 (Salmon et al. 2011).
 */
import * as tfjs from "@tensorflow/tfjs";
import { callOp, type } from "../binding/kernel.ts";
import { drawRows, type Rows } from "./rows.ts";

const SHAPE_AND_SEED = { T: type("int32"), Tseed: type("int32") };

function checkSeed(name: string, seed: tfjs.Tensor): void {
  if (seed.dtype !== "int32" || seed.shape.length !== 1 || seed.shape[0] !== 2) {
    throw new TypeError(
      `${name}: the seed is an int32 tensor of shape [2], got ${seed.dtype} [${seed.shape}]`,
    );
  }
}

/**
 * Uniform draws in [0, 1).
 * @param seed `[2]` int32.
 * @returns float32 of `shape`.
 * @example
 * ```ts
 * import { random, tf } from "@resnet/deno";
 *
 * await tf.ready();
 * const seed = tf.tensor1d([42, 0], "int32");
 * const draws = random.statelessUniform([2, 3], seed);
 * const again = random.statelessUniform([2, 3], seed); // the same numbers
 * ```
 */
export function statelessUniform(shape: readonly number[], seed: tfjs.Tensor1D): tfjs.Tensor {
  checkSeed("statelessUniform", seed);
  const attrs = { ...SHAPE_AND_SEED, dtype: type("float32") };
  return tfjs.tidy(() =>
    callOp("StatelessRandomUniform", attrs, [tfjs.tensor1d([...shape], "int32"), seed])[0]
  );
}

/**
 * Uniform whole numbers in [minval, maxval).
 * @param seed `[2]` int32.
 * @returns int32 of `shape`.
 * @example
 * ```ts
 * import { random, tf } from "@resnet/deno";
 *
 * await tf.ready();
 * const dice = random.statelessUniformInt([100], tf.tensor1d([42, 0], "int32"), 1, 7);
 * tf.min(dice).arraySync(); // 1
 * tf.max(dice).arraySync(); // 6
 * ```
 */
export function statelessUniformInt(
  shape: readonly number[],
  seed: tfjs.Tensor1D,
  minval: number,
  maxval: number,
): tfjs.Tensor {
  checkSeed("statelessUniformInt", seed);
  const attrs = { ...SHAPE_AND_SEED, dtype: type("int32") };
  return tfjs.tidy(() =>
    callOp("StatelessRandomUniformInt", attrs, [
      tfjs.tensor1d([...shape], "int32"),
      seed,
      tfjs.scalar(minval, "int32"),
      tfjs.scalar(maxval, "int32"),
    ])[0]
  );
}

/**
 * Another seed: a function of `seed` and `salt`, so that two uses of one seed draw unrelated numbers.
 * @param seed `[2]` int32.
 * @returns `[2]` int32.
 * @example
 * ```ts
 * import { random, tf } from "@resnet/deno";
 *
 * await tf.ready();
 * const seed = tf.tensor1d([42, 0], "int32");
 * const forFlips = random.statelessUniform([8], random.foldSeed(seed, 0));
 * const forShifts = random.statelessUniform([8], random.foldSeed(seed, 1)); // unrelated to the flips
 * ```
 */
export function foldSeed(seed: tfjs.Tensor1D, salt: number): tfjs.Tensor1D {
  checkSeed("foldSeed", seed);
  if (!Number.isInteger(salt)) throw new RangeError(`foldSeed: salt must be a whole number, found ${salt}`);
  const attrs = { ...SHAPE_AND_SEED, dtype: type("int32") };
  return tfjs.tidy(() => {
    const [hashed] = callOp("StatelessRandomUniformFullInt", attrs, [tfjs.tensor1d([2], "int32"), seed]);
    return tfjs.add(hashed, tfjs.tensor1d([salt, 0], "int32"));
  });
}

/**
 * Sets each element to 0 with probability `rate` and divides the others by 1 - rate (Srivastava et al. 2014, inverted
 * so that evaluation needs no factor).
 * @param rate In [0, 1).
 * @param seed `[2]` int32.
 * @param rows Which of a batch those of `x` are, if it holds some only: they are treated as in the whole batch.
 * @example
 * ```ts
 * import { random, tf } from "@resnet/deno";
 *
 * await tf.ready();
 * const y = random.dropout(tf.ones([8]), 0.5, tf.tensor1d([42, 0], "int32"));
 * y.arraySync(); // [0, 0, 2, 0, 0, 2, 2, 0]
 * ```
 */
export function dropout<X extends tfjs.Tensor>(x: X, rate: number, seed: tfjs.Tensor1D, rows?: Rows): X {
  if (!(rate >= 0 && rate < 1)) throw new RangeError(`dropout: rate ${rate} is not in [0, 1)`);
  return tfjs.tidy(() => {
    const draws = drawRows(x.shape, rows, (shape) => statelessUniform(shape, seed));
    const keep = tfjs.greaterEqual(draws, rate);
    return tfjs.mul(x, tfjs.div(tfjs.cast(keep, "float32"), 1 - rate)) as X;
  });
}
