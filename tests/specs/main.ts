/** `deno task specs`: TensorFlow.js's own specs against this project's backend, eagerly and in `jit`. */
import { fromFileUrl } from "@std/path";
import { ensureLibrary } from "../../runtime/install/mod.ts";
import { UsageError } from "../../runtime/system/errors.ts";
import { packageFile } from "../../runtime/system/package.ts";
import { runTask, type Values } from "../../scripts/cli/task.ts";
import { printLine, printNote, terminalProgress } from "../../scripts/cli/terminal.ts";
import { runArgs } from "../child.ts";
import { formatExpected, judge, parseExpected, updated } from "./expected.ts";
import { ignoreList } from "./ignore_list.ts";
import { failingCalls, failingSpecs } from "./outcome.ts";
import { runProcess } from "./process.ts";
import { LISTS, type Report, report, total } from "./report.ts";

const task = {
  name: "specs",
  summary:
    "Runs TensorFlow.js's own specs on this backend, then again with every call of an op repeated in jit.",
  flags: {
    part: { type: "string", choices: ["eager", "jit"], help: "only the one or the other" },
    files: { type: "string", placeholder: "REGEX", help: "only spec files whose path in tfjs-core matches" },
    specs: { type: "string", placeholder: "REGEX", help: "only specs whose full name matches" },
    update: {
      type: "boolean",
      help: "write the lists of what is known to fail anew; what was not on them gets the cause unknown",
    },
  },
  examples: ["", "--part jit --files ops/gather", "--update"],
} as const;

/** Milliseconds for one part, which takes tens of seconds. */
const LIMIT = 600_000;

async function runSpecs({ part, files = "", specs = "", update }: Values<typeof task.flags>): Promise<void> {
  checkPattern("files", files);
  checkPattern("specs", specs);
  const isWhole = files === "" && specs === "";
  if (update && !isWhole) {
    throw new UsageError("Cannot update the lists from some of the specs: leave out --files and --specs");
  }
  await ensureLibrary({ gpu: false, progress: terminalProgress() });

  const program = fromFileUrl(new URL("run_specs.ts", import.meta.url));
  const ignored = ignoreList();
  const reports: Report[] = [];
  for (const each of part === undefined ? ["eager", "jit"] as const : [part]) {
    printNote(`${each}: running...`);
    const outcome = await runProcess(runArgs(program, each, files, specs), LIMIT);
    if (outcome.specs.length === 0 && outcome.faults.length === 0) {
      throw new UsageError(
        `Cannot find a spec: none has a file that matches "${files}" and a name that matches "${specs}"`,
      );
    }
    // In jit what the specs themselves say is not asked: some count the tensors and kernels of the repeated calls too.
    const failing = each === "eager" ? failingSpecs(outcome) : failingCalls(outcome);
    const list = packageFile(LISTS[each]);
    const listed = parseExpected(await Deno.readTextFile(list));
    const expected = update ? updated(failing, listed) : listed;
    if (update) await Deno.writeTextFile(list, formatExpected(expected));
    const reported = report(each, outcome, judge(failing, expected, isWhole), ignored);
    reported.lines.forEach(printLine);
    reports.push(reported);
  }
  const { line, exitCode } = total(reports);
  printLine(line);
  Deno.exitCode = exitCode;
}

function checkPattern(flag: string, pattern: string): void {
  try {
    new RegExp(pattern);
  } catch {
    throw new UsageError(`Cannot use --${flag} "${pattern}": expected a regular expression`);
  }
}

/** Runs the task. */
export function main(args: readonly string[]): Promise<void> {
  return runTask(task, runSpecs, args);
}

if (import.meta.main) await main(Deno.args);
