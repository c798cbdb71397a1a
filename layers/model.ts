/** A network: its output node, with everything that the output needs in the order in which it runs. */
import type { BatchNormNode, ConvNode, InputNode, Node } from "./nodes/node.ts";

/**
 * How weights are drawn. `pytorch`: the default of PyTorch's layers. `heNormal`: K. He et al., "Delving Deep
 * into Rectifiers", arXiv:1502.01852. `dirac`: as `pytorch`, but convolutions begin by passing their input on (K. Jordan,
 * arXiv:2404.00498). See `initArrays`.
 */
export type InitScheme = "pytorch" | "heNormal" | "dirac";

/** A network as data. */
export interface Model {
  /** What messages call it, e.g. `ResNet-34`. */
  readonly name: string;
  /** Where the images enter. */
  readonly input: InputNode;
  /** The last node; in a classifier, the logits. */
  readonly output: Node;
  /** All nodes, each once and after its inputs: the order in which PyTorch calls the modules. */
  readonly nodes: readonly Node[];
  /** How `init` draws the weights unless told otherwise. */
  readonly initScheme: InitScheme;
  /**
   * What makes it again, as plain data: a recipe's `network`. Absent where data alone does not, such as with a block of
   * one's own.
   */
  readonly network?: Readonly<Record<string, unknown>>;
}

/**
 * The network that ends in `output`.
 * @param cfg `initScheme` is `pytorch` unless given.
 * @throws {TypeError} If two nodes have one name (their parameters would be one), or the output does not
 * stand on exactly one input.
 * @example
 * ```ts
 * import { defineModel, flatten, input, linear } from "@resnet/deno";
 * const pixels = flatten(input([32, 32, 3]), { name: "flatten" });
 * const softmaxRegression = defineModel(linear(pixels, { name: "fc", features: 10 }), { name: "one layer" });
 * ```
 */
export function defineModel(
  output: Node,
  cfg: { readonly name: string; readonly initScheme?: InitScheme },
): Model {
  const { name, initScheme = "pytorch" } = cfg;
  const nodes = executionOrder(output);
  const names = new Set<string>();
  for (const node of nodes) {
    if (names.has(node.name)) {
      throw new TypeError(
        `defineModel: two nodes of ${name} are called "${node.name}"; names must be unique`,
      );
    }
    names.add(node.name);
  }
  const inputs = nodes.filter((node) => node.op === "input");
  if (inputs.length !== 1) {
    throw new TypeError(
      `defineModel: ${name} has ${inputs.length} inputs (${
        inputs.map((node) => node.name).join(", ")
      }); it needs one`,
    );
  }
  return { name, input: inputs[0], output, nodes, initScheme };
}

/**
 * The network with every node replaced.
 * @param model Stays as it is.
 * @param change Gets each node on the replaced inputs, and the node that it was.
 * @throws {TypeError} If two nodes then have one name.
 * @example
 * ```ts
 * import { celu, mapNodes, resnet } from "@resnet/deno";
 *
 * const model = resnet([1, 1, 1], { stem: "cifar" });
 * const smooth = mapNodes(
 *   model,
 *   (node) => node.op === "relu" ? celu(node.inputs[0], { name: node.name, alpha: 1 }) : node,
 * );
 * ```
 */
export function mapNodes(model: Model, change: (node: Node, before: Node) => Node): Model {
  const changed = new Map<Node, Node>();
  for (const node of model.nodes) {
    changed.set(node, change(withInputs(node, node.inputs.map((input: Node) => changed.get(input)!)), node));
  }
  const { name, initScheme } = model;
  return defineModel(changed.get(model.output)!, { name, initScheme });
}

/** A convolution, and the batch norm that alone reads it. */
export interface NormalizedConv {
  readonly conv: ConvNode;
  readonly norm: BatchNormNode;
}

/** All of a network's, in the order in which they run. */
export function normalizedConvs({ nodes }: Model): NormalizedConv[] {
  const readers = new Map<Node, number>();
  for (const { inputs } of nodes) {
    for (const input of inputs) readers.set(input, (readers.get(input) ?? 0) + 1);
  }
  return nodes.flatMap((norm) => {
    const conv = norm.op === "batchNorm" ? norm.inputs[0] : undefined;
    return norm.op === "batchNorm" && conv?.op === "conv" && readers.get(conv) === 1 ? [{ conv, norm }] : [];
  });
}

/** The node on other inputs of the same shapes. */
function withInputs<N extends Node>(node: N, inputs: readonly Node[]): N {
  return { ...node, inputs };
}

/** Every node that `output` needs, once, its inputs first and those in the order of `inputs`. */
function executionOrder(output: Node): Node[] {
  const done = new Set<Node>();
  const path = [output];
  while (path.length > 0) {
    const node = path[path.length - 1];
    const inputs: readonly Node[] = node.inputs;
    const next = inputs.find((input) => !done.has(input));
    if (next !== undefined) {
      path.push(next);
    } else {
      done.add(node);
      path.pop();
    }
  }
  return [...done];
}
