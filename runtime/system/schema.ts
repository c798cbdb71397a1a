/**
 * Data from outside held against a schema: what is wrong is one phrase that names the field, what was found and what is
 * expected, e.g. `training.epochs is 1.5: expected a whole number of at least 1`.
 */
import * as v from "valibot";
import { closest } from "./closest.ts";
import { UserError } from "./errors.ts";

/** What a value has to be for it to be a `T`. */
export type Schema<T> = v.GenericSchema<unknown, T>;

/** What an issue of valibot holds that the phrases are made of. */
type Issue = Pick<v.BaseIssue<unknown>, "type" | "expected" | "input" | "path">;

/** The phrase for a value that is not what is expected. */
function mismatch(value: unknown, expected: string): string {
  return `is ${value === undefined ? "missing" : show(value)}: expected ${expected}`;
}

/** The same as valibot asks for it. */
function not(expected: string): (issue: Issue) => string {
  return ({ input }) => mismatch(input, expected);
}

/** Any text. */
export const text = v.string(not("a text"));

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
  return v.pipe(
    v.number(message),
    v.check((value) =>
      (whole ? Number.isSafeInteger(value) : Number.isFinite(value)) &&
      value >= min && value > above && value <= max && value < below, message),
  );
}

/** A range in words, e.g. `a whole number from 1 to 8`. */
export function rangeText({ whole = false, min, above, max, below }: Range): string {
  const kind = whole ? "a whole number" : "a number";
  if (min !== undefined && max !== undefined) return `${kind} from ${min} to ${max}`;
  const low = min !== undefined ? `of at least ${min}` : above !== undefined ? `above ${above}` : "";
  const high = max !== undefined ? `of at most ${max}` : below !== undefined ? `below ${below}` : "";
  return [kind, [low, high].filter((part) => part !== "").join(" and ")].filter((part) => part !== "").join(
    " ",
  );
}

/** One of some texts. */
export function oneOf<const T extends string>(choices: readonly T[]): v.GenericSchema<unknown, T> {
  return v.picklist(choices, ({ input }) => notAmong(input, choices));
}

function notAmong(input: unknown, choices: readonly string[]): string {
  const expected = choices.length === 1 ? `"${choices[0]}"` : `one of ${choices.join(", ")}`;
  const near = typeof input === "string" ? closest(input, choices) : undefined;
  return mismatch(input, expected) + (near === undefined ? "" : `; did you mean "${near}"?`);
}

/** A list of so many items or more; of any number unless given. */
export function list<T>(item: Schema<T>, { min = 0 }: { min?: number } = {}): v.GenericSchema<unknown, T[]> {
  const message = not(min === 0 ? "a list" : `a list of at least ${min}`);
  return v.pipe(v.array(item, message), v.minLength(min, message));
}

/** A record of any names. */
export function recordOf<T>(value: Schema<T>): v.GenericSchema<unknown, Record<string, T>> {
  return v.record(v.string(), value, not("an object"));
}

/** An object of just these fields; `v.optional` makes one that may be left out. */
export function fields<const E extends v.ObjectEntries>(entries: E) {
  const names = Object.keys(entries);
  return v.strictObject(entries, ({ type, expected, input, path }: Issue) => {
    const field = path?.at(-1)?.key;
    if (path === undefined || type !== "strict_object" || field === undefined) {
      return mismatch(input, `an object with ${names.join(", ")}`);
    }
    if (expected !== "never") return "is missing";
    const near = closest(String(field), names);
    const meant = near === undefined ? "" : `did you mean "${near}"? `;
    return `is not a field: ${meant}there ${names.length === 1 ? "is" : "are"} ${names.join(", ")}`;
  });
}

/** One of several objects made by `fields`, told apart by their `kind`, a `v.literal`. */
export function kinds<const O extends v.VariantOptions<"kind">>(options: O) {
  return v.variant("kind", options, ({ expected, input, path }: Issue) => {
    if (path === undefined) return mismatch(input, "an object with a kind");
    return notAmong(path.at(-1)?.value, [...(expected ?? "").matchAll(/"(\w+)"/g)].map(([, kind]) => kind));
  });
}

/**
 * The value, if it is what the schema says.
 * @param fail Makes an error of what is wrong, a phrase without a full stop.
 */
export function check<T>(schema: Schema<T>, value: unknown, fail: (problem: string) => Error): T {
  const { success, output, issues } = v.safeParse(schema, value);
  if (success) return output;
  // A misspelt field is missing too: it is told by the name that it has.
  const [issue] = [...issues.filter(({ expected }) => expected === "never"), ...issues];
  const path = v.getDotPath(issue) ?? "it";
  throw fail(`${path} ${issue.message}`);
}

/**
 * The value in the text of a JSON file. A byte order mark in front and any line ends are taken.
 * @param advice What to do about a file that is wrong.
 * @throws {UserError} If it is not JSON, or not what the schema says.
 */
export function decodeJson<T>(schema: Schema<T>, json: string, path: string, advice: string): T {
  const fail = (problem: string): UserError => new UserError(`Cannot read ${path}: ${problem}; ${advice}`);
  let value: unknown;
  try {
    value = JSON.parse(json.replace(/^\ufeff/, ""));
  } catch (error) {
    throw fail(`it is not JSON (${error instanceof Error ? error.message : error})`);
  }
  return check(schema, value, fail);
}

/** Whether a value is what the schema says. */
export function isOf<T>(schema: Schema<T>, value: unknown): value is T {
  return v.is(schema, value);
}

/** A value as a message shows it. */
function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : `a list of ${value.length}`;
  if (typeof value === "object" && value !== null) return "an object";
  return typeof value === "function" ? "a function" : String(value);
}
