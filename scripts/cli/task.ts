/** How every task starts: its flags declared as data, `--help`, one line for an error, the exit code. */
import { parseArgs } from "@std/cli";
import { closest } from "../../runtime/system/closest.ts";
import { TensorFlowError, UsageError, UserError } from "../../runtime/system/errors.ts";
import { shortened, systemError } from "../../runtime/system/file_errors.ts";
import { taskCommand } from "../../runtime/system/package.ts";
import { MAX_THREADS } from "../../runtime/system/threads.ts";
import { printNote } from "./terminal.ts";

/** One flag of a task. */
export type Flag =
  | {
    type: "string";
    help: string;
    /** Where its value goes in the settings of a run, e.g. `recipe.training.epochs`; see `settingsOf`. */
    sets?: string;
    placeholder?: string;
    default?: string;
    /** The only values allowed. */
    choices?: readonly string[];
  }
  | {
    type: "integer" | "number";
    help: string;
    sets?: string;
    placeholder?: string;
    default?: number;
    /** The smallest value allowed. */
    min?: number;
    /** The largest value allowed. */
    max?: number;
  }
  /** `false` unless given. */
  | {
    type: "boolean";
    help: string;
    sets?: string;
    /** What it sets that to, unless there is something already: what stands here before other flags; `true` unless given. */
    takes?: string;
  };

/** The values of a task's flags, by the flags' names as they are typed: `flags["no-test"]`. */
export type Values<F extends Record<string, Flag>> = { readonly [K in keyof F]: Value<F[K]> };

/** The type of a flag's value: `undefined` is in it if there is no default. */
export type Value<F extends Flag> = F extends { type: "boolean" } ? boolean
  : F extends { default: string | number } ? Given<F>
  : Given<F> | undefined;

/** The type of a flag's value when it is given: the choices, if there are any. */
export type Given<F extends Flag> = F extends { type: "integer" | "number" } ? number
  : F extends { choices: readonly (infer C)[] } ? C
  : string;

/** A task as its help shows it. */
export interface Task<F extends Record<string, Flag>> {
  /** Its name, as `deno task` and the command-line entry take it. */
  readonly name: string;
  /** What it does, in one line. */
  readonly summary: string;
  /** Its flags by name, without the dashes. */
  readonly flags: F;
  /** What it takes without a flag, if it does: one text, which may be left out, or with `many` one or more. */
  readonly argument?: { readonly placeholder: string; readonly help: string; readonly many?: true };
  /** Flags as one would type them, each shown after the task's command. */
  readonly examples?: readonly string[];
}

/** `--data DIR`, the same in every task. */
export const dataFlag = {
  type: "string",
  placeholder: "DIR",
  help: "folder of the data set",
  default: "data",
} as const satisfies Flag;

/** `--run DIR` of tasks that look at a trained run. */
export const runFlag = {
  type: "string",
  placeholder: "DIR",
  help: "folder of the run (default: the one begun last in runs/)",
} as const satisfies Flag;

/** `--threads N` of tasks that compute. */
export const threadsFlag = {
  type: "integer",
  min: 1,
  max: MAX_THREADS,
  help: "threads of one kernel (default: one per core)",
} as const satisfies Flag;

/** The longest side of an image that a task makes, in pixels: one in float32 has 200 MB. */
export const MAX_SIDE = 4096;

/** `--device cpu|gpu` of tasks that compute. */
export const deviceFlag = {
  type: "string",
  choices: ["cpu", "gpu"],
  help: "where to run (default: a GPU if there is one)",
} as const satisfies Flag;

/** `--xla on|off` of tasks that compute. */
export const xlaFlag = {
  type: "string",
  choices: ["on", "off"],
  help: "whether XLA compiles the steps (default: on a GPU)",
} as const satisfies Flag;

/** `--precision` of tasks that compute; each says itself what it is unless given. */
export const precisionFlag = {
  type: "string",
  choices: ["float32", "tf32", "bfloat16"],
  help: "number format of the convolutions; tf32 on NVIDIA GPUs only",
} as const satisfies Flag;

/**
 * Runs one task: parses the flags, or prints the help when `--help` is among them, then calls `main`. An error becomes
 * one line on stderr and ends the process with exit code 1 (a failure) or 2 (wrong usage). With the environment
 * variable `RESNET_DEBUG=1` the stack follows.
 *
 * @example
 * ```ts ignore
 * await runTask(
 *   { name: "summary", summary: "Prints the table of layers.", flags: { data: dataFlag } },
 *   (flags) => console.log(flags.data),
 * );
 * ```
 */
export async function runTask<const F extends Record<string, Flag>>(
  task: Task<F>,
  main: (flags: Values<F>, ...given: string[]) => Promise<void> | void,
  args: readonly string[] = Deno.args,
): Promise<void> {
  if (args.includes("--help") || args.includes("-h")) {
    console.log(helpText(task));
    return;
  }
  await orExit(() => {
    const { flags, given } = parse(task, args);
    return main(flags, ...given);
  });
}

/** Does what is asked for; an error ends the process, as `runTask` says. */
export async function orExit(work: () => Promise<void> | void): Promise<void> {
  try {
    await work();
  } catch (error) {
    printNote(errorLine(error));
    if (Deno.env.get("RESNET_DEBUG") === "1") console.error(error);
    Deno.exit(error instanceof UsageError ? error.exitCode : 1);
  }
}

/**
 * The values of a task's flags. `--flag value` and `--flag=value` are the same; a value may be a negative number; of a
 * flag given twice the last one counts.
 * @throws {UsageError} For an unknown flag, a positional argument, a value that is missing, malformed or not allowed.
 */
export function parseFlags<const F extends Record<string, Flag>>(
  task: Task<F>,
  args: readonly string[],
): Values<F> {
  return parse(task, args).flags;
}

function parse<const F extends Record<string, Flag>>(
  task: Task<F>,
  args: readonly string[],
): { flags: Values<F>; given: readonly string[] } {
  const see = `see "${taskCommand(task.name)} --help"`;
  const takesValue = (name: string) => Object.hasOwn(task.flags, name) && task.flags[name].type !== "boolean";
  const unknownFlag = (arg: string): UsageError => {
    const [flag] = arg.split("=");
    const close = closest(flag.replace(/^-+/, ""), [...Object.keys(task.flags), "help"]);
    return new UsageError(`Unknown flag ${flag}: ${close ? `did you mean --${close}? ` : ""}${see}`);
  };
  for (const arg of args) {
    // The parser would take `--no-flag=value` for `--flag=value`. No task has a flag of such a name that takes a value.
    const { name, value } = /^--(?<name>no-[^=]+)=(?<value>.*)$/s.exec(arg)?.groups ?? {};
    if (name === undefined) continue;
    throw Object.hasOwn(task.flags, name) ? notAllowed(name, value, task.flags[name]) : unknownFlag(arg);
  }
  const joined = task.argument === undefined
    ? joinValues(args, takesValue)
    : booleansLast(joinValues(args, takesValue), takesValue);
  const given: string[] = [];
  const parsed: Record<string, unknown> = parseArgs(joined, {
    string: Object.keys(task.flags),
    unknown(arg: string, key?: string): boolean {
      if (key !== undefined) throw unknownFlag(arg);
      given.push(arg);
      return false; // the parser would make a number of what looks like one
    },
  });
  if (Array.isArray(parsed._)) given.push(...parsed._.map(String)); // those behind `--`
  const { argument } = task;
  const taken = argument === undefined ? 0 : argument.many ? Infinity : 1;
  if (given.length > taken) {
    const takes = argument === undefined ? "only flags" : `one ${argument.placeholder}`;
    throw new UsageError(`Unexpected argument "${given[taken]}": ${task.name} takes ${takes}, ${see}`);
  }
  const values = Object.entries(task.flags).map(([name, flag]) => {
    if (parsed[name] === "" && joined.includes(`--${name}=`)) {
      throw missingValue(name, flag, "the value is empty");
    }
    return [name, valueOf(name, flag, parsed[name])];
  });
  if (argument?.many && given.length === 0) {
    throw new UsageError(`Missing ${argument.placeholder}: ${task.name} takes one or more, ${see}`);
  }
  // The keys are those of F and each value was checked against its flag, which Object.fromEntries cannot express.
  return { flags: Object.fromEntries(values) as Values<F>, given };
}

/** The help of a task, as `--help` prints it. */
export function helpText<const F extends Record<string, Flag>>(task: Task<F>): string {
  const rows = Object.entries<Flag>({ ...task.flags, help: { type: "boolean", help: "show this" } })
    .map((
      [name, flag],
    ) => [`--${name}${flag.type === "boolean" ? "" : ` ${placeholder(flag)}`}`, describe(flag)]);
  const width = Math.max(...rows.map(([usage]) => usage.length));
  return [
    task.summary,
    "",
    `Usage: ${taskCommand(task.name)}${usageOf(task.argument)} [flags]`,
    ...(task.argument === undefined ? [] : ["", `${task.argument.placeholder}: ${task.argument.help}`]),
    "",
    "Flags:",
    ...rows.map(([usage, help]) => `  ${usage.padEnd(width)}  ${help}`),
    ...(task.examples?.length
      ? [
        "",
        "Examples:",
        ...task.examples.map((example) => `  ${taskCommand(task.name)} ${example}`.trimEnd()),
      ]
      : []),
  ].join("\n");
}

/** How the argument stands behind a task's name, a space before it. */
function usageOf(argument: Task<Record<string, Flag>>["argument"]): string {
  if (argument === undefined) return "";
  return argument.many ? ` ${argument.placeholder}...` : ` [${argument.placeholder}]`;
}

/** What a person types to run a task with these values; those that it has unless given are left out. */
export function commandOf<const F extends Record<string, Flag>>(
  { name, flags }: Pick<Task<F>, "name" | "flags">,
  values: Values<F>,
): string {
  const given = Object.entries<Flag>(flags).flatMap(([name, flag]): [string, unknown][] => {
    const value: unknown = values[name];
    return value === undefined || value === (flag.type === "boolean" ? false : flag.default)
      ? []
      : [[name, value]];
  });
  const alone = given.filter(([, value]) => value === true).map(([name]) => `--${name}`);
  const others = given.filter(([, value]) => value !== true).map(([name, value]) => [name, String(value)]);
  return taskCommand([name, ...alone].join(" "), Object.fromEntries(others));
}

/** An error as the one line that a person gets to see. Unforeseen ones say how to get their stack. */
export function errorLine(error: unknown): string {
  const foreseen = error instanceof UserError || error instanceof UsageError ||
    error instanceof TensorFlowError;
  const text = foreseen ? error.message : systemText(error) ?? `${error} (RESNET_DEBUG=1 shows where)`;
  return `error: ${text.replaceAll(/\s*\n\s*/g, " ")}`;
}

/** What the operating system said where no better words for it are: a disk that is full, a folder that is closed. */
function systemText(error: unknown): string | undefined {
  const found = systemError(error);
  return found && `Cannot ${shortened(found.of ?? "go on")}: ${found.said}`;
}

/**
 * The parser takes an argument that starts with a dash for a flag, and an empty one, such as a shell makes of a variable
 * that is not set, for none: negative numbers and empty values are joined to their flags first.
 */
function joinValues(args: readonly string[], takesValue: (name: string) => boolean): string[] {
  const joined: string[] = [];
  for (const arg of args) {
    const before = joined.at(-1);
    if (/^(-[\d.]|$)/.test(arg) && before?.startsWith("--") && takesValue(before.slice(2))) {
      joined[joined.length - 1] = `${before}=${arg}`;
    } else joined.push(arg);
  }
  return joined;
}

/**
 * The parser takes what follows `--json` for its value: where arguments may, flags without a value go behind all others. One
 * in the place of a value stays, so that the value is found missing.
 */
function booleansLast(args: readonly string[], takesValue: (name: string) => boolean): string[] {
  const end = args.includes("--") ? args.indexOf("--") : args.length;
  const isFlag = (arg = "") => /^--[^=]+$/.test(arg);
  const isMoved = (arg: string, i: number) =>
    i < end && isFlag(arg) && !takesValue(arg.slice(2)) &&
    !(isFlag(args[i - 1]) && takesValue(args[i - 1].slice(2)));
  const rest = args.slice(0, end).filter((arg, i) => !isMoved(arg, i));
  return [...rest, ...args.filter(isMoved), ...args.slice(end)];
}

function valueOf(name: string, flag: Flag, given: unknown): string | number | boolean | undefined {
  if (given === undefined) return flag.type === "boolean" ? false : flag.default;
  const text = String(given);
  if (flag.type === "boolean") {
    if (text !== "") throw notAllowed(name, text, flag);
    return true;
  }
  if (text === "") throw missingValue(name, flag);
  if (flag.type === "string") {
    if (flag.choices && !flag.choices.includes(text)) throw notAllowed(name, text, flag);
    return text;
  }
  const value = Number(text);
  const wellFormed = /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text) &&
    (flag.type === "integer" ? Number.isSafeInteger(value) : Number.isFinite(value));
  if (!wellFormed || value < (flag.min ?? -Infinity) || value > (flag.max ?? Infinity)) {
    throw notAllowed(name, text, flag);
  }
  return value;
}

function missingValue(name: string, flag: Flag, found?: string): UsageError {
  const expected = `expected ${allowed(flag)}, as in --${name} ${placeholder(flag)}`;
  return new UsageError(`Missing value of --${name}: ${expected}${found ? `; ${found}` : ""}`);
}

function notAllowed(name: string, found: string, flag: Flag): UsageError {
  return new UsageError(`Cannot use --${name} "${found}": expected ${allowed(flag)}`);
}

/** What a flag takes, in words. */
function allowed(flag: Flag): string {
  if (flag.type === "boolean") return "no value";
  if (flag.type === "string") return flag.choices ? `one of ${flag.choices.join(", ")}` : "a text";
  const kind = flag.type === "integer" ? "an integer" : "a number";
  if (flag.min !== undefined && flag.max !== undefined) return `${kind} from ${flag.min} to ${flag.max}`;
  if (flag.min !== undefined) return `${kind} of at least ${flag.min}`;
  return flag.max === undefined ? kind : `${kind} of at most ${flag.max}`;
}

function placeholder(flag: Flag): string {
  if (flag.type === "boolean") return "";
  return flag.placeholder ??
    (flag.type === "string" ? flag.choices?.join("|") ?? "TEXT" : flag.type === "integer" ? "N" : "X");
}

function describe(flag: Flag): string {
  return flag.type === "boolean" || flag.default === undefined
    ? flag.help
    : `${flag.help} (default: ${flag.default})`;
}
