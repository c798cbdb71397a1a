/**
 * What is known of each kind of node without running it: its weights, its PyTorch module, its arithmetic. One entry a kind;
 * what runs them is `layers/readers/kernels.ts`, which has one too.
 */
import type { Node, Weight } from "./node.ts";

/** What is known of a kind of node. What is left out, it does not have. */
interface Facts<N extends Node> {
  /** Class of the PyTorch module that it is. PyTorch code has an expression where there is none. */
  readonly module?: string | ((node: N) => string);
  /** Its weights, in the order of PyTorch's `state_dict`. */
  readonly weights?: (node: N) => readonly Weight[];
  /** Multiplications of one forward pass over one image, each with its addition, as papers count them. */
  readonly multiplyAdds?: (node: N) => number;
}

/** How many numbers a tensor of this shape holds. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}

/** A weight and, if the layer has one, a bias. */
function withBias(hasBias: boolean, weight: Weight & { readonly fanIn: number }): readonly Weight[] {
  const { shape, fanIn } = weight;
  return hasBias ? [weight, { suffix: "bias", shape: shape.slice(-1), role: "bias", fanIn }] : [weight];
}

const FACTS: { readonly [Op in Node["op"]]: Facts<Extract<Node, { op: Op }>> } = {
  input: {},
  conv: {
    module: "Conv2d",
    weights: ({ cfg: { filters, kernelSize, groups, bias }, inputs: [x] }) => {
      const shape = [kernelSize, kernelSize, x.shape[2]! / groups, filters];
      return withBias(bias, {
        suffix: "weight",
        shape,
        role: "convKernel",
        fanIn: sizeOf(shape.slice(0, 3)),
      });
    },
    multiplyAdds: ({ shape, cfg: { kernelSize, groups }, inputs: [x] }) =>
      sizeOf(shape) * kernelSize ** 2 * x.shape[2]! / groups,
  },
  batchNorm: {
    module: "BatchNorm2d",
    weights: ({ shape: [, , channels] }) => [
      { suffix: "weight", shape: [channels], role: "scale" },
      { suffix: "bias", shape: [channels], role: "offset" },
      { suffix: "running_mean", shape: [channels], role: "runningMean" },
      { suffix: "running_var", shape: [channels], role: "runningVariance" },
    ],
  },
  relu: { module: "ReLU" },
  celu: { module: "CELU" },
  maxPool: { module: "MaxPool2d" },
  avgPool: { module: "AvgPool2d" },
  globalAvgPool: { module: "AdaptiveAvgPool2d" },
  flatten: {},
  linear: {
    module: "Linear",
    weights: ({ cfg: { features, bias }, inputs: [x] }) => {
      const fanIn = x.shape[0];
      return withBias(bias, { suffix: "weight", shape: [fanIn, features], role: "linearWeight", fanIn });
    },
    multiplyAdds: ({ shape, inputs: [x] }) => sizeOf(shape) * x.shape[0],
  },
  add: {},
  dropout: { module: "Dropout" },
  stochasticDepth: { module: "StochasticDepth" },
  padShortcut: { module: "PadShortcut" }, // PyTorch has no such module; every implementation names its own
  scale: {},

  custom: {
    module: ({ cfg }) => cfg.layer.kind,
    weights: ({ cfg: { layer, settings }, inputs }) => {
      const weights = layer.weights?.(inputs.map(({ shape }) => shape), settings) ?? {};
      return Object.entries(weights).map(([suffix, weight]): Weight => ({ suffix, ...weight }));
    },
    multiplyAdds: ({ cfg: { layer, settings }, inputs }) =>
      layer.multiplyAdds?.(inputs.map(({ shape }) => shape), settings) ?? 0,
  },
};

/** The entry of a node's kind. @throws {TypeError} If there is none, as models are data and may come from anywhere. */
function factsOf(node: Node): Facts<Node> {
  if (!Object.hasOwn(FACTS, node.op)) {
    throw new TypeError(`Cannot read node "${node.name}" of the op ${JSON.stringify(node.op)}: no such op`);
  }
  return FACTS[node.op] as Facts<Node>;
}

/** Class of the PyTorch module that a node is; undefined where PyTorch code has an expression instead. */
export function moduleOf(node: Node): string | undefined {
  const { module } = factsOf(node);
  return typeof module === "function" ? module(node) : module;
}

/** The weights of a node, in the order of PyTorch's `state_dict`. */
export function weightsOf(node: Node): readonly Weight[] {
  return factsOf(node).weights?.(node) ?? [];
}

/** Multiplications of one forward pass of a node over one image, each with its addition. */
export function multiplyAddsOf(node: Node): number {
  return factsOf(node).multiplyAdds?.(node) ?? 0;
}
