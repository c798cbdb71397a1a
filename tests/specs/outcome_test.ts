/** Tests of what becomes of a run of specs: what is read of it, told of it, and the exit code. */
import { assert, assertEquals } from "@std/assert";
import { codeArgs } from "../child.ts";
import { granted } from "../needs.ts";
import type { Event, Part } from "./events.ts";
import { judge, parseExpected } from "./expected.ts";
import { failingCalls, failingSpecs, kindOf, type Outcome, readOutcome } from "./outcome.ts";
import { runProcess } from "./process.ts";
import { report, total } from "./report.ts";

const lines = (...events: Event[]): string => events.map((event) => `${JSON.stringify(event)}\n`).join("");
const WELL = { code: 0, signal: null, stderr: "" };

const SPECS = lines(
  { kind: "begun", spec: "a_test.js: one" },
  { kind: "passed", spec: "a_test.js: one" },
  { kind: "begun", spec: "a_test.js: two" },
  { kind: "failed", spec: "a_test.js: two", message: "Expected 1\nto be 2." },
  { kind: "skipped", spec: "a_test.js: three" },
);
const END = lines({ kind: "end" });

/** What the task prints and how it exits when the one part is all there is. */
function told(part: Part, outcome: Outcome, list: string, ignored: string[] = []) {
  const failing = part === "eager" ? failingSpecs(outcome) : failingCalls(outcome);
  const reported = report(part, outcome, judge(failing, parseExpected(list), true), ignored);
  return { lines: reported.lines, ...total([reported]) };
}

Deno.test("specs: a failure that is on the list fails nothing, and is counted by its cause", () => {
  assertEquals(told("eager", readOutcome(SPECS + END, WELL), "# a cause\na_test.js: two\n", ["two"]), {
    lines: [
      "eager: 3 specs: 1 pass, 1 fail, 1 skip themselves; " +
      "tfjs-node's own list names 1 of those that fail (with its addon 254 of all specs do)",
      "  known, 1 specs: a cause",
    ],
    line: "1 passed, 0 failed",
    exitCode: 0,
  });
});

Deno.test("specs: a failure that is not on the list fails the task, with its name and message", () => {
  const { lines, line, exitCode } = told("eager", readOutcome(SPECS + END, WELL), "");
  assertEquals(lines.slice(1), ["FAILED: a_test.js: two: Expected 1 to be 2."]);
  assertEquals([line, exitCode], ["1 passed, 1 failed", 1]);
});

Deno.test("specs: what is on the list and passes fails the task, with what to do", () => {
  const list = "# a cause\na_test.js: one\na_test.js: two\n";
  const { lines, line, exitCode } = told("eager", readOutcome(SPECS + END, WELL), list);
  assertEquals(lines.slice(2), [
    "NO LONGER FAILS, take it out of tests/specs/expected_specs.txt: a_test.js: one",
  ]);
  assertEquals([line, exitCode], ["1 passed, 1 failed", 1]);
});

Deno.test("specs: an error outside of a spec fails the task, with where it was", () => {
  const printed = lines({ kind: "begun", spec: "a_test.js: one" }, {
    kind: "fault",
    message: "rejected: no",
  });
  const { lines: [, line], exitCode } = told("eager", readOutcome(printed + END, WELL), "");
  assertEquals(line, "FAULT: rejected: no (in a_test.js: one)");
  assertEquals(exitCode, 1);
});

Deno.test("specs: where a process broke off", () => {
  const ending = { code: 139, signal: "SIGSEGV", stderr: "one\ntwo\nthree\nfour\n" };
  const faults = (printed: string) => readOutcome(printed, ending).faults;
  const how = 'the process ended by SIGSEGV, its last words "two | three | four",';
  assertEquals(faults(""), [`${how} before the first spec`]);
  assertEquals(faults(SPECS), [`${how} after a_test.js: three`]);
  const half = lines({ kind: "begun", spec: "b_test.js: four" }) + '{"kind":"passed","sp';
  assertEquals(faults(SPECS + half), [`${how} in b_test.js: four`]);
  assertEquals(readOutcome(SPECS, { code: 1, signal: null, stderr: "" }).faults, [
    "the process ended by exit code 1 after a_test.js: three",
  ]);
});

Deno.test({
  name: "specs: a process that crashes, or hangs, fails the task with the spec that ran",
  ignore: !granted("read", "run", "env"),
  async fn(): Promise<void> {
    const begun = JSON.stringify(lines({ kind: "begun", spec: "a_test.js: one" }).trim());
    const crash = `console.log(${begun}); Deno.kill(Deno.pid, "SIGABRT"); for (;;);`;
    const hang = `console.log(${begun}); for (;;);`;
    for (const [code, signal, limit] of [[crash, "SIGABRT", 60_000], [hang, "SIGKILL", 1_500]] as const) {
      const outcome = await runProcess(codeArgs(code), limit);
      const { lines, exitCode } = told("eager", outcome, "");
      assertEquals(lines.slice(1), [`FAULT: the process ended by ${signal} in a_test.js: one`]);
      assertEquals(exitCode, 1);
    }
  },
});

const CALLS = lines(
  { kind: "call", op: "abs", what: "value", args: '["float32 [2]"]' },
  { kind: "call", op: "abs", what: "gradient", args: '["float32 [2]"]' },
  {
    kind: "call",
    op: "rand",
    what: "value",
    problem: "refused: no draw at -1.5e-7; pass a seed",
    args: "[[3]]",
  },
  { kind: "call", op: "rand", what: "value", problem: "refused: no draw at 2; pass a seed", args: "[[4]]" },
  { kind: "call", op: "mul", what: "handles", problem: "the value leaves 2", args: '["int32 []"]' },
);

Deno.test("specs: calls in jit are listed by kind, and each kind is told with one of them", () => {
  const list = "# random\nrand, value: refused: no draw at N\n";
  assertEquals(told("jit", readOutcome(CALLS + END, WELL), list), {
    lines: [
      "jit: calls of 3 ops: 1 values and 1 gradients are those of eager calls, 2 and 0 are not; " +
      "1 leave handles behind",
      "  known, 1 kinds: random",
      'FAILED: mul, handles: the value leaves N: the value leaves 2; with ["int32 []"]',
    ],
    line: "2 passed, 1 failed",
    exitCode: 1,
  });
});

Deno.test("specs: the kind of a call is one line of bounded length", () => {
  const name = kindOf({
    kind: "call",
    op: "abs",
    what: "value",
    problem: `a\n  b ${"long ".repeat(100)}`,
    args: "",
  });
  assert(name.startsWith("abs, value: a b long long") && name.length < 140, name);
});
