import { assertEquals } from "@std/assert";
import { importsOf } from "./import_graph.ts";

Deno.test("importsOf: imports and re-exports of files, in every form", () => {
  const text = [
    'import { join } from "@std/path";',
    'import "./side.ts";',
    'import a, { b } from "../b/a.ts";',
    'import type { C } from "./c/c.ts";',
    "import {",
    "  type D,",
    "  d,",
    '} from "./d.ts";',
    'import json from "./e.json" with { type: "json" };',
    'export * from "./f.ts";',
    'export * as g from "./g.ts";',
    'export type { H } from "../../h.ts";',
    'export const late = async () => (await import("./i.ts")).late;',
  ].join("\n");
  assertEquals(
    importsOf("room/folder/file.ts", text).map(({ to, isType, isLate }) =>
      isType ? `type ${to}` : isLate ? `late ${to}` : to
    ),
    [
      ...["room/folder/side.ts", "room/b/a.ts", "type room/folder/c/c.ts", "room/folder/d.ts"],
      ...["room/folder/e.json", "room/folder/f.ts", "room/folder/g.ts", "type h.ts", "late room/folder/i.ts"],
    ],
  );
});

Deno.test("importsOf: nothing of comments, examples and programs in strings", () => {
  const text = [
    "/**",
    ' * import { a } from "./a.ts";',
    ' * const b = await import("./b.ts");',
    " */",
    '// import c from "./c.ts"; await import("./c.ts");',
    "export const program = `",
    '  import { d } from "./d.ts";`;',
    'export const type = "./e.ts";',
    'export function from(path: string) { return path === "./f.ts"; }',
  ].join("\n");
  assertEquals(importsOf("file.ts", text), []);
});
