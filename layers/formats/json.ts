/**
 * JSON as the reference reader of safetensors takes it (Rust's serde_json), which keeps apart what `JSON.parse` does
 * not: `2`, `2.0` and `-0`, a key and its double, a text and half of a surrogate pair.
 */

/** A value. A whole number from 0 to 2^64 - 1, written as one, is a bigint; every other number is a number. */
export type Json = null | boolean | bigint | number | string | readonly Json[] | JsonObject;

/** An object: its pairs in the order of the text, doubled keys and all. */
export class JsonObject {
  /** An object of these pairs. */
  constructor(readonly pairs: readonly (readonly [key: string, value: Json])[]) {}
}

/** How many arrays and objects may stand in each other: serde_json's limit. */
const MAX_DEPTH = 127;

const SPACE = /[ \t\n\r]+/y;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const WORDS = { null: null, true: true, false: false } as const;

/**
 * The value that a text stands for.
 * @throws {SyntaxError} If it is not JSON, or holds a number beyond float64, half of a surrogate pair, or more than 127
 *   arrays and objects in each other.
 */
export function parseJson(text: string): Json {
  let at = 0;
  const fail = (): never => {
    throw new SyntaxError(`no JSON from character ${at} on`);
  };
  const skip = (pattern: RegExp): string => {
    pattern.lastIndex = at;
    const [found] = pattern.exec(text) ?? fail();
    at += found.length;
    return found;
  };
  const skipSpace = (): void => {
    if (text.charCodeAt(at) <= 0x20) skip(SPACE); // seldom: compact headers have none
  };
  const taken = (character: string): boolean => {
    skipSpace();
    if (text[at] !== character) return false;
    at++;
    return true;
  };
  const take = (character: string): void => {
    if (!taken(character)) fail();
  };

  const parseString = (): string => {
    const start = at;
    take('"');
    while (text[at] !== '"') {
      at += text[at] === "\\" ? 2 : 1;
      if (at >= text.length) fail();
    }
    at++;
    const value: string = JSON.parse(text.slice(start, at));
    return value.isWellFormed() ? value : fail();
  };
  const parseNumber = (): bigint | number => {
    const digits = skip(NUMBER);
    const value = Number(digits);
    if (/^[0-9]+$/.test(digits) && value <= 2 ** 64) {
      const whole = value < 2 ** 53 ? BigInt(value) : BigInt(digits);
      if (whole < 2n ** 64n) return whole;
    }
    return Number.isFinite(value) ? value : fail();
  };
  /** What stands between two brackets, item by item. */
  const parseItems = <T>(close: string, parseItem: () => T): T[] => {
    at++;
    const items: T[] = [];
    if (taken(close)) return items;
    do {
      skipSpace();
      items.push(parseItem());
    } while (taken(","));
    take(close);
    return items;
  };
  const parseValue = (depth: number): Json => {
    skipSpace();
    const inside = (): Json => parseValue(depth + 1);
    switch (text[at]) {
      case "{":
      case "[":
        if (depth === MAX_DEPTH) fail();
        return text[at] === "[" ? parseItems("]", inside) : new JsonObject(parseItems("}", () => {
          const key = parseString();
          take(":");
          return [key, inside()] as const;
        }));
      case '"':
        return parseString();
      case "n":
      case "t":
      case "f":
        return WORDS[skip(/null|true|false/y) as keyof typeof WORDS];
      default:
        return parseNumber();
    }
  };

  const value = parseValue(0);
  skipSpace();
  return at === text.length ? value : fail();
}
