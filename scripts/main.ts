/**
 * The tasks as one program, for where there is no checkout to run `deno task` in. The first argument names the task, the
 * others are its flags; without one, or with `--help`, it lists the tasks.
 *
 * ```sh
 * deno run -A jsr:@resnet/deno/cli train --recipe fast
 * ```
 * @module
 */
import { closest } from "../runtime/system/closest.ts";
import { UsageError } from "../runtime/system/errors.ts";
import { taskCommand, type TaskName, taskSummary } from "../runtime/system/package.ts";
import { orExit } from "./cli/task.ts";

/** Loads a task when it is asked for. */
type Load = () => Promise<{ main: (args: readonly string[]) => Promise<void> }>;

/**
 * By what one wants to do, and by name. Each loads only what it needs: vega is large, and only `report`, `curve`,
 * `compare` and `train --lr-find` draw with it.
 */
const GROUPS = {
  "Prepare": {
    "fetch-data": () => import("./fetch-data.ts"),
    "setup": () => import("./setup.ts"),
  },
  "Train": {
    "train": () => import("./train.ts"),
    "recipe": () => import("./recipe.ts"),
    "summary": () => import("./summary.ts"),
  },
  "Look": {
    "test-accuracy": () => import("./test-accuracy.ts"),
    "report": () => import("./report.ts"),
    "curve": () => import("./curve.ts"),
    "compare": () => import("./compare.ts"),
  },
  "Use": {
    "predict": () => import("./predict.ts"),
    "serve": () => import("./serve.ts"),
    "export": () => import("./export.ts"),
  },
  "Inside": {
    "load": () => import("./load.ts"),
    "resize": () => import("./resize.ts"),
    "normalize": () => import("./normalize.ts"),
    "split": () => import("./split.ts"),
  },
  "Develop": {
    "bench": () => import("./bench.ts"),
  },
} satisfies Readonly<Record<string, Readonly<Partial<Record<TaskName, Load>>>>>;

/** By name. */
const TASKS: Readonly<Record<string, Load>> = Object.assign({}, ...Object.values(GROUPS));

/** The list of tasks, as `--help` prints it. */
function listText(): string {
  const width = Math.max(...Object.keys(TASKS).map((name) => name.length));
  const groups = Object.entries(GROUPS).flatMap(([title, tasks]) => [
    `${title}:`,
    ...(Object.keys(tasks) as TaskName[]).map((name) => `  ${name.padEnd(width)}  ${taskSummary(name)}`),
    "",
  ]);
  return [
    "Trains residual networks with TensorFlow's kernels, on CIFAR-10 or a folder of pictures.",
    "",
    `Usage: ${taskCommand("TASK")} [flags]`,
    "",
    ...groups,
    `The flags of a task: ${taskCommand("TASK --help")}`,
  ].join("\n");
}

/** Runs the task that the first argument names. An unknown one is wrong usage: one line, exit code 2. */
async function main([name, ...args]: readonly string[]): Promise<void> {
  if (name === undefined || name === "--help" || name === "-h") {
    console.log(listText());
    return;
  }
  await orExit(async () => {
    if (!Object.hasOwn(TASKS, name)) {
      const close = name.startsWith("-") ? undefined : closest(name, Object.keys(TASKS));
      throw new UsageError(
        `Unknown task ${name}: ${close ? `did you mean ${close}? ` : ""}see "${taskCommand("--help")}"`,
      );
    }
    const task = await TASKS[name]();
    await task.main(args);
  });
}

if (import.meta.main) await main(Deno.args);
