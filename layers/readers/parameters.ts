/** Which tensors a model has: their names, shapes and meaning, without any values. */
import type { Model } from "../model.ts";
import { type Node, unreachable } from "../nodes/node.ts";

/** One tensor of a model. Its name is PyTorch's, its shape the one in memory (HWIO, `[in, out]`). */
export type Parameter =
  & {
    readonly name: string;
    readonly shape: readonly number[];
    /** The node that it belongs to. */
    readonly layer: Node;
  }
  & (
    | {
      readonly collection: "params";
      readonly role: "convKernel" | "linearWeight" | "bias";
      /** How many values enter one output value: `kernelSize^2 * c` or `in`. */
      readonly fanIn: number;
    }
    | { readonly collection: "params"; readonly role: "scale" | "offset" }
    | { readonly collection: "batchStats"; readonly role: "runningMean" | "runningVariance" }
  );

/**
 * Every parameter and running statistic of a model, in the order of PyTorch's `state_dict`.
 * @example
 * ```ts
 * import { parameters } from "./parameters.ts";
 * import { resnet } from "../networks/resnet.ts";
 * parameters(resnet([3, 4, 6, 3]))[0].name; // "conv1.0.weight"
 * ```
 */
export function parameters(model: Model): readonly Parameter[] {
  return model.nodes.flatMap(parametersOf);
}

/** What each parameter and running statistic of a model is, by name. */
export function parameterRoles(model: Model): Readonly<Record<string, Parameter["role"]>> {
  return Object.fromEntries(parameters(model).map(({ name, role }) => [name, role]));
}

/** How many numbers are trained: the running statistics are not among them. */
export function parameterCount(model: Model): number {
  return parameters(model)
    .filter(({ collection }) => collection === "params")
    .reduce((sum, { shape }) => sum + sizeOf(shape), 0);
}

/** How many numbers a tensor of this shape holds. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}

/** The parameters and statistics of one node; most kinds have none. */
export function parametersOf(layer: Node): readonly Parameter[] {
  const { name } = layer;
  switch (layer.op) {
    case "conv": {
      const { filters, kernelSize, bias } = layer.cfg;
      const channels = layer.inputs[0].shape[2]!;
      const common = { layer, collection: "params", fanIn: kernelSize * kernelSize * channels } as const;
      const shape = [kernelSize, kernelSize, channels, filters];
      return [
        { ...common, name: `${name}.weight`, shape, role: "convKernel" },
        ...(bias ? [{ ...common, name: `${name}.bias`, shape: [filters], role: "bias" } as const] : []),
      ];
    }
    case "linear": {
      const { features, bias } = layer.cfg;
      const fanIn = layer.inputs[0].shape[0];
      const common = { layer, collection: "params", fanIn } as const;
      return [
        { ...common, name: `${name}.weight`, shape: [fanIn, features], role: "linearWeight" },
        ...(bias ? [{ ...common, name: `${name}.bias`, shape: [features], role: "bias" } as const] : []),
      ];
    }
    case "batchNorm": {
      const common = { layer, shape: [layer.shape[2]] };
      return [
        { ...common, name: `${name}.weight`, collection: "params", role: "scale" },
        { ...common, name: `${name}.bias`, collection: "params", role: "offset" },
        { ...common, name: `${name}.running_mean`, collection: "batchStats", role: "runningMean" },
        { ...common, name: `${name}.running_var`, collection: "batchStats", role: "runningVariance" },
      ];
    }
    case "input":
    case "relu":
    case "celu":
    case "maxPool":
    case "avgPool":
    case "globalAvgPool":
    case "flatten":
    case "add":
    case "dropout":
    case "padShortcut":
    case "scale":
    case "gate":
      return [];
    default:
      return unreachable(layer);
  }
}
