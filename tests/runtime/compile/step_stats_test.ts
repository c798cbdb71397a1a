/** The bytes are put together by hand here, from the wire format of protocol buffers, not by a library. */
import { assertEquals } from "@std/assert";
import {
  decodeRun,
  encodeCallGraph,
  encodeTraceOptions,
  optimizeSmallGraphs,
} from "../../../runtime/compile/step_stats.ts";

/** A base-128 number, low bits first. */
function varint(value: number): number[] {
  return value < 128 ? [value] : [value % 128 + 128, ...varint(Math.floor(value / 128))];
}

/** A field that holds a number. */
function number(field: number, value: number): number[] {
  return [...varint(field << 3), ...varint(value)];
}

/** A field that holds bytes: a text, or a message. */
function bytes(field: number, value: string | readonly number[]): number[] {
  const content = typeof value === "string" ? [...new TextEncoder().encode(value)] : value;
  return [...varint((field << 3) | 2), ...varint(content.length), ...content];
}

/** `NodeExecStats` of a node whose first output is a float32 tensor of shape [2, 300]. */
function stats(name: string, start: number, end: number): number[] {
  const shape = [...bytes(2, number(1, 2)), ...bytes(2, number(1, 300))];
  const description = [...number(1, 1), ...bytes(2, shape)];
  return [
    ...bytes(1, name),
    ...bytes(7, bytes(3, description)),
    ...number(14, start),
    ...number(15, end),
  ];
}

/** `NodeDef`. */
function node(name: string, op: string, ...inputs: string[]): number[] {
  return [...bytes(1, name), ...bytes(2, op), ...inputs.flatMap((input) => bytes(3, input))];
}

Deno.test("decodeRun joins the graph that ran with the time of each node", () => {
  const devices = bytes(1, [
    ...bytes(1, "/device:CPU:0"),
    ...bytes(2, stats("step/MatMul_3", 1_000, 5_001_000)),
    ...bytes(2, stats("_arg_0.params.fc.weight_0_12", 0, 500)),
  ]);
  const graph = [
    ...bytes(1, node("_arg_0.params.fc.weight_0_12", "_Arg")),
    ...bytes(
      1,
      node("step/MatMul_3", "_MklMatMul", "step/Relu_2:1", "_arg_0.params.fc.weight_0_12", "^step/NoOp"),
    ),
    ...bytes(1, node("step/Relu_2", "Relu")),
  ];
  const metadata = Uint8Array.from([...bytes(1, devices), ...bytes(3, graph)]);
  assertEquals(decodeRun(metadata), [
    { name: "0.params.fc.weight", op: "_Arg", inputs: [], output: { dtype: 1, shape: [2, 300] }, ms: 0.0005 },
    {
      name: "MatMul_3",
      op: "_MklMatMul",
      inputs: ["Relu_2", "0.params.fc.weight"],
      output: { dtype: 1, shape: [2, 300] },
      ms: 5,
    },
    { name: "Relu_2", op: "Relu", inputs: [], ms: 0 },
  ]);
});

Deno.test("decodeRun of nothing is nothing", () => {
  assertEquals(decodeRun(new Uint8Array()), []);
});

Deno.test("encodeCallGraph: a placeholder an argument, the call, the function, the version", () => {
  const args = [{ path: "0.w", dtype: 1, shape: [3, 200] }, { path: "1", dtype: 3, shape: [] }];
  const placeholder = (name: string, dtype: number, shape: number[]): number[] => [
    ...node(name, "Placeholder"),
    ...bytes(5, [...bytes(1, "dtype"), ...bytes(2, number(6, dtype))]),
    ...bytes(5, [
      ...bytes(1, "shape"),
      ...bytes(2, bytes(7, shape.flatMap((size) => bytes(2, number(1, size))))),
    ]),
  ];
  assertEquals(
    [...encodeCallGraph(args, { name: "fn_0", definition: Uint8Array.of(10, 0) })],
    [
      ...bytes(1, placeholder("0.w", 1, [3, 200])),
      ...bytes(1, placeholder("1", 3, [])),
      ...bytes(1, node("step", "fn_0", "0.w", "1")),
      ...bytes(2, bytes(1, [10, 0])),
      ...bytes(4, number(1, 2000)),
    ],
  );
});

Deno.test("encodeTraceOptions asks for a full trace and for the graph as it ran", () => {
  assertEquals([...encodeTraceOptions()], [0x08, 3, 0x28, 1]);
});

Deno.test("optimizeSmallGraphs adds a field behind the settings that are there", () => {
  // min_graph_nodes, field 17 of rewrite_options (10) of graph_options (10): -1 takes ten bytes.
  const minusOne = [0x88, 0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
  assertEquals([...optimizeSmallGraphs(Uint8Array.of(0x10, 2))], [
    0x10,
    2,
    ...bytes(10, bytes(10, minusOne)),
  ]);
});
