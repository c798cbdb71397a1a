/** The way through: a task ends with what comes next, in one line. */
import { taskCommand } from "../../runtime/system/package.ts";
import { printNote } from "./terminal.ts";

/** What the tasks that come next are for. */
const PURPOSES = {
  "train": "Train",
  "report": "Look",
  "compare": "Look",
  "predict": "Try it",
  "export": "Take it along",
  "recipe": "Start your own",
  "setup": "Install it again",
  "resize": "Next",
  "normalize": "Next",
  "split": "Next",
} as const;

/**
 * The line that names the next task, as it is typed here.
 * @param flags Those that are undefined are left out.
 * @param rest What stands behind the flags, as the shell reads it.
 */
export function nextLine(
  task: keyof typeof PURPOSES,
  flags: Readonly<Record<string, string | undefined>> = {},
  rest = "",
): string {
  const given = Object.entries(flags).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const command = taskCommand(task, Object.fromEntries(given));
  return `${PURPOSES[task]}: ${[command, rest].join(" ").trimEnd()}`;
}

/** Prints that line, where it is in nobody's way: on standard error. */
export function printNext(...next: Parameters<typeof nextLine>): void {
  printNote(nextLine(...next));
}

/** Prints how what a task made is used, where that is no task's. */
export function printUse(purpose: "Use" | "Ask", how: string): void {
  printNote(`${purpose}: ${how}`);
}
