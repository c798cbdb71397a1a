/** Order and identity of a model's nodes. */
import { assertEquals, assertThrows } from "@std/assert";
import { defineModel, mapNodes } from "../../layers/model.ts";
import type { Node } from "../../layers/nodes/node.ts";
import { add, input, relu } from "../../layers/nodes/nodes.ts";

Deno.test("defineModel: every node once, inputs first, in the order of the inputs", () => {
  const x = input([4, 4, 2]);
  const a = relu(x, { name: "a" });
  const b = relu(a, { name: "b" });
  const c = relu(x, { name: "c" });
  const model = defineModel(add(add(b, c, { name: "d" }), a, { name: "e" }), { name: "net" });
  assertEquals(model.nodes.map(({ name }) => name), ["input", "a", "b", "c", "d", "e"]);
  assertEquals(model.input, x);
  assertEquals(model.initScheme, "pytorch");
});

Deno.test("defineModel: 60 diamonds are walked once, not 2^60 times; depth 20000 does not overflow", () => {
  let wide: Node = input([1, 1, 1]);
  for (let i = 0; i < 60; i++) wide = add(wide, wide, { name: `${i}` });
  assertEquals(defineModel(wide, { name: "net" }).nodes.length, 61);
  let deep: Node = input([1, 1, 1]);
  for (let i = 0; i < 20000; i++) deep = relu(deep, { name: `${i}` });
  assertEquals(defineModel(deep, { name: "net" }).nodes.length, 20001);
});

Deno.test("defineModel: refuses one name for two nodes, and two inputs", () => {
  const x = input([4, 4, 2]);
  assertEquals(
    assertThrows(
      () => defineModel(relu(relu(x, { name: "a" }), { name: "a" }), { name: "net" }),
      TypeError,
    ).message,
    'defineModel: two nodes of net are called "a"; names must be unique',
  );
  const two = add(x, input([4, 4, 2], "other"), { name: "sum" });
  assertEquals(
    assertThrows(() => defineModel(two, { name: "net" }), TypeError).message,
    "defineModel: net has 2 inputs (input, other); it needs one",
  );
});

Deno.test("mapNodes: each node on what became of its inputs; nodes may fall away, and the model given stays", () => {
  const x = input([4, 4, 2]);
  const a = relu(x, { name: "a" });
  const model = defineModel(add(relu(a, { name: "b" }), a, { name: "c" }), {
    name: "net",
    initScheme: "heNormal",
  });
  const mapped = mapNodes(model, (node, before) => {
    if (before.name === "b") return node.inputs[0]!;
    return { ...node, name: node.name.toUpperCase() };
  });
  assertEquals(mapped.nodes.map(({ name }) => name), ["INPUT", "A", "C"]);
  assertEquals([...mapped.output.inputs].map(({ name }) => name), ["A", "A"]);
  assertEquals([mapped.name, mapped.initScheme], ["net", "heNormal"]);
  assertEquals(model.nodes.map(({ name }) => name), ["input", "a", "b", "c"]);
});
