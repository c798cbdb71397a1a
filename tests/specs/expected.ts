/** The lists of what is known to fail, each with its cause, and a run held against them. */

/** What is known to fail, with its cause. */
export type Expected = ReadonlyMap<string, string>;

/** The cause of what a list was given without a person's word. */
export const UNKNOWN = "unknown";

/** Something that fails: as it is listed, and what a person wants to know. */
export interface Failing {
  readonly name: string;
  readonly message: string;
}

/** A run against a list. */
export interface Judgement {
  /** How many fail that are on the list, by cause. */
  readonly known: ReadonlyMap<string, number>;
  /** What fails and is not on it. */
  readonly unexpected: readonly Failing[];
  /** What is on it and does not fail. */
  readonly mended: readonly string[];
}

/** Reads a list: a line that begins with `#` is the cause of the lines below it. */
export function parseExpected(text: string): Expected {
  const expected = new Map<string, string>();
  let cause = UNKNOWN;
  for (const line of text.split("\n").map((line) => line.trim())) {
    if (line.startsWith("#")) cause = line.slice(1).trim();
    else if (line !== "") expected.set(line, cause);
  }
  return expected;
}

/** Writes a list, in the order of the causes. */
export function formatExpected(expected: Expected): string {
  const byCause = Map.groupBy(expected, ([, cause]) => cause);
  return [...byCause].map(([cause, entries]) =>
    [`# ${cause}`, ...entries.map(([name]) => name), ""].join("\n")
  ).join("\n");
}

/**
 * Holds what failed against a list.
 * @param isWhole Whether everything was run: only then is it known what no longer fails.
 */
export function judge(failing: readonly Failing[], expected: Expected, isWhole: boolean): Judgement {
  const found = new Map(failing.map((each) => [each.name, each]));
  const known = Map.groupBy(
    failing.filter(({ name }) => expected.has(name)),
    ({ name }) => expected.get(name)!,
  );
  return {
    known: new Map([...known].map(([cause, { length }]) => [cause, length])),
    unexpected: [...found.values()].filter(({ name }) => !expected.has(name)),
    mended: isWhole ? [...expected.keys()].filter((name) => !found.has(name)) : [],
  };
}

/** The list as it would have to be for what failed: causes stay, and new ones are unknown. */
export function updated(failing: readonly Failing[], expected: Expected): Expected {
  const names = new Set(failing.map(({ name }) => name));
  const kept = [...expected].filter(([name]) => names.has(name));
  const added = [...names].filter((name) => !expected.has(name));
  return new Map([...kept, ...added.map((name): [string, string] => [name, UNKNOWN])]);
}
