/** The graph that a traced function grows into (`TF_Graph*`), until it becomes a TensorFlow function. */
import { type Attr, AttrKind, type AttrSetters, graphSetters, int64s, setAttrs } from "./attributes.ts";
import { readBuffer } from "./buffers.ts";
import { cStringBytes, type Library } from "./library.ts";
import { decodeOpDef, type InputArg, type OpDef } from "./protos.ts";
import { packOutputs, type TfOutput } from "./symbols.ts";

/** One output of a node: a tensor that has a type and a shape, but no value. */
export interface TracedTensor extends TfOutput {
  readonly op: string;
  /** What the name of its node begins with. */
  readonly scope: string;
  readonly dtype: number;
  /** `undefined` where TensorFlow cannot infer it, -1 for a dimension that is not known before the run. */
  readonly shape: readonly number[] | undefined;
}

const encoder = new TextEncoder();

/** A graph under construction. Must be closed. */
export class Trace implements Disposable {
  /** What the names of new nodes begin with: a path, or nothing. */
  scope = "";
  readonly #library: Library;
  readonly #graph: Deno.PointerObject;
  readonly #setters: AttrSetters;
  #nodes = 0;

  constructor(library: Library) {
    this.#library = library;
    this.#graph = library.symbols.TF_NewGraph()!;
    this.#setters = graphSetters(library);
  }

  /** A new argument of the function. */
  placeholder(dtype: number, shape: readonly number[]): TracedTensor {
    const { symbols: c } = this.#library;
    const node = this.#begin("Placeholder");
    c.TF_SetAttrType(node, cStringBytes("dtype"), dtype);
    c.TF_SetAttrShape(node, cStringBytes("shape"), int64s(shape), shape.length);
    return this.#finish(node, "Placeholder")[0];
  }

  /** A constant that holds a copy of a `TF_Tensor*`. */
  constant(tensor: Deno.PointerObject, dtype: number): TracedTensor {
    const { symbols: c, status, check } = this.#library;
    const node = this.#begin("Const");
    c.TF_SetAttrType(node, cStringBytes("dtype"), dtype);
    c.TF_SetAttrTensor(node, cStringBytes("value"), tensor, status);
    check("TF_SetAttrTensor");
    return this.#finish(node, "Const")[0];
  }

  /** The same values in another number format, in the scope that they come from, if they come from one. */
  cast(tensor: TracedTensor, dtype: number): TracedTensor {
    const { scope } = this;
    this.scope = tensor.scope || scope;
    const types = [["SrcT", tensor.dtype], ["DstT", dtype]] as const;
    const attrs = types.map(([name, value]) => ({ name, type: AttrKind.type, value }));
    const [cast] = this.add("Cast", attrs, [tensor]);
    this.scope = scope;
    return cast;
  }

  /** Adds an op and returns all its outputs. What its inputs say of its types counts, not what `attrs` says. */
  add(op: string, attrs: readonly Attr[], inputs: readonly TracedTensor[]): TracedTensor[] {
    const { symbols: c } = this.#library;
    const { inputArg } = this.opDef(op);
    const lengths = inputLengths(op, inputArg, attrs, inputs.length);
    const inferred = inferredTypes(inputArg, lengths);
    const node = this.#begin(op);
    let next = 0;
    for (const length of lengths) {
      if (length === "one") c.TF_AddInput(node, packOutputs([inputs[next++]]));
      else c.TF_AddInputList(node, packOutputs(inputs.slice(next, next += length)), length);
    }
    setAttrs(
      this.#setters,
      node,
      attrs.filter(({ name, type }) => type !== AttrKind.type || !inferred.has(name)),
    );
    return this.#finish(node, op);
  }

  /** What TensorFlow says of an op. @throws {TensorFlowError} If it knows no such op. */
  opDef(op: string): OpDef {
    let def = opDefs.get(op);
    if (def === undefined) {
      const { symbols: c, status, check } = this.#library;
      const bytes = readBuffer(this.#library, (buffer) => {
        c.TF_GraphGetOpDef(this.#graph, cStringBytes(op), buffer, status);
        check(`TF_GraphGetOpDef(${op})`);
      });
      opDefs.set(op, def = decodeOpDef(bytes));
    }
    return def;
  }

  /** Makes the graph a function of the context, called `name`. */
  toFunction(
    context: Deno.PointerObject,
    name: string,
    inputs: readonly TracedTensor[],
    outputs: readonly TracedTensor[],
  ): void {
    const { symbols: c, status, check } = this.#library;
    const fn = c.TF_GraphToFunction(
      this.#graph,
      encoder.encode(name + "\0"),
      0, // the name as it is, no hash appended
      -1, // all operations of the graph
      null,
      inputs.length,
      packOutputs(inputs),
      outputs.length,
      packOutputs(outputs),
      null, // output names are made up
      null,
      null,
      status,
    );
    check("TF_GraphToFunction");
    try {
      c.TFE_ContextAddFunction(context, fn, status);
      check("TFE_ContextAddFunction");
    } finally {
      c.TF_DeleteFunction(fn);
    }
  }

  [Symbol.dispose](): void {
    this.#library.symbols.TF_DeleteGraph(this.#graph);
  }

  #begin(op: string): Deno.PointerValue {
    const name = nodeName(this.scope, `${op}_${this.#nodes++}`);
    return this.#library.symbols.TF_NewOperation(this.#graph, cStringBytes(op), encoder.encode(name + "\0"));
  }

  #finish(node: Deno.PointerValue, op: string): TracedTensor[] {
    const { symbols: c, status, check } = this.#library;
    const operation = c.TF_FinishOperation(node, status);
    check(`TF_FinishOperation(${op})`);
    return Array.from({ length: c.TF_OperationNumOutputs(operation) }, (_, index) => {
      const output = { operation, index };
      const packed = packOutputs([output]);
      return {
        op,
        scope: this.scope,
        ...output,
        dtype: c.TF_OperationOutputType(packed),
        shape: this.#shape(packed),
      };
    });
  }

  #shape(output: Uint8Array<ArrayBuffer>): number[] | undefined {
    const { symbols: c, status, check } = this.#library;
    const rank = c.TF_GraphGetTensorNumDims(this.#graph, output, status);
    check("TF_GraphGetTensorNumDims");
    if (rank < 0) return undefined;
    const dims = new BigInt64Array(rank);
    c.TF_GraphGetTensorShape(this.#graph, output, dims, rank, status);
    check("TF_GraphGetTensorShape");
    return Array.from(dims, Number);
  }
}

/** A name with its scope, of the characters that TensorFlow takes: it refuses others only when the function first runs. */
function nodeName(scope: string, name: string): string {
  const path = scope === "" ? name : `${scope}/${name}`;
  return path.replace(/^[^A-Za-z0-9.]/, ".").replaceAll(/[^A-Za-z0-9_.\\/>-]/g, "_");
}

/** Ops do not change while the process runs. */
const opDefs = new Map<string, OpDef>();

/**
 * How a flat row of inputs falls onto an op's arguments: "one" tensor, or a list of so many. The length of a list is
 * its attribute's value where the caller gave it; lists without it share what is left over evenly.
 * @throws {TypeError} If the inputs do not fit.
 */
export function inputLengths(
  op: string,
  args: readonly InputArg[],
  attrs: readonly Attr[],
  inputs: number,
): ("one" | number)[] {
  const given = args.map(({ numberAttr, typeListAttr }) => {
    const attr = numberAttr || typeListAttr;
    if (attr === "") return "one";
    const value = attrs.find(({ name }) => name === attr)?.value;
    return Array.isArray(value) ? value.length : typeof value === "number" ? value : undefined;
  });
  const known = given.reduce<number>((sum, n) => sum + (n === "one" ? 1 : n ?? 0), 0);
  const open = given.filter((n) => n === undefined).length;
  const share = open === 0 ? 0 : (inputs - known) / open;
  if (!Number.isInteger(share) || share < 0 || known + share * open !== inputs) {
    throw new TypeError(
      `Cannot add op ${op}: ${inputs} inputs do not fit its arguments (${args.map((a) => a.name)})`,
    );
  }
  return given.map((n) => n ?? share);
}

/**
 * The type attributes that TensorFlow takes from an op's inputs. Run at once, an op whose attribute contradicts its inputs
 * goes by the inputs, and kernels of tfjs-node count on it (`Mean` of whole numbers says int32 of what it has cast to
 * float32); in a graph it is an error.
 * @param lengths As `inputLengths` gives them. A list without tensors says nothing of their one type.
 */
export function inferredTypes(args: readonly InputArg[], lengths: readonly ("one" | number)[]): Set<string> {
  const names = args.flatMap(({ typeAttr, typeListAttr }, i) =>
    lengths[i] === 0 ? [typeListAttr] : [typeAttr, typeListAttr]
  );
  return new Set(names.filter((name) => name !== ""));
}
