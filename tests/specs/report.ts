/** What the task prints of a part, and what of it counts as failed. */
import type { Part } from "./events.ts";
import type { Judgement } from "./expected.ts";
import { isIgnored } from "./ignore_list.ts";
import type { Outcome } from "./outcome.ts";

/** The lists of what is known to fail, from the project's root. */
export const LISTS: Readonly<Record<Part, string>> = {
  eager: "tests/specs/expected_specs.txt",
  jit: "tests/specs/expected_calls.txt",
};

/** How many specs fail with tfjs-node's own addon on its own TensorFlow, 2.9.1: all of them on its list. */
const ADDON_FAILURES = 254;

/** Lines for a person, and how many checks passed and failed. */
export interface Report {
  readonly lines: readonly string[];
  readonly passed: number;
  readonly failed: number;
}

/**
 * Reports on a part.
 * @param ignored What tfjs-node leaves out when it runs the specs: parts of their full names.
 */
export function report(
  part: Part,
  outcome: Outcome,
  { known, unexpected, mended }: Judgement,
  ignored: readonly string[],
): Report {
  const { passed, line } = part === "eager" ? countSpecs(outcome, ignored) : countCalls(outcome);
  return {
    passed,
    failed: outcome.faults.length + unexpected.length + mended.length,
    lines: [
      `${part}: ${line}`,
      ...[...known].map(([cause, count]) =>
        `  known, ${count} ${part === "jit" ? "kinds" : "specs"}: ${cause}`
      ),
      ...outcome.faults.map((fault) => `FAULT: ${oneLine(fault)}`),
      ...unexpected.map(({ name, message }) => `FAILED: ${name}: ${oneLine(message)}`),
      ...mended.map((name) => `NO LONGER FAILS, take it out of ${LISTS[part]}: ${name}`),
    ],
  };
}

/** The last line, for other programs too, and the exit code. What is known to fail is neither passed nor failed. */
export function total(reports: readonly Report[]): { line: string; exitCode: 0 | 1 } {
  const sum = (count: "passed" | "failed"): number => reports.reduce((sum, each) => sum + each[count], 0);
  const failed = sum("failed");
  return { line: `${sum("passed")} passed, ${failed} failed`, exitCode: failed === 0 ? 0 : 1 };
}

function countSpecs({ specs }: Outcome, ignored: readonly string[]): { passed: number; line: string } {
  const count = (kind: string): number => specs.filter((spec) => spec.kind === kind).length;
  const named = specs.filter(({ kind, spec }) => kind === "failed" && isIgnored(spec, ignored)).length;
  const passed = count("passed");
  return {
    passed,
    line:
      `${specs.length} specs: ${passed} pass, ${count("failed")} fail, ${
        count("skipped")
      } skip themselves; ` +
      `tfjs-node's own list names ${named} of those that fail (with its addon ${ADDON_FAILURES} of all specs do)`,
  };
}

function countCalls({ calls }: Outcome): { passed: number; line: string } {
  const count = (kind: string, isEqual: boolean): number =>
    calls.filter(({ what, problem }) => what === kind && (problem === undefined) === isEqual).length;
  const [values, gradients] = [count("value", true), count("gradient", true)];
  return {
    passed: values + gradients,
    line:
      `calls of ${
        new Set(calls.map(({ op }) => op)).size
      } ops: ${values} values and ${gradients} gradients ` +
      `are those of eager calls, ${count("value", false)} and ${count("gradient", false)} are not; ` +
      `${count("handles", false)} leave handles behind`,
  };
}

function oneLine(text: string): string {
  const line = text.replaceAll(/\s+/g, " ");
  return line.length > 500 ? `${line.slice(0, 500)}...` : line;
}
