/** Where the time of a compiled function goes: TensorFlow's own statistics of every node that it ran. */
import { runtime } from "../binding/backend.ts";
import { readBuffer, withBytes } from "../binding/buffers.ts";
import { cStringBytes, type Library } from "../binding/library.ts";
import { encodeConfig } from "../binding/protos.ts";
import { packOutputs, type TfOutput } from "../binding/symbols.ts";
import { median } from "../system/median.ts";
import { compile, inPrecision, type JitOptions } from "./jit.ts";
import {
  type Argument,
  CALL_NODE,
  decodeRun,
  encodeCallGraph,
  encodeTraceOptions,
  optimizeSmallGraphs,
  type RunNode,
} from "./step_stats.ts";
import { flatten, type Structure } from "./structure.ts";

export type { RunNode } from "./step_stats.ts";

/** How to profile. */
export interface ProfileOptions extends JitOptions {
  /** Measured runs; 5 unless given. Two more come before them, in which TensorFlow optimises and warms up. */
  readonly runs?: number;
  /** Threads of one kernel; one per core unless given. */
  readonly threads?: number;
}

/** Where the time of one call goes. */
export interface Profile {
  /** Every node of the graph as TensorFlow ran it, with the median of its times over the runs. */
  readonly nodes: readonly RunNode[];
  /** Median time of a whole run, in milliseconds. Nodes run side by side: their times may add up to more. */
  readonly wallMs: number;
}

const WARM_UP = 2;

/**
 * Runs a function of tensors as `jit` does, in a session of its own that takes the time of every node.
 *
 * An argument is called by its place in `args`: `0.params.fc.weight` is `args[0].params["fc.weight"]`.
 *
 * @param fn Any function that `jit` takes, or one that it has compiled. Not run on the values of `args` but for timing.
 * @param args Not disposed.
 * @throws {JitError} As `jit` does.
 * @example
 * ```ts ignore
 * const { nodes } = profile(step, [state, batch]);
 * const slowest = nodes.toSorted((a, b) => b.ms - a.ms)[0];
 * ```
 */
export function profile<A extends readonly unknown[], R>(
  fn: (...args: A) => R,
  args: A,
  { precision = "float32", runs = 5, threads }: ProfileOptions = {},
): Profile {
  const { backend, binding } = runtime();
  const { tensors, structure } = flatten(args, "argument");
  const paths = leafPaths(structure);
  const inputs = tensors.map(({ dtype, shape }, i): Argument => ({
    path: paths[i],
    dtype: backend.getDTypeInteger(dtype),
    shape,
  }));
  const { fn: traced } = compile(fn, structure, tensors, { precision });
  try {
    const definition = binding.functionDef(traced);
    const graph = encodeCallGraph(inputs, { name: traced.name, definition });
    const config = optimizeSmallGraphs(encodeConfig({ threads }));
    using session = new Session(binding.library, graph, config, paths, traced.outputs.length);
    const measure = (values: Deno.PointerObject[]): Profile => {
      for (let run = 0; run < WARM_UP; run++) session.run(values);
      const measured = Array.from({ length: runs }, () => {
        const start = performance.now();
        const metadata = session.run(values, encodeTraceOptions());
        return { wallMs: performance.now() - start, nodes: decodeRun(metadata) };
      });
      return combineRuns(measured);
    };
    const ids = backend["getInputTensorIds"]([...tensors]);
    return binding.withTensors(ids, (values) => inPrecision(precision, () => measure(values)));
  } finally {
    binding.removeFunction(traced);
  }
}

/** The median of each node's times, and of the whole. Runs of one session have the same nodes in the same order. */
export function combineRuns(runs: readonly Profile[]): Profile {
  return {
    wallMs: median(runs.map(({ wallMs }) => wallMs)),
    nodes: runs[0].nodes.map((node, i) => ({ ...node, ms: median(runs.map(({ nodes }) => nodes[i].ms)) })),
  };
}

/** The places of the tensors in a structure, in order: `0.params.fc.weight`. */
export function leafPaths(structure: Structure, prefix = ""): string[] {
  if (structure.kind === "tensor") return [prefix];
  return Object.entries(structure.items).flatMap(([key, item]) =>
    leafPaths(item, prefix === "" ? key : `${prefix}.${key}`)
  );
}

/** A session over a serialised graph (`TF_Session*`). Must be closed. */
class Session implements Disposable {
  readonly #library: Library;
  readonly #resources = new DisposableStack();
  readonly #session: Deno.PointerObject;
  readonly #inputs: Uint8Array<ArrayBuffer>;
  readonly #outputs: Uint8Array<ArrayBuffer>;
  readonly #numOutputs: number;

  /**
   * @param config Bytes of a `ConfigProto`.
   * @param inputs Names of the nodes that are fed, output 0 of each.
   * @param numOutputs How many outputs of the call node are fetched.
   */
  constructor(
    library: Library,
    graphDef: Uint8Array<ArrayBuffer>,
    config: Uint8Array<ArrayBuffer>,
    inputs: readonly string[],
    numOutputs: number,
  ) {
    this.#library = library;
    const { symbols: c, status, check } = library;
    using opening = new DisposableStack(); // closes what is open if a call fails
    const graph = opening.adopt(c.TF_NewGraph()!, (graph) => c.TF_DeleteGraph(graph));
    withBytes(library, graphDef, (buffer) => {
      const options = c.TF_NewImportGraphDefOptions();
      c.TF_GraphImportGraphDef(graph, buffer, options, status);
      c.TF_DeleteImportGraphDefOptions(options);
      check("TF_GraphImportGraphDef");
    });
    const output = (name: string, index: number): TfOutput => ({
      operation: c.TF_GraphOperationByName(graph, cStringBytes(name)),
      index,
    });
    this.#inputs = packOutputs(inputs.map((name) => output(name, 0)));
    this.#outputs = packOutputs(Array.from({ length: numOutputs }, (_, index) => output(CALL_NODE, index)));
    this.#numOutputs = numOutputs;

    const options = c.TF_NewSessionOptions();
    c.TF_SetConfig(options, config, BigInt(config.length), status);
    check("TF_SetConfig");
    const session = c.TF_NewSession(graph, options, status);
    c.TF_DeleteSessionOptions(options);
    check("TF_NewSession");
    this.#session = opening.adopt(session!, (session) => {
      c.TF_CloseSession(session, status);
      c.TF_DeleteSession(session, status);
    });
    this.#resources = opening.move();
  }

  /**
   * Runs the graph once and drops what comes out.
   * @param values `TF_Tensor*` of the inputs.
   * @param options Bytes of `RunOptions`, for a run with statistics.
   * @returns Bytes of `RunMetadata`; none without options.
   */
  run(values: readonly Deno.PointerObject[], options?: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    const { symbols: c, status, check } = this.#library;
    const given = BigUint64Array.from(values, (value) => BigInt(Deno.UnsafePointer.value(value)));
    const fetched = new BigUint64Array(this.#numOutputs);
    const call = (options: Deno.PointerValue, metadata: Deno.PointerValue): void => {
      c.TF_SessionRun(
        this.#session,
        options,
        this.#inputs,
        given,
        given.length,
        this.#outputs,
        fetched,
        fetched.length,
        null,
        0,
        metadata,
        status,
      );
      check("TF_SessionRun");
      for (const address of fetched) c.TF_DeleteTensor(Deno.UnsafePointer.create(address));
    };
    if (options === undefined) {
      call(null, null);
      return new Uint8Array();
    }
    return withBytes(
      this.#library,
      options,
      (options) => readBuffer(this.#library, (metadata) => call(options, metadata)),
    );
  }

  [Symbol.dispose](): void {
    this.#resources.dispose();
  }
}
