/** The nodes of a traced function, as TensorFlow was given them: before it optimises anything. */
import protobuf from "protobufjs";
import { runtime } from "../../runtime/binding/backend.ts";
import { compile } from "../../runtime/compile/jit.ts";
import { flatten } from "../../runtime/compile/structure.ts";
import type { Precision } from "../../runtime/mod.ts";

// Field numbers are those of TensorFlow's core/framework/function.proto, node_def.proto and attr_value.proto.
const { root } = protobuf.parse(`
syntax = "proto3";
message AttrValue { int32 type = 6; }
message NodeDef { string name = 1; string op = 2; repeated string input = 3; map<string, AttrValue> attr = 5; }
message FunctionDef { repeated NodeDef node_def = 3; map<string, string> ret = 4; }
`);
const functionDef = root.lookupType("FunctionDef");

/** A node of a traced function. */
export interface TracedNode {
  readonly name: string;
  /** TensorFlow's name of the op. */
  readonly op: string;
  /** Where its inputs come from: `node:output:0`, or the name of an argument. */
  readonly inputs: readonly string[];
  /** `TF_DataType` by the name of the attribute. */
  readonly types: Readonly<Record<string, number>>;
}

/** Traces `fn` on `args`. @returns Its nodes in order, and where its results come from. */
export function tracedNodes<A extends readonly unknown[]>(
  fn: (...args: A) => unknown,
  args: A,
  precision: Precision,
): { nodes: TracedNode[]; results: string[] } {
  const { tensors, structure } = flatten(args, "argument");
  const { binding } = runtime();
  const { fn: traced } = compile(fn, structure, tensors, { precision });
  const decoded = functionDef.toObject(functionDef.decode(binding.functionDef(traced)), {
    arrays: true,
    objects: true,
  }) as Decoded;
  binding.removeFunction(traced);
  return {
    nodes: decoded.nodeDef.map(({ name, op, input, attr }) => ({
      name,
      op,
      inputs: input,
      types: Object.fromEntries(
        Object.entries(attr).flatMap(([name, { type }]) => type === undefined ? [] : [[name, type]]),
      ),
    })),
    results: Object.values(decoded.ret),
  };
}

interface Decoded {
  nodeDef: { name: string; op: string; input: string[]; attr: Record<string, { type?: number }> }[];
  ret: Record<string, string>;
}
