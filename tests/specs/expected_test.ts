/** Tests of the lists of what is known to fail. */
import { assertEquals } from "@std/assert";
import { granted } from "../needs.ts";
import { formatExpected, judge, parseExpected, UNKNOWN, updated } from "./expected.ts";
import { LISTS } from "./report.ts";

const LIST = `# no kernel
ops/a_test.js: a one
ops/a_test.js: a two

# another cause
ops/b_test.js: b: with a colon
`;

const failing = (...names: string[]) => names.map((name) => ({ name, message: `why ${name}` }));

Deno.test("expected: a list gives each name the cause above it, and is written as it was read", () => {
  const expected = parseExpected(LIST);
  assertEquals([...expected], [
    ["ops/a_test.js: a one", "no kernel"],
    ["ops/a_test.js: a two", "no kernel"],
    ["ops/b_test.js: b: with a colon", "another cause"],
  ]);
  assertEquals(formatExpected(expected), LIST);
});

Deno.test("expected: what fails is known by its cause, or unexpected; what does not is mended", () => {
  const expected = parseExpected(LIST);
  // A name can be that of two specs.
  const found = failing("ops/a_test.js: a one", "ops/a_test.js: a one", "ops/c_test.js: c");
  assertEquals(judge(found, expected, true), {
    known: new Map([["no kernel", 2]]),
    unexpected: failing("ops/c_test.js: c"),
    mended: ["ops/a_test.js: a two", "ops/b_test.js: b: with a colon"],
  });
});

Deno.test("expected: where only some specs ran, nothing is mended", () => {
  assertEquals(judge(failing("ops/a_test.js: a one"), parseExpected(LIST), false).mended, []);
});

Deno.test("expected: a list written anew keeps causes, leaves out what is mended, and knows no cause of what is new", () => {
  const found = failing("ops/c_test.js: c", "ops/b_test.js: b: with a colon", "ops/a_test.js: a two");
  assertEquals([...updated(found, parseExpected(LIST))], [
    ["ops/a_test.js: a two", "no kernel"],
    ["ops/b_test.js: b: with a colon", "another cause"],
    ["ops/c_test.js: c", UNKNOWN],
  ]);
});

Deno.test({
  name: "expected: the project's lists are written as the task writes them, with a cause for everything",
  ignore: !granted("read"),
  fn(): void {
    for (const path of Object.values(LISTS)) {
      const text = Deno.readTextFileSync(new URL(`../../${path}`, import.meta.url));
      const expected = parseExpected(text);
      assertEquals(formatExpected(expected), text, path);
      assertEquals([...expected].filter(([, cause]) => cause === UNKNOWN), [], path);
    }
  },
});
