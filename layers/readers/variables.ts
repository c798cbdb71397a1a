/** The values of a model, as tensors. */
import { tf } from "../../runtime/mod.ts";
import type { InitScheme, Model } from "../model.ts";
import type { Arrays, FloatArray } from "./arrays.ts";
import { initArrays } from "./init.ts";

/** Tensors by PyTorch's names: parameters, statistics, or what belongs to each of them, such as gradients. */
export type Tensors = Record<string, tf.Tensor>;

/** What a model computes with. Kernels are `[kh, kw, in, out]`, linear weights `[in, out]`, all float32. */
export interface Variables {
  /** What is trained. */
  params: Tensors;
  /** The running mean and variance of each batch norm. */
  batchStats: Tensors;
}

/**
 * Initial variables of a model; `initArrays` says how they are drawn.
 * @param seed Whole number in `[0, 2^32)`: the same seed gives the same weights on every machine.
 * @param scheme The model's own unless given.
 * @throws {RangeError} If the seed is out of range.
 * @example
 * ```ts
 * import { init, resnet, tf } from "@resnet/deno";
 *
 * await tf.ready();
 * const variables = init(resnet([3, 4, 6, 3]), 42);
 * variables.params["fc.weight"].shape; // [512, 10]
 * ```
 */
export function init(model: Model, seed: number, scheme?: InitScheme): Variables {
  return toTensors(initArrays(model, seed, scheme));
}

/**
 * Plain arrays as tensors.
 * @param arrays float32, such as `initArrays` draws.
 * @example
 * ```ts
 * import { initArrays, resnet, tf, toTensors } from "@resnet/deno";
 *
 * await tf.ready();
 * const { params } = toTensors(initArrays(resnet([1, 1, 1], { stem: "cifar" }), 42));
 * params["fc.weight"].shape; // [64, 10]
 * ```
 */
export function toTensors({ params, batchStats }: Arrays): Variables {
  const convert = (arrays: Readonly<Record<string, FloatArray>>): Tensors =>
    mapValues(arrays, ({ shape, data }) => tf.tensor(data, [...shape], "float32"));
  return { params: convert(params), batchStats: convert(batchStats) };
}

/**
 * Tensors as plain arrays, e.g. for a file.
 * @param variables Not disposed.
 * @throws {TypeError} If a tensor is not float32.
 * @example
 * ```ts
 * import { init, resnet, tf, toArrays } from "@resnet/deno";
 *
 * await tf.ready();
 * const { params } = toArrays(init(resnet([1, 1, 1], { stem: "cifar" }), 42));
 * params["fc.weight"].data.length; // 640
 * ```
 */
export function toArrays({ params, batchStats }: Variables): Arrays {
  const convert = (tensors: Tensors): Record<string, FloatArray> =>
    mapValues(tensors, (tensor, name) => {
      const data = tensor.dataSync();
      if (data instanceof Float32Array) return { shape: tensor.shape, data };
      throw new TypeError(`toArrays: "${name}" must be float32, found ${tensor.dtype}`);
    });
  return { params: convert(params), batchStats: convert(batchStats) };
}

function mapValues<A, B>(
  record: Readonly<Record<string, A>>,
  fn: (value: A, name: string) => B,
): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, fn(value, name)]));
}
