/** What runs each kind of node on tensors. One entry a kind; what is known of it without is `nodes/facts.ts`. */
import * as runtime from "../../runtime/mod.ts";
import { tf } from "../../runtime/mod.ts";
import { showShape } from "../nodes/checks.ts";
import type { BatchNormNode, ConvNode, Node } from "../nodes/node.ts";
import { weightsOf } from "../nodes/facts.ts";
import type { Tensors, Variables } from "./variables.ts";

/** What a node may need besides its inputs. */
export interface Context {
  readonly variables: Variables;
  /** Whether batch norm takes the batch's own statistics and dropout is at work. */
  readonly train: boolean;
  /** `[2]` int32: what dropout draws from. */
  readonly seed?: tf.Tensor1D;
  /** Which images of a batch these are, where others are computed elsewhere. */
  readonly rows?: runtime.Rows;
  /** What joins the parts of that batch, where batch norm takes the statistics of all of it. */
  readonly joint?: runtime.Joint;
  /** Filled while training. */
  readonly batchStats: Tensors;
  /** Place of the node in the model, for a seed of its own. */
  readonly index: number;
  /** Convolutions without the bias that they have, as the batch norm after them subtracts it, by both of the two. */
  readonly unbiased: ReadonlyMap<Node, ConvNode>;
}

/** Nodes that are computed: all but the images. */
type Computed = Exclude<Node, { op: "input" }>;

/** One node on the values of its inputs, whose shapes were checked when the model was made. */
type Kernel<N extends Computed> = (node: N, inputs: readonly tf.Tensor[], context: Context) => tf.Tensor;

const KERNELS: { readonly [Op in Computed["op"]]: Kernel<Extract<Computed, { op: Op }>> } = {
  conv: (node, [x], context) => {
    const y = runtime.conv2d(x as tf.Tensor4D, weight(node, "weight", context), node.cfg);
    const isBiased = node.cfg.bias && !context.unbiased.has(node);
    return isBiased ? runtime.biasAdd(y, weight(node, "bias", context)) : y;
  },
  linear: (node, [x], context) => {
    const y = tf.matMul(x as tf.Tensor2D, weight<tf.Tensor2D>(node, "weight", context));
    return node.cfg.bias ? runtime.biasAdd(y, weight(node, "bias", context)) : y;
  },
  batchNorm: (node, [x], context) => runBatchNorm(node, x as tf.Tensor4D, context),
  relu: (_, [x]) => runtime.relu(x),
  celu: ({ cfg }, [x]) => runtime.celu(x, cfg.alpha),
  maxPool: ({ cfg }, [x]) => runtime.maxPool(x as tf.Tensor4D, cfg),
  avgPool: ({ cfg }, [x]) => runtime.avgPool(x as tf.Tensor4D, cfg),
  globalAvgPool: (_, [x]) => tf.mean(x, [1, 2], true),
  flatten: ({ shape }, [x]) => {
    const [n, height, width] = x.shape;
    const channelsFirst = height * width === 1 ? x : tf.transpose(x, [0, 3, 1, 2]);
    return tf.reshape(channelsFirst, [n, shape[0]]);
  },
  add: (_, [a, b]) => tf.add(a, b),
  dropout: (node, [x], context) => {
    const { rate } = node.cfg;
    if (!context.train || rate === 0) return x;
    return runtime.dropout(x, rate, seedOf("dropout", node, context), context.rows);
  },
  stochasticDepth: (node, [x], context) => {
    const { rate } = node.cfg;
    if (!context.train || rate === 0) return x;
    const images = tf.ones([x.shape[0], ...x.shape.slice(1).map(() => 1)]);
    return tf.mul(x, runtime.dropout(images, rate, seedOf("stochasticDepth", node, context), context.rows));
  },
  padShortcut: ({ cfg: { stride, channelsBefore, channelsAfter } }, [x]) => {
    // A window of one pixel averages nothing: it takes every stride-th row and column.
    const taken = stride === 1
      ? x as tf.Tensor4D
      : runtime.avgPool(x as tf.Tensor4D, { kernelSize: 1, stride });
    return tf.pad(taken, [[0, 0], [0, 0], [0, 0], [channelsBefore, channelsAfter]]);
  },
  scale: ({ cfg }, [x]) => tf.mul(x, cfg.factor),
  custom: (node, inputs, context) => {
    const { cfg: { layer, settings }, name, shape } = node;
    const weights = weightsOf(node).map(({ suffix }) => [suffix, weight(node, suffix, context)]);
    const { train, rows } = context;
    const options = train && context.seed
      ? { train, seed: seedOf(layer.kind, node, context), ...(rows && { rows }) }
      : { train };
    const y = layer.run(inputs, Object.fromEntries(weights), settings, options);
    if (showShape(y.shape.slice(1)) === showShape(shape) && y.dtype === "float32") return y;
    throw new TypeError(
      `apply: ${layer.kind} "${name}" must put out float32 [n, ${shape.join(", ")}], found ${y.dtype} ${
        showShape(y.shape)
      }`,
    );
  },
};

/**
 * Runs a node.
 * @param inputs Values of the nodes that it is computed from, each with the batch in front.
 */
export function run(node: Computed, inputs: readonly tf.Tensor[], context: Context): tf.Tensor {
  return (KERNELS[node.op] as Kernel<Computed>)(node, inputs, context);
}

/** A trained tensor of a node. */
function weight<T extends tf.Tensor>(node: Node, suffix: string, { variables }: Context): T {
  return variables.params[`${node.name}.${suffix}`] as T;
}

/** What a node draws from in this step. */
function seedOf(kind: string, node: Node, { seed, index }: Context): tf.Tensor1D {
  if (seed !== undefined) return runtime.foldSeed(seed, index);
  throw new TypeError(
    `apply: ${kind} "${node.name}" needs a seed while training; pass { train: true, seed }`,
  );
}

function runBatchNorm(node: BatchNormNode, x: tf.Tensor4D, context: Context): tf.Tensor4D {
  const { name, cfg: { epsilon, momentum } } = node;
  const { params, batchStats } = context.variables;
  const [meanName, varianceName] = [`${name}.running_mean`, `${name}.running_var`];
  const scale = params[`${name}.weight`] as tf.Tensor1D;
  const offset = params[`${name}.bias`] as tf.Tensor1D;
  const [mean, variance] = [batchStats[meanName] as tf.Tensor1D, batchStats[varianceName] as tf.Tensor1D];
  if (!context.train) return runtime.batchNormInference(x, scale, offset, mean, variance, epsilon);

  const { joint, rows } = context;
  const [images, height, width] = x.shape;
  const count = (joint && rows ? rows.of : images) * height * width;
  if (count === 1) {
    throw new TypeError(
      `apply: batchNorm "${name}" needs more than one value a channel while training, found ${
        showShape(x.shape)
      }; use a larger batch`,
    );
  }
  const conv = context.unbiased.get(node);
  const bias = conv && params[`${conv.name}.bias`] as tf.Tensor1D;
  const shift = bias ? besides(offset, bias) : offset;
  const batch = joint
    ? runtime.batchNormJoint(x, scale, shift, epsilon, { count, joint })
    : runtime.batchNormTrain(x, scale, shift, epsilon);
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
