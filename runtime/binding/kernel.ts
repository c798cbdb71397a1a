/** TensorFlow's own ops as tfjs kernels with gradients: the way from an op's name to a function on tensors. */
import * as tfjs from "@tensorflow/tfjs";
import { type Attr, AttrKind } from "./attributes.ts";
import { runtime } from "./backend.ts";
import { DType } from "./dtypes.ts";

/** Attributes of an op: a string, a flag, a whole number or row of them; `float`, `type`, `strings` for the rest. */
export type Attrs = Readonly<Record<string, string | boolean | number | readonly number[] | Attr>>;

/** A floating-point attribute. */
export function float(value: number): Attr {
  return { name: "", type: AttrKind.float, value };
}

/** A type attribute. */
export function type(value: keyof typeof DType): Attr {
  return { name: "", type: AttrKind.type, value: DType[value] };
}

/** A list of strings as an attribute. */
export function strings(values: readonly string[]): Attr {
  return { name: "", type: AttrKind.string, value: values };
}

/** The type of an op on float32, by the name that TensorFlow's ops have for that attribute. */
export const T = type("float32");

/** A list of types as an attribute. */
export function types(...values: (keyof typeof DType)[]): Attr {
  return { name: "", type: AttrKind.type, value: values.map((value) => DType[value]) };
}

function toAttr(name: string, value: Attrs[string]): Attr {
  switch (typeof value) {
    case "string":
      return { name, type: AttrKind.string, value };
    case "boolean":
      return { name, type: AttrKind.bool, value };
    case "number":
      return { name, type: AttrKind.int, value };
    default:
      return "type" in value ? { ...value, name } : { name, type: AttrKind.int, value };
  }
}

/**
 * Runs one of TensorFlow's ops, or adds it to the graph being traced. No gradient flows through it.
 * @param op TensorFlow's name of it, e.g. "FusedBatchNormV3".
 * @param outputs How many of its outputs are wanted.
 */
export function callOp(
  op: string,
  attrs: Attrs,
  inputs: readonly tfjs.TensorInfo[],
  outputs = 1,
): tfjs.Tensor[] {
  return runtime().backend.executeMultipleOutputs(
    op,
    toRow(attrs) as Parameters<Executor>[1],
    [...inputs],
    outputs,
  );
}
type Executor = ReturnType<typeof runtime>["backend"]["executeMultipleOutputs"];

/**
 * The same for an op that knows int64 only, where tfjs knows int32 only: every int32 input goes in as int64, and what
 * comes out as int64 becomes int32.
 */
export function callInt64Op(
  op: string,
  attrs: Attrs,
  inputs: readonly tfjs.TensorInfo[],
  outputs = 1,
): tfjs.Tensor[] {
  const { backend, binding } = runtime();
  const passing: number[] = [];
  const cast = (id: number, from: keyof typeof DType, to: keyof typeof DType) =>
    binding.executeOp("Cast", toRow({ SrcT: type(from), DstT: type(to) }), [id], 1)[0];
  try {
    const ids = (backend["getInputTensorIds"]([...inputs]) as number[]).map((id, i) => {
      if (inputs[i].dtype !== "int32") return id;
      passing.push(cast(id, "int32", "int64").id);
      return passing.at(-1)!;
    });
    const results = binding.executeOp(op, toRow(attrs), ids, outputs).map((result) => {
      if (result.dtype !== DType.int64) return result;
      passing.push(result.id);
      return cast(result.id, "int64", "int32");
    });
    return results.map((result) => backend["createOutputTensor"](result) as tfjs.Tensor);
  } finally {
    for (const id of passing) binding.deleteTensor(id);
  }
}

function toRow(attrs: Attrs): Attr[] {
  return Object.entries(attrs).map(([name, value]) => toAttr(name, value));
}

/** The inputs of a kernel: tensors by name, of the names `L` lists of tensors. */
export type Inputs<I extends string, L extends string = never> =
  & Readonly<Record<I, tfjs.Tensor>>
  & Readonly<Record<L, readonly tfjs.Tensor[]>>;

/**
 * Makes `run` tfjs' kernel of that name, in the place of tfjs-node's if that has one. What `run` makes on the way and does
 * not return is disposed of.
 *
 * @param name tfjs' name of it, e.g. "Round".
 */
export function setKernel<I extends string, A, L extends string = never>(
  name: string,
  run: (inputs: Inputs<I, L>, attrs: A) => tfjs.Tensor | tfjs.Tensor[],
): void {
  const backendName = "tensorflow";
  if (tfjs.getKernel(name, backendName) !== undefined) tfjs.unregisterKernel(name, backendName);
  tfjs.registerKernel({
    kernelName: name,
    backendName,
    kernelFunc: ({ inputs, attrs }) => tfjs.tidy(() => run(inputs as Inputs<I, L>, attrs as A)),
  });
}

/** A differentiable op with named inputs and plain attributes. */
export interface KernelDefinition<I extends string, A> {
  /** The name tfjs keeps it under. */
  readonly name: string;
  /** The names of its inputs, in the order `run` takes them. */
  readonly inputs: readonly I[];
  forward(inputs: Readonly<Record<I, tfjs.TensorInfo>>, attrs: A): tfjs.Tensor[];
  /** Which inputs and outputs the gradient needs. */
  readonly save: { readonly inputs?: readonly I[]; readonly outputs?: readonly boolean[] };
  /**
   * The gradient for each input, as a function that is called only if that gradient is asked for, each in a `tidy` of
   * its own: an op that gives several gradients at once runs before the functions are returned.
   * @param dy Gradients of the outputs.
   * @param saved The saved inputs, then the saved outputs.
   */
  gradient(dy: tfjs.Tensor[], saved: tfjs.Tensor[], attrs: A): Record<I, () => tfjs.Tensor>;
}

/**
 * Registers a kernel with its gradient and returns the function that runs it, eagerly or in a trace.
 * Gradients of gradients are not defined.
 */
export function defineKernel<I extends string, A>(
  { name, inputs, forward, save, gradient }: KernelDefinition<I, A>,
): (inputs: Readonly<Record<I, tfjs.Tensor>>, attrs: A) => tfjs.Tensor[] {
  tfjs.registerKernel({
    kernelName: name,
    backendName: "tensorflow",
    kernelFunc: ({ inputs, attrs }) => forward(inputs as Record<I, tfjs.TensorInfo>, attrs as A),
  });
  tfjs.registerGradient({
    kernelName: name,
    inputsToSave: [...save.inputs ?? []],
    outputsToSave: [...save.outputs ?? []],
    gradFunc: (dy, saved, attrs) => gradient([dy].flat(), saved, attrs as A),
  });
  return (tensors, attrs) => {
    const named = Object.fromEntries(inputs.map((input) => [input, tensors[input]]));
    return [tfjs.engine().runKernel(name, named, attrs as tfjs.NamedAttrMap) as tfjs.Tensor | tfjs.Tensor[]]
      .flat();
  };
}
