/** Weights as whole numbers of 8 bits, with one scale an output channel. */
import type { Model } from "../model.ts";
import type { Arrays, FloatArray } from "../readers/arrays.ts";
import { parameters } from "../readers/parameters.ts";

/** Numbers of 8 bits and what they are multiplied by. */
export interface Int8Weights {
  /** From -127 to 127, in the shape of the weights. */
  readonly values: Int8Array;
  /** One a channel: 1/127 of its largest weight. */
  readonly scales: Float32Array;
}

/**
 * Rounds weights to whole multiples of their channel's scale, symmetrically about 0 (B. Jacob et al., arXiv:1712.05877,
 * section 3; by channel as in R. Krishnamoorthi, arXiv:1806.08342, section 3.1).
 * @param axis The axis of the output channels.
 */
export function toInt8({ shape, data }: FloatArray, axis: number): Int8Weights {
  const channelOf = channels(shape, axis);
  const scales = new Float32Array(shape[axis]);
  data.forEach((value, i) => {
    scales[channelOf(i)] = Math.max(scales[channelOf(i)], Math.abs(value) / 127);
  });
  // A channel of zeros has any scale.
  const values = Int8Array.from(data, (value, i) => Math.round(value / (scales[channelOf(i)] || 1)));
  return { values, scales: scales.map((scale) => scale || 1) };
}

/**
 * A model's arrays as `encodeOnnx` with `int8` keeps them, in float32: for measuring what the rounding costs.
 * @example
 * ```ts
 * import { initArrays, resnet, roundedToInt8, tf, toTensors } from "@resnet/deno";
 *
 * await tf.ready();
 * const model = resnet([1, 1, 1], { stem: "cifar" });
 * const variables = toTensors(roundedToInt8(model, initArrays(model, 42))); // to be evaluated
 * ```
 */
export function roundedToInt8(model: Model, arrays: Arrays): Arrays {
  const params = { ...arrays.params };
  for (const { name, role } of parameters(model)) {
    if (role !== "convKernel" && role !== "linearWeight") continue;
    const { shape } = params[name];
    const axis = shape.length - 1;
    const channelOf = channels(shape, axis);
    const { values, scales } = toInt8(params[name], axis);
    params[name] = { shape, data: Float32Array.from(values, (value, i) => value * scales[channelOf(i)]) };
  }
  return { ...arrays, params };
}

/** The channel of a number by its place. */
function channels(shape: readonly number[], axis: number): (index: number) => number {
  const stride = shape.slice(axis + 1).reduce((product, length) => product * length, 1);
  return (index) => Math.floor(index / stride) % shape[axis];
}
