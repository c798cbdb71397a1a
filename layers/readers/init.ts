/** Initial weights, as plain arrays. */
import type { InitScheme, Model } from "../model.ts";
import { sizeOf } from "../nodes/facts.ts";
import type { Arrays, FloatArray } from "./arrays.ts";
import { type Parameter, parameters } from "./parameters.ts";
import { normal, stream, uniform } from "./random.ts";

/**
 * Draws a model's initial weights.
 *
 * - `pytorch`, what PyTorch's `Conv2d` and `Linear` do by themselves: weights and biases uniform in `[-b, b)`
 *   with
 *   `b = 1 / sqrt(fanIn)` (`kaiming_uniform_` with `a = sqrt(5)`, and the layers' own rule for the bias).
 * - `heNormal`: weights normal with deviation `sqrt(2 / fanIn)`, biases 0 (K. He et al., "Delving Deep into
 *   Rectifiers",
 *   arXiv:1502.01852, equation 10; their residual networks for CIFAR refer to it).
 * - `dirac`: as `pytorch`, but where a convolution has an odd kernel and at least as many filters as channels, its first
 *   filters are the identity, one a channel (K. Jordan, "94% on CIFAR-10 in 3.29 Seconds on a Single GPU",
 *   arXiv:2404.00498, section 3.1).
 *
 * Batch norm starts as the identity either way: weight 1, bias 0, running mean 0, running variance 1.
 *
 * Each array is a function of the seed and its own name alone: adding a layer changes no other layer's
 * weights.
 *
 * @param seed Whole number in `[0, 2^32)`.
 * @param scheme The model's own unless given.
 * @returns float32 arrays in the layout of memory: kernels HWIO, linear weights `[in, out]`.
 * @throws {RangeError} If the seed is out of range.
 * @example
 * ```ts
 * import { initArrays, resnet } from "@resnet/deno";
 * const { params } = initArrays(resnet([1, 1, 1], { stem: "cifar" }), 42);
 * params["conv1.0.weight"].shape; // [3, 3, 3, 16]
 * ```
 */
export function initArrays(model: Model, seed: number, scheme: InitScheme = model.initScheme): Arrays {
  if (!Number.isInteger(seed) || seed < 0 || seed >= 2 ** 32) {
    throw new RangeError(`init: seed must be a whole number from 0 to 4294967295, found ${seed}`);
  }
  const arrays: Record<Parameter["collection"], Record<string, FloatArray>> = { params: {}, batchStats: {} };
  for (const parameter of parameters(model)) {
    const { collection, name, shape } = parameter;
    arrays[collection][name] = { shape, data: initial(parameter, seed, scheme) };
  }
  return arrays;
}

function initial(parameter: Parameter, seed: number, scheme: InitScheme): Float32Array {
  const { name, role, shape } = parameter;
  const size = sizeOf(shape);
  switch (role) {
    case "scale":
    case "runningVariance":
      return new Float32Array(size).fill(1);
    case "offset":
    case "runningMean":
      return new Float32Array(size);
    case "convKernel":
    case "linearWeight": {
      if (scheme === "heNormal") return normal(stream(seed, name), size, Math.sqrt(2 / parameter.fanIn));
      const drawn = uniform(stream(seed, name), size, 1 / Math.sqrt(parameter.fanIn));
      return scheme === "dirac" && role === "convKernel" ? passThrough(drawn, shape) : drawn;
    }
    case "bias":
      return scheme === "heNormal"
        ? new Float32Array(size)
        : uniform(stream(seed, name), size, 1 / Math.sqrt(parameter.fanIn));
  }
}

/** Makes the first filters of a kernel `[k, k, in, out]` the identity, where it has a middle and enough of them. */
function passThrough(kernel: Float32Array, [size, , channels, filters]: readonly number[]): Float32Array {
  if (size % 2 === 0 || filters < channels) return kernel;
  const middle = (size * size - 1) / 2;
  for (let i = 0; i < kernel.length; i++) {
    const filter = i % filters;
    if (filter >= channels) continue;
    const channel = Math.floor(i / filters) % channels;
    const place = Math.floor(i / (filters * channels));
    kernel[i] = place === middle && channel === filter ? 1 : 0;
  }
  return kernel;
}
