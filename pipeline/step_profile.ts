/** Sums up a profile of a step: by kind of op, and by layer of the network. */
import type { RunNode } from "../runtime/step_stats.ts";

/** Nodes of one kind. */
export interface OpTime {
  /** TensorFlow's kernel, e.g. "Conv2D (oneDNN)"; without the remark it is TensorFlow's own. */
  readonly op: string;
  /** How many there are. */
  readonly count: number;
  /** Their times together, in milliseconds. */
  readonly ms: number;
}

/** What a layer, or a part of the step that is no layer, takes. Milliseconds. */
export interface LayerTime {
  /** The layer's name, or one of `PARTS`. */
  readonly layer: string;
  /** In the forward pass. */
  readonly forward: number;
  /** For the gradients. */
  readonly backward: number;
  /** For new parameters and running statistics. */
  readonly update: number;
  /** All of it. */
  readonly total: number;
}

/** Parts of a step that belong to no layer. */
export const PARTS = {
  input: "(transforms)",
  loss: "(loss)",
  optimizer: "(optimizer)",
  statistics: "(running statistics)",
  other: "(other)",
} as const;

/** Which layer and which pass a node works for. */
export interface Place {
  /** The layer's name, or one of `PARTS`. */
  readonly layer: string;
  /** Forward, for the gradients, or for new parameters and running statistics. */
  readonly pass: "forward" | "backward" | "update";
}

/** The times by kind of kernel, the longest first. */
export function timesByOp(nodes: readonly RunNode[]): OpTime[] {
  const groups = Map.groupBy(nodes.filter(({ op }) => op !== "_Arg" && op !== "_Retval"), ({ op }) => op);
  return Array.from(groups, ([op, members]) => ({
    op: kernelName(op),
    count: members.length,
    ms: sum(members.map(({ ms }) => ms)),
  })).sort((a, b) => b.ms - a.ms);
}

/**
 * The times by layer, in the order of `layers`, then by the parts that are no layers. What takes no time is left out.
 * @param layers Names of the network's nodes.
 */
export function timesByLayer(nodes: readonly RunNode[], layers: readonly string[]): LayerTime[] {
  const places = placeNodes(nodes);
  return [...layers, ...Object.values(PARTS)].map((layer) => {
    const members = nodes.filter(({ name }) => places.get(name)!.layer === layer);
    const of = (pass: Place["pass"]): number =>
      sum(members.filter(({ name }) => places.get(name)!.pass === pass).map(({ ms }) => ms));
    const [forward, backward, update] = [of("forward"), of("backward"), of("update")];
    return { layer, forward, backward, update, total: forward + backward + update };
  }).filter(({ total }) => total > 0);
}

/** A kernel's name for people: whose it is behind it, not before it. */
export function kernelName(op: string): string {
  const plain = op.replace(/^_(MklNative|Mkl)?/, "");
  return /^_Mkl/.test(op) ? `${plain} (oneDNN)` : plain;
}

/** Ops that stand between a tensor and its use without computing anything. */
const PASS_THROUGH = /^(Bitcast|Cast|Identity|Reshape)$/;

/** Ops of an update: parameters enter them one by one, where layers take them as kernels. */
const ELEMENTWISE = /^(_Mkl|_)?(Add|AddV2|AddN|Mul|Sub|RealDiv)$/;

/** What an argument of the step is, by its place in `[{ variables, velocities }, { images, labels, ... }]`. */
function argumentOf(name: string): { kind: string; layer?: string } | undefined {
  const [, kind, , layer] =
    name.match(/^0\.(?:variables\.)?(params|batchStats|velocities)(\.(.+)\.[^.]+)$/) ?? [];
  if (kind !== undefined) return { kind, layer };
  const [, other] = name.match(/^1\.(\w+)$/) ?? [];
  return other === undefined ? undefined : { kind: other };
}

/**
 * Finds out which layer each node of a step works for, from what it reads and who reads it:
 *
 * 1. what reads a velocity or the learning rate, computes with a parameter element by element, or follows from such a
 *    node is the optimizer; likewise the running statistics;
 * 2. what the optimizer reads is the gradient of that parameter, and works for its layer;
 * 3. what reads a parameter works for its layer;
 * 4. anything else works for the layer whose output it reads, its own saved output rather than the gradient that
 *    comes in. A layer without parameters thus counts to the one before it.
 *
 * @param nodes With arguments called by their place in `[{ variables: { params, batchStats }, velocities }, batch]`.
 * @returns By name of the node.
 */
export function placeNodes(nodes: readonly RunNode[]): Map<string, Place> {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const readers = new Map<string, RunNode[]>();
  for (const node of nodes) {
    for (const input of node.inputs) readers.set(input, [...readers.get(input) ?? [], node]);
  }
  const inputsOf = (node: RunNode): RunNode[] => node.inputs.flatMap((name) => byName.get(name) ?? []);

  /** The arguments that a node reads, casts and reshapes between them not counted. */
  const argumentsOf = memo((node: RunNode): { kind: string; layer?: string }[] =>
    inputsOf(node).flatMap((input) =>
      argumentOf(input.name) ?? (PASS_THROUGH.test(input.op) ? argumentsOf(input) : [])
    )
  );
  const reads = (node: RunNode, ...kinds: string[]): boolean =>
    argumentsOf(node).some(({ kind }) => kinds.includes(kind));
  const isResult = ({ op }: RunNode): boolean => op === "_Retval" || op === "IdentityN";
  const isOptimizer = memo((node: RunNode): boolean =>
    !isResult(node) && !PASS_THROUGH.test(node.op) &&
      (reads(node, "velocities", "learningRate") || ELEMENTWISE.test(node.op) && reads(node, "params")) ||
    !isResult(node) && inputsOf(node).some(isOptimizer)
  );
  const isStatistics = memo((node: RunNode): boolean =>
    !isResult(node) && ELEMENTWISE.test(node.op) &&
    (reads(node, "batchStats") || inputsOf(node).some(isStatistics))
  );

  /** The layer whose parameter a node of the optimizer updates. */
  const updatedLayer = memo((node: RunNode): string | undefined =>
    argumentsOf(node).find(({ layer }) => layer !== undefined)?.layer ??
      firstDefined(inputsOf(node).filter(isOptimizer), updatedLayer)
  );
  /** Whether a node is an argument in another form: a parameter in bfloat16, which the optimizer may read too. */
  const isArgument = memo((node: RunNode): boolean =>
    PASS_THROUGH.test(node.op) &&
    inputsOf(node).every((input) => argumentOf(input.name) !== undefined || isArgument(input))
  );
  /** The layer for whose parameter a node gives the gradient. */
  const gradientLayer = memo((node: RunNode): string | undefined =>
    isOptimizer(node) || isArgument(node)
      ? undefined
      : firstDefined(readers.get(node.name) ?? [], (reader) =>
        isOptimizer(reader)
          ? updatedLayer(reader)
          : PASS_THROUGH.test(reader.op)
          ? gradientLayer(reader)
          : undefined)
  );

  const placeOf = memo((node: RunNode): Place => {
    if (node.inputs.length === 0) return { layer: PARTS.other, pass: "forward" }; // arguments; constants, which many read
    if (isOptimizer(node)) return { layer: PARTS.optimizer, pass: "update" };
    if (isStatistics(node)) return { layer: PARTS.statistics, pass: "update" };
    const gradientOf = gradientLayer(node);
    if (gradientOf !== undefined) return { layer: gradientOf, pass: "backward" };

    const sources = isResult(node) ? [] : inputsOf(node).map(placeOf);
    const pass = sources.some(({ layer, pass }) => pass === "backward" || layer === PARTS.loss)
      ? "backward"
      : "forward";
    if (reads(node, "labels")) return { layer: PARTS.loss, pass: "forward" };
    const own = argumentsOf(node).find(({ kind }) => kind === "params")?.layer;
    if (own !== undefined) return { layer: own, pass };
    const known = sources.filter(({ layer }) => layer !== PARTS.other);
    const from = known.find(({ pass }) => pass === "forward") ?? known[0];
    if (from !== undefined) return { layer: from.layer, pass };
    return { layer: reads(node, "images", "seed") ? PARTS.input : PARTS.other, pass: "forward" };
  });
  return new Map(nodes.map((node) => [node.name, placeOf(node)]));
}

/** A function of nodes that computes each value once. */
function memo<T>(compute: (node: RunNode) => T): (node: RunNode) => T {
  const values = new Map<RunNode, T>();
  return (node) => {
    if (!values.has(node)) values.set(node, compute(node));
    return values.get(node)!;
  };
}

function firstDefined<T, R>(items: readonly T[], of: (item: T) => R | undefined): R | undefined {
  for (const item of items) {
    const value = of(item);
    if (value !== undefined) return value;
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
