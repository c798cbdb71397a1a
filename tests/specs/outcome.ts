/** What came of the specs: the events of a process that ran them, and how that process ended. */
import type { CallEvent, Event, SpecEvent } from "./events.ts";
import type { Failing } from "./expected.ts";

/** What came of one part. */
export interface Outcome {
  /** Every spec that ended. */
  readonly specs: readonly Exclude<SpecEvent, { kind: "begun" }>[];
  /** Every call of an op that was repeated in `jit`, and its gradient. */
  readonly calls: readonly CallEvent[];
  /** What no list excuses: a crash, a file that does not load, a rejection that nothing waits for. */
  readonly faults: readonly string[];
}

/** How a process ended. */
export interface Ending {
  readonly code: number;
  readonly signal: string | null;
  /** What it wrote to stderr. */
  readonly stderr: string;
}

/** Reads what a process printed, which may break off anywhere. */
export function readOutcome(printed: string, ending: Ending): Outcome {
  const events = printed.split("\n").flatMap(parse);
  const outcome: { specs: Outcome["specs"][number][]; calls: CallEvent[]; faults: string[] } = {
    specs: [],
    calls: [],
    faults: [],
  };
  let where = "before the first spec";
  for (const event of events) {
    if (event.kind === "begun") where = `in ${event.spec}`;
    else if (event.kind === "call") outcome.calls.push(event);
    else if (event.kind === "fault") outcome.faults.push(`${event.message} (${where})`);
    else if (event.kind !== "end") {
      outcome.specs.push(event);
      where = `after ${event.spec}`;
    }
  }
  if (events.at(-1)?.kind !== "end") outcome.faults.push(`${howItEnded(ending)} ${where}`);
  return outcome;
}

/** The event of a line; none if it is half a line, or none of the task's. */
function parse(line: string): Event[] {
  try {
    return line.startsWith('{"kind":') ? [JSON.parse(line)] : [];
  } catch {
    return [];
  }
}

function howItEnded({ code, signal, stderr }: Ending): string {
  const last = stderr.trim().split("\n").slice(-3).join(" | ");
  return `the process ended by ${signal ?? `exit code ${code}`}${last && `, its last words "${last}",`}`;
}

/** The specs that failed. */
export function failingSpecs({ specs }: Outcome): Failing[] {
  return specs.flatMap((event) =>
    event.kind === "failed" ? [{ name: event.spec, message: event.message }] : []
  );
}

/** The kinds of calls that went wrong in `jit`, each with one of them. */
export function failingCalls({ calls }: Outcome): Failing[] {
  const kinds = Map.groupBy(calls.filter(({ problem }) => problem !== undefined), kindOf);
  return [...kinds].map(([name, [{ problem, args }]]) => ({ name, message: `${problem}; with ${args}` }));
}

/** What calls have in common that are listed in one line: the op and the first words of the problem, without numbers. */
export function kindOf({ op, what, problem = "" }: CallEvent): string {
  const [words] = problem.replaceAll(/\s+/g, " ").replaceAll(/-?\d+(\.\d+)?(e[-+]?\d+)?/g, "N").split("; ");
  return `${op}, ${what}: ${words.slice(0, 120)}`.trim();
}
