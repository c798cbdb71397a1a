import { assertEquals, assertStrictEquals } from "@std/assert";
import { pipe } from "../../pipeline/pipe.ts";

Deno.test("pipe without functions gives the value itself", () => {
  const value = { a: 1 };
  assertStrictEquals(pipe(value), value);
});

Deno.test("pipe applies functions from left to right", () => {
  assertEquals(pipe(2, (x) => x + 1, (x) => x * 10), 30);
});

Deno.test("pipe gives each function the type that the one before it returned", () => {
  const length: number = pipe(
    " a b ",
    (text) => text.trim(),
    (text) => text.split(" "),
    (list) => list.length,
  );
  assertEquals(length, 2);
});

Deno.test("pipe takes ten functions", () => {
  const add = (letter: string) => (text: string) => text + letter;
  const text = pipe(
    "",
    add("a"),
    add("b"),
    add("c"),
    add("d"),
    add("e"),
    add("f"),
    add("g"),
    add("h"),
    add("i"),
    (text) => [text, "j"],
  );
  assertEquals(text, ["abcdefghi", "j"]);
});
