/**
 * Local stand-in for `jsr:@std/cli` 1.x: the part of `parseArgs` this project uses, with the published package's
 * semantics but for what no task has: values inside a cluster (`-n5`, `-n=5`) and nested names (`--a.b`). `links` in
 * deno.json puts it in that package's place.
 */

/** What `parseArgs` is told about the flags. */
export interface ParseOptions {
  /** Flags whose value stays text; given without one, they are `""`. Other flags are `true`, or numbers where they look like one. */
  string?: readonly string[];
  /**
   * Called for each positional argument, and for each flag that is not in `string`, with its name and its value as it
   * was typed; `false` leaves it out.
   */
  unknown?: (arg: string, key?: string, value?: unknown) => unknown;
}

/**
 * Parses `--name value`, `--name=value`, `--name` and `-n`; of `-abc` each letter is a flag. A value that starts with
 * `-` needs the `=`; `--no-name=value` is read as `--name=value`; what follows `--` is positional; of a flag given twice
 * the last value counts.
 *
 * @returns The values by name, and the positional arguments as `_`.
 * @example
 * ```ts
 * import { parseArgs } from "@std/cli";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(parseArgs(["--lr=0.1", "--run", "a", "x"], { string: ["run"] }), { _: ["x"], lr: 0.1, run: "a" });
 * ```
 */
export function parseArgs(
  args: readonly string[],
  options: ParseOptions = {},
): { [name: string]: unknown; _: (string | number)[] } {
  const strings = new Set(options.string);
  const parsed: { [name: string]: unknown; _: (string | number)[] } = { _: [] };
  const set = (key: string, arg: string, text?: string): void => {
    const value = text ?? (strings.has(key) ? "" : true);
    if (!strings.has(key) && options.unknown?.(arg, key, value) === false) return;
    parsed[key] = typeof value === "string" && !strings.has(key) ? toNumber(value) : value;
  };
  const end = args.includes("--") ? args.indexOf("--") : args.length;
  for (let i = 0; i < end; i++) {
    const arg = args[i];
    if (!/^-./s.test(arg)) {
      if (options.unknown?.(arg) !== false) parsed._.push(toNumber(arg));
      continue;
    }
    const { key, value } = /^--(?:no-)?(?<key>.+?)(?:=(?<value>.*))?$/s.exec(arg)?.groups ?? {};
    if (value !== undefined) {
      set(key, arg, value);
      continue;
    }
    const names = key === undefined ? [...arg.slice(1)] : [arg.slice(2)];
    for (const name of names.slice(0, -1)) set(name, arg);
    const next = i + 1 < end ? args[i + 1] : "";
    const takesNext = next !== "" && !next.startsWith("-");
    if (takesNext) i++;
    set(names[names.length - 1], arg, takesNext ? next : undefined);
  }
  parsed._.push(...args.slice(end + 1));
  return parsed;
}

function toNumber(text: string): string | number {
  return /\S/.test(text) && Number.isFinite(Number(text)) ? Number(text) : text;
}
