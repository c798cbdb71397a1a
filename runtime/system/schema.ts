/**
 * Data from outside held against a schema: what is wrong is one phrase that names the field, what was found and what is
 * expected, e.g. `training.epochs is 1.5: expected a whole number of at least 1`.
 */
import * as v from "valibot";
import { closest } from "./closest.ts";
import { UserError } from "./errors.ts";
import { cut, oneLine } from "./texts.ts";

/** What a value has to be for it to be a `T`. */
export type Schema<T> = v.GenericSchema<unknown, T>;

/** What an issue of valibot holds that the phrases are made of. */
type Issue = Pick<v.BaseIssue<unknown>, "type" | "expected" | "input" | "path">;

/** The phrase for a value that is not what is expected. */
export function mismatch(value: unknown, expected: string): string {
  return `is ${value === undefined ? "missing" : show(value)}: expected ${expected}`;
}

/** The same as valibot asks for it. */
function not(expected: string): (issue: Issue) => string {
  return ({ input }) => mismatch(input, expected);
}

/** Any text. */
export const text = v.string(not("a text"));

/** A text of some kind, which `expected` names, e.g. "a file name, not a path". */
export function textThat(expected: string, is: (text: string) => boolean): v.GenericSchema<unknown, string> {
  return v.pipe(v.string(not(expected)), v.check(is, not(expected)));
}

/** `true` or `false`. */
export const truth = v.boolean(not("true or false"));

/** Which numbers are allowed; all finite ones unless told otherwise. */
export interface Range {
  /** Whole numbers only. */
  readonly whole?: boolean;
  /** The smallest. */
  readonly min?: number;
  /** Larger than this. */
  readonly above?: number;
  /** The largest. */
  readonly max?: number;
  /** Smaller than this. */
  readonly below?: number;
}

/** A finite number of a range. */
export function number(range: Range = {}): v.GenericSchema<unknown, number> {
  const { whole = false, min = -Infinity, above = -Infinity, max = Infinity, below = Infinity } = range;
  const message = not(rangeText(range));
  const isIn = (value: number) => value >= min && value > above && value <= max && value < below;
  return v.pipe(
    v.number(message),
    v.finite(not("a finite number")),
    v.check((value) => isIn(value) && (!whole || Number.isInteger(value)), message),
    v.check((value) => !whole || Number.isSafeInteger(value), not("a whole number of at most 53 bits")),
  );
}

/** A range in words, e.g. `a whole number from 1 to 8`. */
export function rangeText({ whole = false, min, above, max, below }: Range): string {
  const kind = whole ? "a whole number" : "a number";
  if (min !== undefined && max !== undefined) return `${kind} from ${min} to ${max}`;
  const low = min !== undefined ? [`of at least ${min}`] : above !== undefined ? [`above ${above}`] : [];
  const high = max !== undefined ? [`of at most ${max}`] : below !== undefined ? [`below ${below}`] : [];
  return `${kind} ${[...low, ...high].join(" and ")}`.trimEnd();
}

/** One of some texts. */
export function oneOf<const T extends string>(choices: readonly T[]): v.GenericSchema<unknown, T> {
  return v.picklist(choices, ({ input }) => notAmong(input, choices));
}

function notAmong(input: unknown, choices: readonly string[]): string {
  const near = typeof input === "string" ? closest(input, choices) : undefined;
  const expected = choices.length === 1 ? `"${choices[0]}"` : `one of ${choices.join(", ")}`;
  return near === undefined
    ? mismatch(input, expected)
    : `is ${show(input)}: did you mean "${near}"? expected ${expected}`;
}

/** A list of so many items or more; of any number unless given. */
export function list<T>(item: Schema<T>, { min = 0 }: { min?: number } = {}): v.GenericSchema<unknown, T[]> {
  const message = not(min === 0 ? "a list" : `a list of at least ${min}`);
  return v.pipe(v.array(item, message), v.minLength(min, message));
}

/** A record of any names, but for `constructor`, `prototype` and `__proto__`, which it leaves out. */
export function recordOf<T>(value: Schema<T>): v.GenericSchema<unknown, Record<string, T>> {
  const message = not("an object");
  return noList(v.record(v.string(), value, message), message);
}

/** An object of just these fields; `v.optional` makes one that may be left out. */
export function fields<const E extends v.ObjectEntries>(entries: E) {
  const message = wrongFields(Object.keys(entries));
  return noList(v.strictObject(entries, message), message);
}

/** An object of these fields at least, as another version may have written it; the others are left out of the value. */
export function someFields<const E extends v.ObjectEntries>(entries: E) {
  const message = wrongFields(Object.keys(entries));
  return noList(v.object(entries, message), message);
}

/** What is wrong with an object of these fields, or with one of their names. */
function wrongFields(names: readonly string[]): (issue: Issue) => string {
  const known = names.join(", ");
  return ({ expected, input, path }) => {
    const field = path?.at(-1)?.key;
    if (field === undefined) return mismatch(input, `an object with ${known || "no fields"}`);
    if (expected !== "never") return "is missing";
    const near = closest(String(field), names);
    const meant = near === undefined ? "" : `did you mean "${near}"? `;
    return `is not a field: ${meant}there ${names.length === 1 ? "is" : "are"} ${known || "none"}`;
  };
}

/** One of several objects made by `fields`, told apart by their `kind`, a `v.literal`. */
export function kinds<const O extends v.VariantOptions<"kind">>(options: O) {
  const message = ({ expected, input, path }: Issue): string => {
    if (path === undefined) return mismatch(input, "an object with a kind");
    return notAmong(path.at(-1)?.value, [...(expected ?? "").matchAll(/"([^"]+)"/g)].map(([, kind]) => kind));
  };
  return noList(v.variant("kind", options, message), message);
}

/** The same schema for objects that are no lists: valibot takes a list for an object whose names are numbers. */
function noList<S extends v.GenericSchema>(schema: S, message: (issue: Issue) => string): S {
  const refused = v.custom(() => false, message);
  return {
    ...schema,
    "~run"(dataset, config) {
      // Of `this`: what `v.partial` copies from here has other entries.
      return Array.isArray(dataset.value)
        ? refused["~run"](dataset, config)
        : schema["~run"].call(this, dataset, config);
    },
  };
}

/**
 * The value, if it is what the schema says.
 * @param fail Makes an error of what is wrong, a phrase of one line without a full stop.
 */
export function check<T>(schema: Schema<T>, value: unknown, fail: (problem: string) => Error): T {
  const { success, output, issues } = v.safeParse(schema, value, { message: inOurWords });
  if (success) return output;
  // A misspelt field is missing too: it is told by the name that it has.
  const [issue] = [...issues.filter(({ expected }) => expected === "never"), ...issues];
  throw fail(oneLine(`${pathText(issue)} ${issue.message}`));
}

/** The phrase for what valibot would say in words of its own, such as of a `v.literal`. */
function inOurWords({ input, expected }: Issue): string {
  return mismatch(input, expected ?? "another");
}

/** Where in the value the fault is, e.g. `files.0.sha256`. */
function pathText({ path }: Issue): string {
  if (path === undefined) return "it";
  const item = typeof path[0].key === "number" ? "item " : "";
  return item + path.map(({ key }) => cut(String(key))).join(".");
}

/**
 * The value in a JSON text, if it is what the schema says. A byte order mark in front and any line ends are taken.
 * @param fail As `check` takes it.
 */
export function checkJson<T>(schema: Schema<T>, json: string, fail: (problem: string) => Error): T {
  // What is not UTF-8 at its first byte, such as UTF-16, has been read as this character.
  if (json.startsWith("\ufffd")) throw fail("it is not text in UTF-8");
  let value: unknown;
  try {
    value = JSON.parse(json.replace(/^\ufeff/, ""));
  } catch (error) {
    throw fail(oneLine(`it is not JSON (${error instanceof Error ? error.message : error})`));
  }
  return check(schema, value, fail);
}

/**
 * The value in the text of a JSON file, as `checkJson` gives it.
 * @param advice What to do about a file that is wrong.
 * @throws {UserError} If it is not JSON, or not what the schema says.
 */
export function decodeJson<T>(schema: Schema<T>, json: string, path: string, advice: string): T {
  return checkJson(schema, json, (problem) => new UserError(`Cannot read ${path}: ${problem}; ${advice}`));
}

/** The value in a JSON text; `undefined` if it is not JSON, or not what the schema says. */
export function jsonOf<T>(schema: Schema<T>, json: string): T | undefined {
  try {
    return checkJson(schema, json, (problem) => new SyntaxError(problem));
  } catch {
    return undefined;
  }
}

/** Whether a value is what the schema says. */
export function isOf<T>(schema: Schema<T>, value: unknown): value is T {
  return v.is(schema, value);
}

/** Whether a value is an object with fields: no list, not `null`. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A value as a message shows it. */
function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(cut(value));
  if (typeof value === "bigint") return `${cut(String(value))}n`;
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : `a list of ${value.length}`;
  if (typeof value === "object" && value !== null) return "an object";
  return typeof value === "function" ? "a function" : String(value);
}
