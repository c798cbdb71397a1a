/** Words as a POSIX shell reads them, for commands that a person pastes. */

/** What a shell reads as it stands; `=` and `^` at the beginning mean something to some. */
const PLAIN = /^[\p{L}\p{N}_.,:@%+/-][\p{L}\p{N}_.,:@%+/=^-]*$/u;

/**
 * A text as one word of a shell.
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(shellWord("runs/a"), "runs/a");
 * assertEquals(shellWord("my run's"), `'my run'\\''s'`);
 * ```
 */
export function shellWord(text: string): string {
  return PLAIN.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/**
 * Flags with their values, as typed. A value that begins with a dash stands behind `=`, or it would be taken for a flag.
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(shellFlags({ run: "my run", init: "-w" }), "--run 'my run' --init=-w");
 * ```
 */
export function shellFlags(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(([name, value]) => `--${name}${value.startsWith("-") ? "=" : " "}${shellWord(value)}`)
    .join(" ");
}
