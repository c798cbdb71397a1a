import { assertEquals } from "@std/assert";
import { tableLines } from "../../../scripts/cli/table.ts";

Deno.test("tableLines: names to the left, numbers to the right, nothing behind the last column", () => {
  const columns = [
    { title: "op", align: "left" },
    { title: "ms", align: "right" },
    { title: "of", align: "left" },
  ] as const;
  assertEquals(tableLines(columns, [["Conv2D", "123.45", "a"], ["é", "6", "long"]]), [
    "op          ms  of",
    "Conv2D  123.45  a",
    "é            6  long",
  ]);
});

Deno.test("tableLines without rows is the titles", () => {
  assertEquals(tableLines([{ title: "op", align: "right" }], []), ["op"]);
});
