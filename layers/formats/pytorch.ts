/**
 * A model's values in PyTorch's layout: convolution kernels `[out, in, kh, kw]` (here `[kh, kw, in, out]`),
 * linear weights `[out, in]` (here `[in, out]`). The names are the same on both sides.
 */
import { UserError } from "../../runtime/system/errors.ts";
import { cut, cutPath } from "../../runtime/system/texts.ts";
import type { Model } from "../model.ts";
import { showShape } from "../nodes/checks.ts";
import type { Arrays, FloatArray, NumericArray } from "../readers/arrays.ts";
import { type Parameter, parameters } from "../readers/parameters.ts";
import { COUNTER, isCount, listed, quoteName } from "./names.ts";

/** How much of a message may be about what is in the file, in characters. */
const MAX_PROBLEM = 300;

/**
 * What `model.state_dict()` holds in PyTorch, key by key and in its order, so that a strict `load_state_dict`
 * takes it.
 * @param arrays All parameters and statistics of the model, in the layout of memory.
 * @param batchesTracked Training steps so far: the value of the int64 scalars `num_batches_tracked`.
 * @throws {TypeError} If an array is missing or has another size than the model's.
 * @example
 * ```ts
 * import { initArrays, resnet, toPyTorch } from "@resnet/deno";
 *
 * const model = resnet([1, 1, 1], { stem: "cifar" });
 * toPyTorch(model, initArrays(model, 42))["conv1.0.weight"].shape; // [16, 3, 3, 3]
 * ```
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
 * `num_batches_tracked` may be missing, as in files from before PyTorch 0.4.1, and of any type; nothing is computed from
 * them, nor from other single numbers that count something.
 * @param entries Arrays in PyTorch's layout, e.g. the tensors of a safetensors file.
 * @param source What messages call the entries, e.g. the file's path.
 * @param nameOf An entry's name by the model's name of it, where they differ: that of `fileNames`.
 * @returns float32 arrays in the layout of memory.
 * @throws {UserError} If a key is missing or unknown, or an array has the wrong shape or type.
 * @example
 * ```ts
 * import { fromPyTorch, initArrays, resnet, toPyTorch } from "@resnet/deno";
 *
 * const model = resnet([1, 1, 1], { stem: "cifar" });
 * const { params } = fromPyTorch(model, toPyTorch(model, initArrays(model, 42)));
 * params["conv1.0.weight"].shape; // [3, 3, 3, 16]
 * ```
 */
export function fromPyTorch(
  model: Model,
  entries: Readonly<Record<string, NumericArray>>,
  source = "weights",
  nameOf: (name: string) => string = (name) => name,
): Arrays {
  const refuse = (problem: string): never => {
    throw new UserError(
      `Cannot load ${cutPath(source)} into ${cut(model.name)}: ${cut(problem, MAX_PROBLEM)}; ` +
        "use weights of the same network",
    );
  };
  const unread = new Map(Object.entries(entries));
  const take = (name: string): NumericArray | undefined => {
    const entry = unread.get(nameOf(name));
    unread.delete(nameOf(name));
    return entry;
  };

  const taken = parameters(model).map((parameter) => {
    const { layer, name, role } = parameter;
    const counter = role === "runningVariance" ? `${layer.name}.${COUNTER}` : undefined;
    return {
      parameter,
      entry: take(name),
      counter,
      count: counter === undefined ? undefined : take(counter),
    };
  });
  const missing = taken.filter(({ entry }) => entry === undefined)
    .map(({ parameter }) => ({ name: nameOf(parameter.name), shape: layoutOf(parameter).stored }));
  const unknown = [...unread].filter(([, entry]) => !isCount(entry)).map(([name, { shape }]) => ({
    name,
    shape,
  }));
  const problems = [
    ...(missing.length > 0
      ? [`${namesAndShapes(missing)} ${missing.length === 1 ? "is" : "are"} missing`]
      : []),
    ...(unknown.length > 0
      ? [`${namesAndShapes(unknown)} ${unknown.length === 1 ? "is" : "are"} not in the network`]
      : []),
  ];
  if (problems.length > 0) refuse(problems.join("; "));

  const arrays: Record<Parameter["collection"], Record<string, FloatArray>> = { params: {}, batchStats: {} };
  for (const { parameter, entry, counter, count } of taken) {
    const { collection, name, shape } = parameter;
    const { stored, fromPyTorch } = layoutOf(parameter);
    const { data, shape: found } = entry!;
    if (showShape(found) !== showShape(stored)) {
      refuse(
        `${quoteName(nameOf(name))} has shape ${cut(showShape(found))}, the network needs ${
          showShape(stored)
        }`,
      );
    }
    if (!(data instanceof Float32Array)) {
      return refuse(
        `${quoteName(nameOf(name))} must be float32, found ${kindOf(data)}, which is not supported`,
      );
    }
    arrays[collection][name] = { shape, data: transpose({ shape: stored, data }, fromPyTorch).data };
    if (counter !== undefined && count !== undefined && count.data.length !== 1) {
      refuse(
        `${quoteName(nameOf(counter))} must be one number, found ${kindOf(count.data)} ${
          cut(showShape(count.shape))
        }`,
      );
    }
  }
  return arrays;
}

function namesAndShapes(entries: readonly { name: string; shape: readonly number[] }[]): string {
  return listed(entries.map(({ name, shape }) => `${quoteName(name)} ${cut(showShape(shape))}`));
}

/** How an array is stored, and the axes' permutations there and back. */
interface Layout {
  readonly stored: readonly number[];
  readonly toPyTorch: readonly number[];
  readonly fromPyTorch: readonly number[];
}

function layoutOf({ role, shape }: Parameter): Layout {
  const unchanged = shape.map((_, axis) => axis);
  const [toPyTorch, fromPyTorch] = role === "convKernel"
    ? [[3, 2, 0, 1], [2, 3, 1, 0]]
    : role === "linearWeight"
    ? [[1, 0], [1, 0]]
    : [unchanged, unchanged];
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

/** What numbers an array holds, e.g. `int64`. */
function kindOf(data: NumericArray["data"]): string {
  return data.constructor.name.replace(/^Big/, "").replace(/Array$/, "").toLowerCase();
}
