/**
 * A model's values in PyTorch's layout: convolution kernels `[out, in, kh, kw]` (here `[kh, kw, in, out]`),
 * linear weights `[out, in]` (here `[in, out]`). The names are the same on both sides.
 */
import { UserError } from "../../runtime/system/errors.ts";
import type { Model } from "../model.ts";
import { showShape } from "../nodes/node.ts";
import type { Arrays, FloatArray, NumericArray } from "../readers/arrays.ts";
import { type Parameter, parameters } from "../readers/parameters.ts";

/** Names of the counter that PyTorch's batch norm keeps beside its statistics. */
const COUNTER = "num_batches_tracked";

/**
 * What `model.state_dict()` holds in PyTorch, key by key and in its order, so that a strict `load_state_dict`
 * takes it.
 * @param arrays All parameters and statistics of the model, in the layout of memory.
 * @param batchesTracked Training steps so far: the value of the int64 scalars `num_batches_tracked`.
 * @throws {TypeError} If an array is missing or has another size than the model's.
 */
export function toPyTorch(model: Model, arrays: Arrays, batchesTracked = 0): Record<string, NumericArray> {
  const entries: [string, NumericArray][] = [];
  for (const parameter of parameters(model)) {
    const { collection, layer, name, role, shape } = parameter;
    const array = arrays[collection][name];
    if (array === undefined || showShape(array.shape) !== showShape(shape)) {
      const found = array === undefined ? "none" : showShape(array.shape);
      throw new TypeError(`toPyTorch: "${name}" of ${model.name} needs ${showShape(shape)}, found ${found}`);
    }
    entries.push([name, transpose(array, layoutOf(parameter).toPyTorch)]);
    if (role === "runningVariance") {
      entries.push([`${layer.name}.${COUNTER}`, {
        shape: [],
        data: BigInt64Array.of(BigInt(batchesTracked)),
      }]);
    }
  }
  return Object.fromEntries(entries);
}

/**
 * The reverse of `toPyTorch`: a `state_dict` as plain arrays, checked key by key. The counters
 * `num_batches_tracked` may be missing, as in files from before PyTorch 0.4.1; nothing is computed from them.
 * @param entries Arrays in PyTorch's layout, e.g. the tensors of a safetensors file.
 * @param source What messages call the entries, e.g. the file's path.
 * @returns float32 arrays in the layout of memory.
 * @throws {UserError} If a key is missing or unknown, or an array has the wrong shape or type.
 */
export function fromPyTorch(
  model: Model,
  entries: Readonly<Record<string, NumericArray>>,
  source = "weights",
): Arrays {
  const refuse = (problem: string): never => {
    throw new UserError(
      `Cannot load ${source} into ${model.name}: ${problem}; use weights of the same network`,
    );
  };
  const unread = new Map(Object.entries(entries));
  const take = (name: string): NumericArray | undefined => {
    const entry = unread.get(name);
    unread.delete(name);
    return entry;
  };

  const arrays: Record<Parameter["collection"], Record<string, FloatArray>> = { params: {}, batchStats: {} };
  for (const parameter of parameters(model)) {
    const { collection, layer, name, role, shape } = parameter;
    const { stored, fromPyTorch } = layoutOf(parameter);
    const entry = take(name) ?? refuse(`"${name}" ${showShape(stored)} is missing`);
    if (showShape(entry.shape) !== showShape(stored)) {
      refuse(`"${name}" has shape ${showShape(entry.shape)}, the network needs ${showShape(stored)}`);
    }
    const { data } = entry;
    if (!(data instanceof Float32Array)) return refuse(`"${name}" must be float32, found ${kindOf(entry)}`);
    arrays[collection][name] = { shape, data: transpose({ shape: stored, data }, fromPyTorch).data };

    const counter = role === "runningVariance" ? take(`${layer.name}.${COUNTER}`) : undefined;
    if (counter !== undefined && !(counter.data instanceof BigInt64Array && counter.shape.length === 0)) {
      refuse(
        `"${layer.name}.${COUNTER}" must be an int64 scalar, found ${kindOf(counter)} ${
          showShape(counter.shape)
        }`,
      );
    }
  }
  for (const [name, { shape }] of unread) {
    refuse(`${JSON.stringify(name)} ${showShape(shape)} is not in the network`);
  }
  return arrays;
}

/** How an array is stored, and the axes' permutations there and back. */
interface Layout {
  readonly stored: readonly number[];
  readonly toPyTorch: readonly number[];
  readonly fromPyTorch: readonly number[];
}

function layoutOf({ role, shape }: Parameter): Layout {
  const [toPyTorch, fromPyTorch] = role === "convKernel"
    ? [[3, 2, 0, 1], [2, 3, 1, 0]]
    : role === "linearWeight"
    ? [[1, 0], [1, 0]]
    : [[0], [0]];
  return { stored: toPyTorch.map((axis) => shape[axis]), toPyTorch, fromPyTorch };
}

/** Axis `i` of the result is axis `axes[i]` of `array`; the data is copied. */
function transpose({ shape, data }: FloatArray, axes: readonly number[]): FloatArray {
  const strides = shape.map((_, axis) =>
    shape.slice(axis + 1).reduce((product, length) => product * length, 1)
  );
  const newShape = axes.map((axis) => shape[axis]);
  const newStrides = axes.map((axis) => strides[axis]);
  const result = new Float32Array(data.length);
  let written = 0;
  const copy = (axis: number, offset: number): void => {
    const [length, stride, last] = [newShape[axis], newStrides[axis], axis === newShape.length - 1];
    for (let i = 0; i < length; i++, offset += stride) {
      if (last) result[written++] = data[offset];
      else copy(axis + 1, offset);
    }
  };
  copy(0, 0);
  return { shape: newShape, data: result };
}

function kindOf({ data }: NumericArray): string {
  if (data instanceof Float32Array) return "float32";
  if (data instanceof Int32Array) return "int32";
  return data instanceof BigInt64Array ? "int64" : "uint8";
}
