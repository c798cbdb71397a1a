/** What each schema takes, and the phrase for everything that it does not. */
import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import * as v from "valibot";
import { UserError } from "../../../runtime/system/errors.ts";
import {
  check,
  checkJson,
  decodeJson,
  fields,
  isOf,
  jsonOf,
  kinds,
  list,
  number,
  oneOf,
  type Range,
  rangeText,
  recordOf,
  type Schema,
  someFields,
  text,
  textThat,
  truth,
} from "../../../runtime/system/schema.ts";

class Wrong extends Error {}

const fail = (problem: string): Error => new Wrong(problem);

/** What is wrong with a value. */
function problem(schema: Schema<unknown>, value: unknown): string {
  return assertThrows(() => check(schema, value, fail), Wrong).message;
}

/** The same of a JSON text. */
function jsonProblem(schema: Schema<unknown>, json: string): string {
  return assertThrows(() => checkJson(schema, json, fail), Wrong).message;
}

/** Asserts what is wrong with each of some values, in a field `x`. */
function assertProblems(schema: Schema<unknown>, ...cases: [value: unknown, problem: string][]): void {
  for (const [x, expected] of cases) {
    assertEquals(problem(fields({ x: schema }), { x }), `x ${expected}`);
  }
}

/** Asserts that a schema takes values as they are. */
function assertTakes(schema: Schema<unknown>, ...values: unknown[]): void {
  for (const value of values) {
    assertEquals(check(schema, value, fail), value);
    assertEquals(isOf(schema, value), true);
  }
}

Deno.test("text and truth: just these, and a value is shown as it is", () => {
  assertTakes(text, "", "a", "1", "\n");
  assertTakes(truth, true, false);
  assertProblems(
    text,
    [3, "is 3: expected a text"],
    [true, "is true: expected a text"],
    [null, "is null: expected a text"],
    [undefined, "is missing: expected a text"],
    [[], "is an empty list: expected a text"],
    [["a", "b"], "is a list of 2: expected a text"],
    [{}, "is an object: expected a text"],
    [10n, "is 10n: expected a text"],
    [() => 1, "is a function: expected a text"],
    [Symbol("a\nb"), "is Symbol(a\\nb): expected a text"],
  );
  assertProblems(
    truth,
    [0, "is 0: expected true or false"],
    ["true", 'is "true": expected true or false'],
    [null, "is null: expected true or false"],
  );
});

Deno.test("textThat: a text of a kind, which has a name", () => {
  const name = textThat("a name with a capital", (text) => /^[A-Z]/.test(text));
  assertTakes(name, "Ada", "B");
  assertProblems(
    name,
    ["ada", 'is "ada": expected a name with a capital'],
    ["", 'is "": expected a name with a capital'],
    [3, "is 3: expected a name with a capital"],
    [undefined, "is missing: expected a name with a capital"],
  );
});

Deno.test("number: any finite one", () => {
  assertTakes(number(), 0, -1.5, 1e300, Number.MAX_SAFE_INTEGER + 1, 5e-324);
  assertProblems(
    number(),
    ["3", 'is "3": expected a number'],
    [3n, "is 3n: expected a number"],
    [null, "is null: expected a number"],
    [NaN, "is NaN: expected a number"],
    [Infinity, "is Infinity: expected a finite number"],
    [-Infinity, "is -Infinity: expected a finite number"],
  );
});

Deno.test("number: of every kind of range, its ends in it or not", () => {
  const cases: [range: Range, taken: number[], expected: string, refused: number[]][] = [
    [{ whole: true }, [-3, 0, 7], "a whole number", [0.5, -1.25, 1e-9]],
    [{ min: 0.5 }, [0.5, 9], "a number of at least 0.5", [0.4999, -9]],
    [{ above: 0 }, [5e-324, 9], "a number above 0", [0, -1]],
    [{ max: 8 }, [8, -9], "a number of at most 8", [8.001]],
    [{ below: 1 }, [0.999, -9], "a number below 1", [1, 2]],
    [{ min: 0, max: 1 }, [0, 0.5, 1], "a number from 0 to 1", [-0.1, 1.1]],
    [{ min: 0, below: 1 }, [0, 0.999], "a number of at least 0 and below 1", [-0.1, 1]],
    [{ above: 0, max: 1 }, [0.001, 1], "a number above 0 and of at most 1", [0, 1.1]],
    [{ above: 0, below: 1 }, [0.001, 0.999], "a number above 0 and below 1", [0, 1]],
    [{ whole: true, min: 1 }, [1, 2 ** 53 - 1], "a whole number of at least 1", [0, 1.5, -2]],
    [{ whole: true, min: 1, max: 8 }, [1, 8], "a whole number from 1 to 8", [0, 9, 1.5, 1e20]],
  ];
  for (const [range, taken, expected, refused] of cases) {
    assertEquals(rangeText(range), expected);
    assertTakes(number(range), ...taken);
    for (const value of refused) assertProblems(number(range), [value, `is ${value}: expected ${expected}`]);
    assertProblems(
      number(range),
      ["0", `is "0": expected ${expected}`],
      [NaN, `is NaN: expected ${expected}`],
      [Infinity, "is Infinity: expected a finite number"],
    );
  }
  assertEquals(rangeText({}), "a number");
});

Deno.test("number: a whole one that a number of JavaScript does not hold for sure", () => {
  assertProblems(
    number({ whole: true, min: 0 }),
    [2 ** 53, "is 9007199254740992: expected a whole number of at most 53 bits"],
    [1e300, "is 1e+300: expected a whole number of at most 53 bits"],
  );
});

Deno.test("oneOf: one of the texts, and the one that may be meant", () => {
  const precision = oneOf(["float32", "bfloat16"]);
  assertTakes(precision, "float32", "bfloat16");
  assertProblems(
    precision,
    ["flaot32", 'is "flaot32": did you mean "float32"? expected one of float32, bfloat16'],
    ["bfloat", 'is "bfloat": did you mean "bfloat16"? expected one of float32, bfloat16'],
    ["int8", 'is "int8": expected one of float32, bfloat16'],
    [32, "is 32: expected one of float32, bfloat16"],
    [undefined, "is missing: expected one of float32, bfloat16"],
  );
  assertProblems(
    oneOf(["cpu"]),
    ["gpu", 'is "gpu": did you mean "cpu"? expected "cpu"'],
    [null, 'is null: expected "cpu"'],
  );
});

Deno.test("list: its length and each of its items", () => {
  assertTakes(list(number()), [], [1], [1, 2, 3]);
  assertTakes(list(number(), { min: 2 }), [1, 2]);
  assertProblems(
    list(number()),
    ["1,2", 'is "1,2": expected a list'],
    [{ 0: 1 }, "is an object: expected a list"],
    [null, "is null: expected a list"],
  );
  assertProblems(
    list(number(), { min: 2 }),
    [[], "is an empty list: expected a list of at least 2"],
    [[1], "is a list of 1: expected a list of at least 2"],
    [3, "is 3: expected a list of at least 2"],
  );
  assertEquals(problem(fields({ x: list(number()) }), { x: [1, "2", "3"] }), 'x.1 is "2": expected a number');
  assertEquals(problem(list(number()), [1, 2, null]), "item 2 is null: expected a number");
  assertEquals(problem(list(list(number())), [[1], [1, true]]), "item 1.1 is true: expected a number");
});

Deno.test("recordOf: any names, values of one kind", () => {
  assertTakes(recordOf(number()), {}, { a: 1, "b c/d": 2 });
  assertProblems(
    recordOf(number()),
    [[1], "is a list of 1: expected an object"],
    [[], "is an empty list: expected an object"],
    ["a", 'is "a": expected an object'],
    [null, "is null: expected an object"],
  );
  assertEquals(
    problem(recordOf(number()), { a: 1, "lib/b.so": null }),
    "lib/b.so is null: expected a number",
  );
  const inherited = JSON.parse('{"__proto__": {"b": 2}, "constructor": 3, "a": 1}');
  assertEquals(check(recordOf(number()), inherited, fail), { a: 1 });
});

const TRAINING = fields({ epochs: number({ whole: true, min: 1 }), about: v.optional(text) });

Deno.test("fields: just these, in the order of the schema", () => {
  assertTakes(TRAINING, { epochs: 3 }, { epochs: 3, about: "a" }, { epochs: 3, about: undefined });
  const read = check(fields({ a: text, b: text }), { b: "2", a: "1" }, fail);
  assertEquals(JSON.stringify(read), '{"a":"1","b":"2"}');
});

Deno.test("fields: one that is missing, wrong, or null where it may be left out", () => {
  assertEquals(problem(TRAINING, {}), "epochs is missing");
  assertEquals(
    problem(TRAINING, { epochs: undefined }),
    "epochs is missing: expected a whole number of at least 1",
  );
  assertEquals(problem(TRAINING, { epochs: 1.5 }), "epochs is 1.5: expected a whole number of at least 1");
  assertEquals(problem(TRAINING, { epochs: 1, about: null }), "about is null: expected a text");
});

Deno.test("fields: a name that is none, with the one that may be meant", () => {
  const there = "there are epochs, about";
  assertEquals(problem(TRAINING, { epochs: 1, seed: 1 }), `seed is not a field: ${there}`);
  assertEquals(
    problem(TRAINING, { epochs: 1, abuot: "a" }),
    `abuot is not a field: did you mean "about"? ${there}`,
  );
  assertEquals(
    problem(TRAINING, { epoch: 1 }),
    `epoch is not a field: did you mean "epochs"? ${there}`,
    "and not that the other one is missing",
  );
  assertEquals(problem(fields({ seed: number() }), { seed: 1, a: 1 }), "a is not a field: there is seed");
  assertEquals(problem(fields({}), { a: 1 }), "a is not a field: there are none");
  assertEquals(
    problem(TRAINING, JSON.parse('{"epochs": 1, "__proto__": 1}')),
    `__proto__ is not a field: ${there}`,
  );
});

Deno.test("fields: what is no object, a list least of all", () => {
  assertEquals(problem(TRAINING, 3), "it is 3: expected an object with epochs, about");
  assertEquals(problem(TRAINING, null), "it is null: expected an object with epochs, about");
  assertEquals(problem(TRAINING, undefined), "it is missing: expected an object with epochs, about");
  assertEquals(problem(TRAINING, [1]), "it is a list of 1: expected an object with epochs, about");
  assertEquals(
    problem(fields({ a: v.optional(text) }), []),
    "it is an empty list: expected an object with a",
  );
  assertEquals(isOf(fields({ a: v.optional(text) }), []), false);
  assertEquals(problem(fields({}), "a"), 'it is "a": expected an object with no fields');
});

Deno.test("fields: the whole path of one inside others", () => {
  const run = fields({ recipe: fields({ stages: list(fields({ width: number() }), { min: 1 }) }) });
  assertTakes(run, { recipe: { stages: [{ width: 1 }] } });
  const stages = (...stages: unknown[]) => problem(run, { recipe: { stages } });
  assertEquals(stages({ width: 1 }, { width: "2" }), 'recipe.stages.1.width is "2": expected a number');
  assertEquals(stages({}), "recipe.stages.0.width is missing");
  assertEquals(stages(7), "recipe.stages.0 is 7: expected an object with width");
  assertEquals(
    stages({ wdith: 1 }),
    'recipe.stages.0.wdith is not a field: did you mean "width"? there is width',
  );
  assertEquals(
    problem(run, { recipe: [] }),
    "recipe is an empty list: expected an object with stages",
  );
});

Deno.test("fields: made partial, all of them may be left out, and the rest stays as it was", () => {
  const settings = v.partial(fields({ recipe: fields({ width: number() }), seed: number() }));
  assertTakes(settings, {}, { seed: 1 }, { recipe: { width: 2 } });
  assertEquals(problem(settings, { recipe: {} }), "recipe.width is missing");
  assertEquals(problem(settings, { seed: "1" }), 'seed is "1": expected a number');
  assertEquals(
    problem(settings, { sede: 1 }),
    'sede is not a field: did you mean "seed"? there are recipe, seed',
  );
  assertEquals(problem(settings, []), "it is an empty list: expected an object with recipe, seed");
});

Deno.test("someFields: these at least, and only these in the value", () => {
  const origin = someFields({ url: text, total: v.optional(number()) });
  assertEquals(check(origin, { more: 1, url: "a" }, fail), { url: "a" });
  assertEquals(problem(origin, { ulr: "a" }), "url is missing");
  assertEquals(problem(origin, { url: "a", total: null }), "total is null: expected a number");
  assertEquals(problem(origin, ["a"]), "it is a list of 1: expected an object with url, total");
  assertEquals(problem(origin, "a"), 'it is "a": expected an object with url, total');
});

Deno.test("kinds: by the kind, then as the fields of that kind", () => {
  const sgd = fields({ kind: v.literal("sgd"), momentum: number({ min: 0, below: 1 }) });
  const optimizer = kinds([sgd, fields({ kind: v.literal("muon-1"), others: sgd })]);
  assertTakes(optimizer, { kind: "sgd", momentum: 0.9 }, {
    kind: "muon-1",
    others: { kind: "sgd", momentum: 0 },
  });
  const expected = "expected one of sgd, muon-1";
  assertEquals(problem(optimizer, { kind: "adam" }), `kind is "adam": ${expected}`);
  assertEquals(problem(optimizer, { kind: "sdg" }), `kind is "sdg": did you mean "sgd"? ${expected}`);
  assertEquals(problem(optimizer, { kind: 3 }), `kind is 3: ${expected}`);
  assertEquals(problem(optimizer, { kind: null }), `kind is null: ${expected}`);
  assertEquals(problem(optimizer, { momentum: 0 }), `kind is missing: ${expected}`);
  assertEquals(problem(optimizer, {}), `kind is missing: ${expected}`);
  assertEquals(
    problem(optimizer, { kind: "sgd", momentum: 1 }),
    "momentum is 1: expected a number of at least 0 and below 1",
  );
  assertEquals(
    problem(optimizer, { kind: "sgd", momentun: 1 }),
    'momentun is not a field: did you mean "momentum"? there are kind, momentum',
  );
  assertEquals(
    problem(list(optimizer), [{ kind: "muon-1", others: { kind: "muon-1" } }]),
    'item 0.others.kind is "muon-1": expected "sgd"',
  );
  assertProblems(
    optimizer,
    ["sgd", 'is "sgd": expected an object with a kind'],
    [null, "is null: expected an object with a kind"],
    [[{ kind: "sgd" }], "is a list of 1: expected an object with a kind"],
  );
});

Deno.test("schemas of valibot without a message are told in the same words", () => {
  assertProblems(
    v.literal("sgd"),
    ["adam", 'is "adam": expected "sgd"'],
    [null, 'is null: expected "sgd"'],
    [undefined, 'is missing: expected "sgd"'],
  );
  assertProblems(v.pipe(text, v.check((text) => text !== "")), ["", 'is "": expected another']);
});

Deno.test("check: gives what the schema gives, and throws the error that it is given", () => {
  assertEquals(check(v.pipe(text, v.transform(Number)), "3", fail), 3);
  assertThrows(
    () => check(text, 3, (problem) => new RangeError(`no: ${problem}`)),
    RangeError,
    "no: it is 3",
  );
});

Deno.test("a phrase shows the beginning of what is long", () => {
  const a = "a".repeat(40);
  assertEquals(problem(number(), a), `it is "${a}": expected a number`);
  assertEquals(problem(number(), `${a}b`), `it is "${a}…": expected a number`);
  const face = "\u{1f600}"; // two halves, of which the cut would take one
  assertEquals(problem(number(), `${a.slice(1)}${face}`), `it is "${a.slice(1)}…": expected a number`);
  assertEquals(problem(text, 10n ** 60n), `it is 1${"0".repeat(39)}…n: expected a text`);
  assertEquals(
    problem(TRAINING, { epochs: 1, [`${a}b`]: 1 }),
    `${a}… is not a field: there are epochs, about`,
  );
  assertEquals(problem(recordOf(text), { [`${a}b`]: 1 }), `${a}… is 1: expected a text`);
});

Deno.test("a phrase is one line that changes no terminal", () => {
  assertEquals(problem(number(), "a\r\nb\tc"), 'it is "a\\r\\nb\\tc": expected a number');
  assertEquals(problem(number(), "\x1b[31m\x9b\x7f"), 'it is "\\u001b[31m\\u009b\\u007f": expected a number');
  assertEquals(problem(number(), "\u2028\u2029\u0085"), 'it is "\\u2028\\u2029\\u0085": expected a number');
  assertEquals(problem(recordOf(text), { "a\nb": 1 }), "a\\nb is 1: expected a text");
  assertEquals(problem(fields({ a: text }), { a: "", "b\r": 1 }), "b\\r is not a field: there is a");
  assertEquals(problem(recordOf(text), { "grüße, 世界 😀": 1 }), "grüße, 世界 😀 is 1: expected a text");
});

Deno.test("a phrase is one short line for any value and any text (fast-check)", () => {
  const schema = fields({
    name: text,
    of: kinds([fields({ kind: v.literal("a"), values: list(number({ min: 0 })) })]),
    files: recordOf(oneOf(["b", "c"])),
  });
  const isLine = (phrase: string) => !/[\p{Cc}\p{Zl}\p{Zp}]/u.test(phrase) && phrase.length < 300;
  const strange = fc.string({ unit: "binary", maxLength: 100 });
  const value = fc.oneof(
    fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withTypedArray: true,
      withNullPrototype: true,
    }),
    fc.record({
      name: fc.anything(),
      of: fc.record({ kind: strange }),
      files: fc.dictionary(strange, strange),
    }),
  );
  fc.assert(fc.property(value, (value) => isOf(schema, value) || isLine(problem(schema, value))));
  const json = fc.oneof(strange, fc.json().chain((text) => strange.map((more) => text + more)));
  fc.assert(
    fc.property(json, (json) => jsonOf(schema, json) !== undefined || isLine(jsonProblem(schema, json))),
  );
});

Deno.test("decodeJson: the value, with a byte order mark and any line ends", () => {
  const read = (json: string) => decodeJson(TRAINING, json, "run.json", "delete it");
  for (
    const json of [
      '{"epochs": 3, "about": "a\\nb"}',
      '\ufeff{"epochs": 3, "about": "a\\nb"}',
      '{\r\n  "epochs": 3,\r\n  "about": "a\\nb"\r\n}\r\n',
      '\ufeff\r\n{"epochs":\r3,"about":"a\\u000ab"}\n',
    ]
  ) assertEquals(read(json), { epochs: 3, about: "a\nb" });
});

Deno.test("decodeJson: one line with the file, what is wrong and what to do", () => {
  const message = (json: string) =>
    assertThrows(() => decodeJson(TRAINING, json, "runs/a/run.json", "delete it"), UserError).message;
  assertEquals(
    message('{"epochs": 0}'),
    "Cannot read runs/a/run.json: epochs is 0: expected a whole number of at least 1; delete it",
  );
  assertEquals(
    message("[]"),
    "Cannot read runs/a/run.json: it is an empty list: expected an object with epochs, about; delete it",
  );
  assertEquals(
    message(""),
    "Cannot read runs/a/run.json: it is not JSON (Unexpected end of JSON input); delete it",
  );
});

Deno.test("checkJson: what is no JSON, in the words of the engine on one line", () => {
  assertEquals(
    jsonProblem(text, '\n"a" x\r\n'),
    `it is not JSON (Unexpected non-whitespace character after JSON at position 5 (line 2 column 5))`,
  );
  assertEquals(
    jsonProblem(text, "\n no\n"),
    `it is not JSON (Unexpected token 'o', "\\n no\\n" is not valid JSON)`,
  );
  assertEquals(
    jsonProblem(text, "x\u2028\x1b[0m"),
    `it is not JSON (Unexpected token 'x', "x\\u2028\\u001b[0m" is not valid JSON)`,
  );
  assertEquals(
    jsonProblem(text, "\ufeff\ufeff3"),
    `it is not JSON (Unexpected token '\\ufeff', "\\ufeff3" is not valid JSON)`,
    "one mark is taken, no second",
  );
  assertEquals(
    jsonProblem(text, "\0\0\0"),
    `it is not JSON (Unexpected token '\\u0000', "\\u0000\\u0000\\u0000" is not valid JSON)`,
    "a file that a crash has left full of zeros",
  );
  assertEquals(jsonProblem(text, '["a", 1e999]'), "it is a list of 2: expected a text");
  assertEquals(jsonProblem(list(number()), "[1e999]"), "item 0 is Infinity: expected a finite number");
});

Deno.test("checkJson: the text of a file in UTF-16, of either byte order, and other bytes", () => {
  // {"a" with its byte order mark: FF FE or FE FF, then two bytes a character.
  const little = Uint8Array.of(0xff, 0xfe, 0x7b, 0, 0x22, 0, 0x61, 0, 0x22, 0);
  const big = Uint8Array.of(0xfe, 0xff, 0, 0x7b, 0, 0x22, 0, 0x61, 0, 0x22);
  const png = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
  for (const bytes of [little, big, png]) {
    assertEquals(jsonProblem(text, new TextDecoder().decode(bytes)), "it is not text in UTF-8");
  }
});

Deno.test("jsonOf: the value, or none", () => {
  assertEquals(jsonOf(list(text), '\ufeff["a"]\r\n'), ["a"]);
  assertEquals(jsonOf(list(text), "[3]"), undefined);
  assertEquals(jsonOf(list(text), '["a"'), undefined);
  assertEquals(jsonOf(v.nullable(text), "null"), null);
});
