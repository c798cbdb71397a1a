/** Stands in the place of tfjs-core's `ops/operation.js`, through which every op is made, to see what calls it. */
import { tf } from "../../runtime/mod.ts";

/** A function of tensors and what goes with them. */
export type Op = (...args: unknown[]) => unknown;

/** A call that succeeded. */
export interface Call {
  /** The op's name, e.g. `matMul`. */
  readonly op: string;
  readonly fn: Op;
  readonly args: readonly unknown[];
  readonly result: unknown;
}

type MakeOp = (definition: Readonly<Record<string, Op>>) => Op;

let makeOp: MakeOp | undefined;
let onCall: (call: Call) => void = () => {};

/** Says how ops are made, by the original's `op`, and who is told of calls, as soon as each has its result. */
export function watchCalls(original: MakeOp, listener: (call: Call) => void): void {
  [makeOp, onCall] = [original, listener];
}

/** Ops under way, one in another. */
let depth = 0;

/** Makes an op, as the original does. */
export const op: MakeOp = (definition) => {
  const fn = makeOp!(definition);
  const name = Object.keys(definition)[0].replace(/_$/, "");
  const watched: Op = (...args) =>
    within(() => {
      const result = fn(...args);
      if (depth === 1 && isOutside()) onCall({ op: name, fn, args, result });
      return result;
    });
  return Object.defineProperty(watched, "name", { value: fn.name, configurable: true });
};

function within<R>(body: () => R): R {
  depth++;
  try {
    return body();
  } finally {
    depth--;
  }
}

/** Whether a call is a spec's own, in no gradient or kernel: repeated there it would end up on the tape. */
function isOutside(): boolean {
  const { gradientDepth, kernelDepth, activeTape } = tf.engine().state;
  return gradientDepth === 0 && kernelDepth === 0 && !activeTape;
}

/** The original's other name. */
export const OP_SCOPE_SUFFIX = "__op";
