/** How a flat row of inputs falls onto an op's arguments, and what they say of its types. */
import { assertEquals, assertThrows } from "@std/assert";
import { AttrKind } from "../../../runtime/binding/attributes.ts";
import type { InputArg } from "../../../runtime/binding/protos.ts";
import { inferredTypes, inputLengths } from "../../../runtime/binding/trace.ts";

const one = (name: string): InputArg => ({ name, typeAttr: "T", numberAttr: "", typeListAttr: "" });
const list = (name: string, numberAttr: string): InputArg => ({
  name,
  typeAttr: "T",
  numberAttr,
  typeListAttr: "",
});
const mixed = (name: string, typeListAttr: string): InputArg => ({
  name,
  typeAttr: "",
  numberAttr: "",
  typeListAttr,
});
const int = (name: string, value: number) => ({ name, type: AttrKind.int, value });
const types = (name: string, value: number[]) => ({ name, type: AttrKind.type, value });

Deno.test("inputLengths: single arguments take one input each", () => {
  assertEquals(inputLengths("Add", [one("x"), one("y")], [], 2), ["one", "one"]);
  assertEquals(inputLengths("Const", [], [], 0), []);
});

Deno.test("inputLengths: a list takes what is left over", () => {
  assertEquals(inputLengths("ConcatV2", [list("values", "N"), one("axis")], [], 4), [3, "one"]);
  assertEquals(inputLengths("Pack", [list("values", "N")], [], 1), [1]);
  assertEquals(
    inputLengths("CollectiveReduceV2", [one("input"), list("ordering_token", "N")], [], 1),
    ["one", 0],
    "an empty list",
  );
});

Deno.test("inputLengths: attributes give the lengths of lists", () => {
  const args = [list("a", "N"), one("b"), mixed("c", "T")];
  assertEquals(inputLengths("Made", args, [int("N", 2), types("T", [1, 3, 1])], 6), [2, "one", 3]);
  assertEquals(inputLengths("Made", args, [types("T", [])], 3), [2, "one", 0]);
  assertEquals(inputLengths("Made", args, [int("N", 0)], 3), [0, "one", 2]);
});

Deno.test("inputLengths: lists without a length share evenly", () => {
  assertEquals(inputLengths("Made", [list("a", "N"), list("b", "M")], [], 6), [3, 3]);
});

Deno.test("inputLengths: inputs that do not fit are refused, with the op and its arguments", () => {
  const cases: [InputArg[], Parameters<typeof inputLengths>[2], number][] = [
    [[one("x"), one("y")], [], 3],
    [[one("x"), one("y")], [], 1],
    [[list("x", "N"), list("y", "M")], [], 3],
    [[list("x", "N"), one("y")], [int("N", 3)], 3],
    [[list("x", "N"), one("y")], [], 0],
  ];
  for (const [args, attrs, inputs] of cases) {
    assertThrows(
      () => inputLengths("Made", args, attrs, inputs),
      TypeError,
      `Cannot add op Made: ${inputs} inputs do not fit its arguments (x,y)`,
    );
  }
});

Deno.test("inferredTypes: those of what comes in, a list without tensors none but of mixed types", () => {
  const args = [
    list("a", "N"),
    { ...one("b"), typeAttr: "Tidx" },
    { ...one("c"), typeAttr: "" },
    mixed("d", "Tlist"),
  ];
  assertEquals(inferredTypes(args, [2, "one", "one", 3]), new Set(["T", "Tidx", "Tlist"]));
  assertEquals(inferredTypes(args, [0, "one", "one", 0]), new Set(["Tidx", "Tlist"]));
  assertEquals(inferredTypes([list("a", "N"), one("b")], [0, "one"]), new Set(["T"]), "by another input");
});
