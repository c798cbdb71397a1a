/** Sums up a profile of a step: by kind of op, and by layer of the network. */
import type { RunNode } from "../../runtime/compile/mod.ts";

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

/** Scopes that stand for a part, in the layer that they stand in or in none. */
const PART_OF_SCOPE = new Map<string, Partial<Place>>([
  ["transforms", { layer: PARTS.input }],
  ["loss", { layer: PARTS.loss }],
  ["optimizer", { layer: PARTS.optimizer, pass: "update" }],
  ["statistics", { layer: PARTS.statistics, pass: "update" }],
]);

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
  const places = nodes.map((node) => ({ ...placeOf(node), ms: node.ms }));
  const rows = new Set([...layers, ...Object.values(PARTS), ...places.map(({ layer }) => layer)]);
  return Array.from(rows, (layer) => {
    const of = (pass: Place["pass"]): number =>
      sum(places.filter((place) => place.layer === layer && place.pass === pass).map(({ ms }) => ms));
    const [forward, backward, update] = [of("forward"), of("backward"), of("update")];
    return { layer, forward, backward, update, total: forward + backward + update };
  }).filter(({ total }) => total > 0);
}

/** A kernel's name for people: whose it is behind it, not before it. */
export function kernelName(op: string): string {
  const plain = op.replace(/^_(MklNative|Mkl)?/, "");
  return /^_Mkl/.test(op) ? `${plain} (oneDNN)` : plain;
}

/** A node's name without its scope, e.g. "Conv2D_17". */
export function shortName({ name }: RunNode): string {
  return name.replace(/^.*\//, "");
}

/**
 * Which layer a node of a step works for, by its name: the scope that it was traced in (`withScope`), which TensorFlow's
 * rewrites keep. What several layers compute alike is computed once, by the name of the first.
 *
 * @param node With arguments called by their place in `[{ variables: { params, batchStats }, optState }, batch]`.
 */
export function placeOf({ name, op, inputs }: RunNode): Place {
  if (inputs.length === 0) return { layer: PARTS.other, pass: "forward" }; // arguments; constants, which many read
  const place = placeOfName(name);
  if (!FUSED_LAYER.test(op)) return place;
  return { ...place, layer: placeOfName(inputs[1]).layer }; // of its kernel, or in bfloat16 of the kernel's cast
}

/** A convolution or product together with the bias and relu behind it: it has the name of the last, the work is the first's. */
const FUSED_LAYER = /^_(MklNative|Mkl)?Fused(Conv2D|MatMul)$/;

/** A parameter's place in the arguments. */
const PARAMETER = /^0\.(?:variables\.)?params\.(.+)\.[^.]+$/;

function placeOfName(name: string): Place {
  const scopes = name.split("/").slice(0, -1);
  const pass = scopes[0] === "gradient" ? "backward" : "forward";
  const layer = scopes.find((scope) => scope !== "gradient") ?? name.match(PARAMETER)?.[1] ?? PARTS.other;
  const part = scopes.find((scope) => PART_OF_SCOPE.has(scope));
  return { layer, pass, ...(part !== undefined && PART_OF_SCOPE.get(part)) };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
