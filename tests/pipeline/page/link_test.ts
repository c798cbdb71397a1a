/** Modules made one script, and run. */
import { assertEquals, assertThrows } from "@std/assert";
import { link } from "../../../pipeline/page/link.ts";

/** What the script of some modules writes down, the last one's `run` being called. */
function ran(modules: Record<string, string>, given: Record<string, string> = {}): unknown[] {
  const said: unknown[] = [];
  new Function("say", link(modules, given, "run"))((text: unknown) => said.push(text));
  return said;
}

Deno.test("link: names of one module do not meet those of another, types are gone, aliases and lists are understood", () => {
  const modules = {
    "a/one.ts": [
      "/** A module. */",
      "const hidden: number = 1;",
      "export interface Shape { readonly side: number }",
      "export type Side = Shape['side'];",
      "export const one = hidden;",
      "export async function later(): Promise<number> {\n  return await Promise.resolve(hidden);\n}",
      "export class Box {\n  constructor(readonly side: number) {}\n}".replace(
        "readonly side: number",
        "side: number",
      ),
    ].join("\n"),
    "a/b/two.ts": [
      'import { type Shape, one as first } from "../one.ts";',
      'import type { Side } from "../one.ts";',
      'import { type Side as Other } from "../one.ts";',
      'import { tf } from "../../runtime/mod.ts";',
      "const hidden: Side = 2;",
      "export function sum(shape?: Shape): Other {\n  return first + hidden + tf + (shape?.side ?? 0);\n}",
    ].join("\n"),
    "c.ts": [
      "import {",
      "  sum,",
      '} from "./a/b/two.ts";',
      'import { Box, later } from "./a/one.ts";',
      "export function run(): void {",
      "  say(sum({ side: 30 }) satisfies number);",
      "  say(typeof later);",
      '  say(Box.name);\n  say("import { x } from \\"./y.ts\\"; export const z = 1;");',
      "}",
    ].join("\n"),
  };
  assertEquals(ran(modules, { "runtime/mod.ts": "{ tf: 100 }" }), [
    133,
    "function",
    "Box",
    'import { x } from "./y.ts"; export const z = 1;',
  ]);
});

Deno.test("link: what it does not understand it refuses, and says which module has it", () => {
  const cases: [module: string, problem: string][] = [
    ['import { a } from "./other.ts";\n', "it imports other.ts, which is not before it"],
    ['import a from "./other.ts";\n', '"import a from "./other.ts";" is not understood'],
    ['import * as a from "./other.ts";\n', '"import * as a from "./other.ts";" is not understood'],
    ['import { a } from "npm:a";\n', '"import { a } from "npm:a";" is not understood'],
    ['export * from "./other.ts";\n', '"export * from "./other.ts";" is not understood'],
    ["export default 1;\n", '"export default 1;" is not understood'],
    ["export let a = 1;\n", '"export let a = 1;" is not understood'],
  ];
  for (const [module, problem] of cases) {
    assertThrows(() => link({ "m.ts": module }, {}, "run"), Error, `Cannot link m.ts: ${problem}`);
  }
});
