/** TypeScript modules as one script for a browser, which loads no modules from files. */
import { stripTypeScriptTypes } from "node:module";

/**
 * One script of modules, in which each is a function of those before it, without the types. They are as `deno fmt` leaves
 * them, import single names from each other by relative paths, and export what they declare.
 *
 * @param modules Their texts by their paths from the root, each after those that it imports.
 * @param given What is not among them, as expressions by path, such as `{ tf }`.
 * @param call What is run at the end: a function without arguments of the last module.
 * @throws {Error} If a module imports or exports in another way, or something that is not before it.
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { link } from "./link.ts";
 *
 * const modules = {
 *   "a/two.ts": "export const two: number = 2;",
 *   "b.ts": 'import { two } from "./a/two.ts";\nexport function run() {\n  list.push(two);\n}',
 * };
 * const list: number[] = [];
 * new Function("list", link(modules, {}, "run"))(list);
 * assertEquals(list, [2]);
 * ```
 */
export function link(
  modules: Readonly<Record<string, string>>,
  given: Readonly<Record<string, string>>,
  call: string,
): string {
  const known = new Set(Object.keys(given));
  const parts = Object.entries(given).map(([path, value]) => `modules["${path}"] = ${value};`);
  for (const [path, text] of Object.entries(modules)) {
    parts.push(`modules["${path}"] = (() => {\n${body(path, text, known)}\n})();`);
    known.add(path);
  }
  const last = Object.keys(modules).at(-1);
  return `{\n"use strict";\nconst modules = {};\n${parts.join("\n")}\nmodules["${last}"].${call}();\n}\n`;
}

/** Names in braces, and where they are from. */
const IMPORT = /^import \{([^}]*)\} from "(\.[^"]*)";\n/gm;

/** What is declared, and its name. */
const EXPORT = /^export ((?:async )?function|const|class) (\w+)/gm;

/** A module as the body of a function that gives what the module exports. */
function body(path: string, text: string, known: ReadonlySet<string>): string {
  const exported: string[] = [];
  const plain = stripTypeScriptTypes(text)
    .replaceAll(IMPORT, (_, names: string, from: string) => {
      if (names.trim() === "") return ""; // they were types
      const source = new URL(from, `file:///${path}`).pathname.slice(1);
      if (!known.has(source)) {
        throw new Error(`Cannot link ${path}: it imports ${source}, which is not before it`);
      }
      return `const {${names.replaceAll(" as ", ": ")}} = modules["${source}"];\n`;
    })
    .replaceAll(EXPORT, (_, kind: string, name: string) => {
      exported.push(name);
      return `${kind} ${name}`;
    });
  const [left] = plain.match(/^(?:import|export)\b.*/m) ?? [];
  if (left !== undefined) throw new Error(`Cannot link ${path}: "${left}" is not understood`);
  return `${plain.replaceAll(/[ \t]+$/gm, "").trim()}\nreturn { ${exported.join(", ")} };`;
}
