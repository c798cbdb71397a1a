/** Which tensors a model has: their names, shapes and meaning, without any values. */
import type { Model } from "../model.ts";
import { sizeOf, weightsOf } from "../nodes/facts.ts";
import type { Node, Role } from "../nodes/node.ts";

/** One tensor of a model. */
export type Parameter = Role & {
  /** PyTorch's. */
  readonly name: string;
  /** In memory: kernels are `[kh, kw, in, out]`, linear weights `[in, out]`. */
  readonly shape: readonly number[];
  /** The node that it belongs to. */
  readonly layer: Node;
  /** Whether it is trained, or a running statistic. */
  readonly collection: "params" | "batchStats";
};

/**
 * Every parameter and running statistic of a model, in the order of PyTorch's `state_dict`.
 * @example
 * ```ts
 * import { parameters, resnet } from "@resnet/deno";
 * parameters(resnet([3, 4, 6, 3]))[0].name; // "conv1.0.weight"
 * ```
 */
export function parameters(model: Model): readonly Parameter[] {
  return model.nodes.flatMap(parametersOf);
}

/**
 * What each parameter and running statistic of a model is, by name.
 * @example
 * ```ts
 * import { parameterRoles, resnet } from "@resnet/deno";
 * parameterRoles(resnet([3, 4, 6, 3]))["conv1.0.weight"]; // "convKernel"
 * ```
 */
export function parameterRoles(model: Model): Readonly<Record<string, Parameter["role"]>> {
  return Object.fromEntries(parameters(model).map(({ name, role }) => [name, role]));
}

/**
 * How many numbers are trained: the running statistics are not among them.
 * @example
 * ```ts
 * import { parameterCount, resnet } from "@resnet/deno";
 * parameterCount(resnet([3, 4, 6, 3])); // 21298314
 * ```
 */
export function parameterCount(model: Model): number {
  return parameters(model)
    .filter(({ collection }) => collection === "params")
    .reduce((sum, { shape }) => sum + sizeOf(shape), 0);
}

/** The parameters and statistics of one node; most kinds have none. */
export function parametersOf(layer: Node): readonly Parameter[] {
  return weightsOf(layer).map(({ suffix, ...weight }) => {
    const isStatistic = weight.role === "runningMean" || weight.role === "runningVariance";
    const collection = isStatistic ? "batchStats" : "params";
    return { ...weight, name: `${layer.name}.${suffix}`, layer, collection };
  });
}
