/** Runs a model on tensors: a fold over its nodes. */
import * as runtime from "../../runtime/mod.ts";
import { tf } from "../../runtime/mod.ts";
import { type Model, normalizedConvs } from "../model.ts";
import { type ConvNode, type Node, showShape, unreachable } from "../nodes/node.ts";
import { type Parameter, parameters } from "./parameters.ts";
import type { Tensors, Variables } from "./variables.ts";

/** Options of `apply`. */
export interface ApplyOptions {
  /** Whether batch norm takes the batch's own statistics and dropout is at work. */
  readonly train: boolean;
  /** `[2]` int32: what dropout draws from. Needed for a model with dropout, and while training only. */
  readonly seed?: tf.Tensor1D;
}

/**
 * Runs a model: a pure function of its arguments, eager or inside `jit`, where each node's name is a scope.
 *
 * Evaluation normalises with the running statistics. Training normalises with those of the batch, and gives
 * the running ones after this batch: `running = (1 - momentum) * running + momentum * batch`, the batch's
 * variance unbiased, as PyTorch does. There a convolution's bias before a batch norm, which subtracts it again, is
 * counted in the running mean alone, and its gradient is exactly zero.
 *
 * @param x `[n, h, w, c]` float32, with `[h, w, c]` the shape of the model's input.
 * @returns `[logits]`, and `[logits, batchStats]` while training: `logits` is `[n, ...]` with the shape of
 * the model's output (`[n, classes]` for a classifier), `batchStats` has the names and shapes of those given.
 * @throws {TypeError} If `x` or a variable has the wrong shape or dtype, a variable is missing or unknown,
 * dropout has no seed, or training leaves a batch norm one value a channel.
 * @example
 * ```ts
 * import { tf } from "../../runtime/mod.ts";
 * import { apply } from "./apply.ts";
 * import { resnet } from "../networks/resnet.ts";
 * import { init } from "./variables.ts";
 *
 * await tf.ready();
 * const model = resnet([1, 1, 1], { stem: "cifar" });
 * const variables = init(model, 42);
 * const x = tf.zeros<tf.Rank.R4>([2, 32, 32, 3]);
 * const [logits] = apply(model, variables, x, { train: false }); // [2, 10]
 * const seed = tf.tensor1d([0, 7], "int32");
 * const [trainLogits, batchStats] = apply(model, variables, x, { train: true, seed });
 * ```
 */
export function apply(
  model: Model,
  variables: Variables,
  x: tf.Tensor,
  options: ApplyOptions & { readonly train: false },
): [logits: tf.Tensor2D];
/** While training: the logits, and the running statistics after this batch. */
export function apply(
  model: Model,
  variables: Variables,
  x: tf.Tensor,
  options: ApplyOptions & { readonly train: true },
): [logits: tf.Tensor2D, batchStats: Tensors];
export function apply(
  model: Model,
  variables: Variables,
  x: tf.Tensor,
  options: ApplyOptions,
): [logits: tf.Tensor2D] | [logits: tf.Tensor2D, batchStats: Tensors] {
  checkInput(model, x);
  checkVariables(model, variables);
  return tf.tidy(() => {
    const values = new Map<Node, tf.Tensor>([[model.input, x]]);
    const batchStats: Tensors = {};
    const unbiased = new Map<Node, ConvNode>();
    for (const { conv, norm } of options.train ? normalizedConvs(model) : []) {
      if (conv.cfg.bias) unbiased.set(norm, conv).set(conv, conv);
    }
    for (const [index, node] of model.nodes.entries()) {
      const inputs = node.inputs.map((input: Node) => values.get(input)!);
      if (node.op !== "input") {
        const context = { ...options, variables, batchStats, index, unbiased };
        values.set(node, runtime.withScope(node.name, () => run(node, inputs, context)));
      }
    }
    const logits = values.get(model.output) as tf.Tensor2D;
    return options.train ? [logits, batchStats] : [logits];
  });
}

/** What a node may need besides its inputs. */
interface Context extends ApplyOptions {
  readonly variables: Variables;
  /** Filled while training. */
  readonly batchStats: Tensors;
  /** Place of the node in the model, for a seed of its own. */
  readonly index: number;
  /** Convolutions without the bias that they have, as the batch norm after them subtracts it, by both of the two. */
  readonly unbiased: ReadonlyMap<Node, ConvNode>;
}

/** One node on the values of its inputs, whose shapes were checked when the model was made. */
function run(
  node: Exclude<Node, { op: "input" }>,
  inputs: readonly tf.Tensor[],
  context: Context,
): tf.Tensor {
  const [x] = inputs;
  const map = x as tf.Tensor4D;
  const n = x.shape[0];
  const param = <T extends tf.Tensor>(suffix: string): T =>
    context.variables.params[`${node.name}.${suffix}`] as T;

  switch (node.op) {
    case "conv": {
      const y = runtime.conv2d(map, param("weight"), node.cfg);
      return node.cfg.bias && !context.unbiased.has(node) ? runtime.biasAdd(y, param("bias")) : y;
    }
    case "linear": {
      const y = tf.matMul(x as tf.Tensor2D, param<tf.Tensor2D>("weight"));
      return node.cfg.bias ? runtime.biasAdd(y, param("bias")) : y;
    }
    case "batchNorm":
      return runBatchNorm(node, map, context);
    case "relu":
      return runtime.relu(x);
    case "celu":
      return runtime.celu(x, node.cfg.alpha);
    case "maxPool":
      return runtime.maxPool(map, node.cfg);
    case "avgPool":
      return runtime.avgPool(map, node.cfg);
    case "globalAvgPool":
      return tf.mean(x, [1, 2], true);
    case "flatten": {
      const [height, width] = [map.shape[1], map.shape[2]];
      const channelsFirst = height * width === 1 ? map : tf.transpose(map, [0, 3, 1, 2]);
      return tf.reshape(channelsFirst, [n, node.shape[0]]);
    }
    case "add":
      return tf.add(inputs[0], inputs[1]);
    case "dropout": {
      const { rate } = node.cfg;
      if (!context.train || rate === 0) return x;
      if (context.seed === undefined) {
        throw new TypeError(
          `apply: dropout "${node.name}" needs a seed while training; pass { train: true, seed }`,
        );
      }
      return runtime.dropout(x, rate, runtime.foldSeed(context.seed, context.index));
    }
    case "padShortcut": {
      const { stride, channelsBefore, channelsAfter } = node.cfg;
      // A window of one pixel averages nothing: it takes every stride-th row and column.
      const taken = stride === 1 ? map : runtime.avgPool(map, { kernelSize: 1, stride });
      return tf.pad(taken, [[0, 0], [0, 0], [0, 0], [channelsBefore, channelsAfter]]);
    }
    case "scale":
      return tf.mul(x, node.cfg.factor);
    case "gate":
      return tf.mul(x, tf.sigmoid(inputs[1]));
    default:
      return unreachable(node);
  }
}

function runBatchNorm(node: Node & { op: "batchNorm" }, x: tf.Tensor4D, context: Context): tf.Tensor4D {
  const { name, cfg: { epsilon, momentum } } = node;
  const { params, batchStats } = context.variables;
  const [meanName, varianceName] = [`${name}.running_mean`, `${name}.running_var`];
  const scale = params[`${name}.weight`] as tf.Tensor1D;
  const offset = params[`${name}.bias`] as tf.Tensor1D;
  const [mean, variance] = [batchStats[meanName] as tf.Tensor1D, batchStats[varianceName] as tf.Tensor1D];
  if (!context.train) return runtime.batchNormInference(x, scale, offset, mean, variance, epsilon);

  if (x.size === node.shape[2]) {
    throw new TypeError(
      `apply: batchNorm "${name}" needs more than one value a channel while training, found ${
        showShape(x.shape)
      }; use a larger batch`,
    );
  }
  const conv = context.unbiased.get(node);
  const bias = conv && params[`${conv.name}.bias`] as tf.Tensor1D;
  const batch = runtime.batchNormTrain(x, scale, bias ? besides(offset, bias) : offset, epsilon);
  const update = (running: tf.Tensor1D, current: tf.Tensor1D): tf.Tensor1D =>
    tf.add(tf.mul(running, 1 - momentum), tf.mul(current, momentum));
  runtime.withScope("statistics", () => {
    context.batchStats[meanName] = update(mean, bias ? tf.add(batch.mean, bias) : batch.mean);
    context.batchStats[varianceName] = update(variance, batch.variance);
  });
  return batch.y;
}

/** The one as it is; the other has no effect, but a gradient: zero. */
function besides(one: tf.Tensor1D, other: tf.Tensor1D): tf.Tensor1D {
  const both = tf.customGrad((one, other) => ({
    value: tf.clone(one as tf.Tensor1D),
    gradFunc: (dy: tf.Tensor | tf.Tensor[]) => [dy as tf.Tensor, tf.zerosLike(other as tf.Tensor)],
  }));
  return both(one, other) as tf.Tensor1D;
}

function checkInput(model: Model, x: tf.Tensor): void {
  const { name, shape } = model.input;
  const fits = x.shape.length === 4 && shape.every((length, axis) => x.shape[axis + 1] === length);
  if (fits && x.dtype === "float32") return;
  throw new TypeError(
    `apply: input "${name}" of ${model.name} needs float32 [n, ${shape.join(", ")}], found ${x.dtype} ${
      showShape(x.shape)
    }`,
  );
}

function checkVariables(model: Model, variables: Variables): void {
  const known: Record<Parameter["collection"], Set<string>> = { params: new Set(), batchStats: new Set() };
  for (const { collection, name, shape } of parameters(model)) {
    known[collection].add(name);
    const tensor = variables[collection][name];
    const wanted = `${model.name} needs ${showShape(shape)}`;
    if (tensor === undefined) throw new TypeError(`apply: ${collection} has no "${name}"; ${wanted}`);
    if (showShape(tensor.shape) !== showShape(shape)) {
      throw new TypeError(
        `apply: ${collection} has "${name}" of shape ${showShape(tensor.shape)}; ${wanted}`,
      );
    }
  }
  for (const collection of ["params", "batchStats"] as const) {
    for (const [name, tensor] of Object.entries(variables[collection])) {
      if (known[collection].has(name)) continue;
      throw new TypeError(
        `apply: ${collection} has "${name}" of shape ${
          showShape(tensor.shape)
        }; ${model.name} has no such tensor`,
      );
    }
  }
}
