/** The specs that tfjs-node leaves out when it runs them on its own addon. */

/** Its list, from the program of its npm package that runs them: parts of the specs' full names. */
export function ignoreList(): string[] {
  const program = import.meta.resolve("@tensorflow/tfjs-node-gpu/dist/run_tests.js");
  return parseIgnoreList(Deno.readTextFileSync(new URL(program)));
}

/**
 * The list in the text of that program.
 * @throws {Error} If there is none.
 */
export function parseIgnoreList(program: string): string[] {
  const [, list] = program.match(/IGNORE_LIST = \[\n([^]*?)\n\];/) ?? [];
  if (list === undefined) throw new Error("Cannot read tfjs-node's list of specs to ignore: there is none");
  return [...list.matchAll(/^\s*'(.*)',?$/gm)].map(([, part]) => part.replaceAll("\\'", "'"));
}

/** Whether a list has a spec, which is named by its file and its full name: `ops/abs_test.js: abs basic`. */
export function isIgnored(spec: string, list: readonly string[]): boolean {
  const fullName = spec.slice(spec.indexOf(": ") + 2);
  return list.some((part) => fullName.includes(part));
}
