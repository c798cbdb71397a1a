/**
 * Local stand-in for `jsr:@std/cli` 1.x: the part of `parseArgs` this project uses, with the published package's
 * semantics. `links` in deno.json puts it in that package's place.
 */

/** What `parseArgs` is told about the flags. */
export interface ParseOptions {
  /** Flags whose value stays text; given without one, they are `""`. Other flags are `true`, or numbers where they look like one. */
  string?: readonly string[];
  /** Called for each positional argument, and for each flag that is not in `string`; `false` leaves it out. */
  unknown?: (arg: string, key?: string, value?: unknown) => unknown;
}

/**
 * Parses `--name value`, `--name=value`, `--name` and `-n`. A value that starts with `-` needs the `=`; what follows
 * `--` is positional; of a flag given twice the last value counts.
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
  args: string[],
  options: ParseOptions = {},
): { [name: string]: unknown; _: (string | number)[] } {
  const strings = new Set(options.string);
  const parsed: { [name: string]: unknown; _: (string | number)[] } = { _: [] };
  const end = args.includes("--") ? args.indexOf("--") : args.length;
  for (let i = 0; i < end; i++) {
    const arg = args[i];
    const flag = /^--?(?<key>[^-].*?)(?:=(?<value>.+))?$/s.exec(arg)?.groups;
    if (flag === undefined) {
      if (options.unknown?.(arg) !== false) parsed._.push(toNumber(arg));
      continue;
    }
    const next = i + 1 < end ? args[i + 1] : "";
    const takesNext = flag.value === undefined && next !== "" && !next.startsWith("-");
    if (takesNext) i++;
    const text = flag.value ?? (takesNext ? next : undefined);
    const value = strings.has(flag.key) ? text ?? "" : text === undefined ? true : toNumber(text);
    if (!strings.has(flag.key) && options.unknown?.(arg, flag.key, value) === false) continue;
    parsed[flag.key] = value;
  }
  parsed._.push(...args.slice(end + 1));
  return parsed;
}

function toNumber(text: string): string | number {
  return /^[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[-+]?\d+)?$/.test(text) ? Number(text) : text;
}
