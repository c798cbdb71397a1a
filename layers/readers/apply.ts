/** Runs a model on tensors: a fold over its nodes. */
import { type Joint, type Rows, tf, withScope } from "../../runtime/mod.ts";
import { type Model, normalizedConvs } from "../model.ts";
import { showShape } from "../nodes/checks.ts";
import type { ConvNode, Node } from "../nodes/node.ts";
import { run } from "./kernels.ts";
import { type Parameter, parameters } from "./parameters.ts";
import type { Tensors, Variables } from "./variables.ts";

/** Options of `apply`. */
export interface ApplyOptions {
  /** Whether batch norm takes the batch's own statistics and dropout is at work. */
  readonly train: boolean;
  /** `[2]` int32: what dropout draws from. Needed for a model with dropout, and while training only. */
  readonly seed?: tf.Tensor1D;
  /** Which images of a batch these are, where others are computed elsewhere: what is drawn is drawn for all of it. */
  readonly rows?: Rows;
  /** What joins the parts of that batch, where batch norm is to take the statistics of all of it; with `rows` only. */
  readonly joint?: Joint;
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
 * import { apply, init, resnet, tf } from "@resnet/deno";
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
        values.set(node, withScope(node.name, () => run(node, inputs, context)));
      }
    }
    const logits = values.get(model.output) as tf.Tensor2D;
    return options.train ? [logits, batchStats] : [logits];
  });
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
