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
import { taskCommand } from "../runtime/system/package.ts";
import { orExit } from "./cli/task.ts";

/** A task that is loaded when it is asked for. */
interface Entry {
  /** What it does, as its own help says it. */
  readonly summary: string;
  /** Its module. */
  readonly load: () => Promise<{ main: (args: readonly string[]) => Promise<void> }>;
}

/** By name. Each loads only what it needs: vega is large, and only `report`, `curve` and `compare` draw with it. */
const TASKS: Readonly<Record<string, Entry>> = {
  "train": {
    summary: "Trains a network on CIFAR-10 or a folder of pictures; installs what is missing first.",
    load: () => import("./train.ts"),
  },
  "test-accuracy": {
    summary: "Evaluates a trained run on the test images, or on the validation images where it has none.",
    load: () => import("./test-accuracy.ts"),
  },
  "predict": {
    summary: "Says what a trained network takes pictures for.",
    load: () => import("./predict.ts"),
  },
  "serve": {
    summary: "Predicts pictures over HTTP: POST /predict, GET /healthz, GET /metrics.",
    load: () => import("./serve.ts"),
  },
  "report": {
    summary: "Writes a page about a run: what the network gets right and wrong, and how it was made.",
    load: () => import("./report.ts"),
  },
  "curve": {
    summary: "Draws loss and accuracy of a run by epoch.",
    load: () => import("./curve.ts"),
  },
  "compare": {
    summary: "Shows several runs side by side, with mean and deviation over the seeds, and draws them.",
    load: () => import("./compare.ts"),
  },
  "export": {
    summary: "Writes a trained network for other programs: ONNX, TensorFlow.js, TensorFlow's SavedModel.",
    load: () => import("./export.ts"),
  },
  "fetch-data": {
    summary:
      "Brings the six files of CIFAR-10 into the data folder and checks each against its published SHA-256.",
    load: () => import("./fetch-data.ts"),
  },
  "load": {
    summary: "Reads CIFAR-10 and shows its shape, range, mean and deviation by channel, and class counts.",
    load: () => import("./load.ts"),
  },
  "resize": {
    summary: "Loads and resizes the images (bilinear), and shows what comes out.",
    load: () => import("./resize.ts"),
  },
  "normalize": {
    summary: "Loads, resizes and normalises the images, and shows what comes out.",
    load: () => import("./normalize.ts"),
  },
  "split": {
    summary: "Loads, resizes, normalises and splits the images, and shows both parts.",
    load: () => import("./split.ts"),
  },
  "recipe": {
    summary:
      "Prints a recipe as JSON, to change and train with --recipe FILE.json; without a name, lists them.",
    load: () => import("./recipe.ts"),
  },
  "summary": {
    summary: "Prints the layers of a recipe's network with their shapes and parameters.",
    load: () => import("./summary.ts"),
  },
  "setup": {
    summary:
      "Finds or installs TensorFlow's library, loads it, and says where it is and which devices it has.",
    load: () => import("./setup.ts"),
  },
  "bench": {
    summary:
      "Times training or inference steps on made images, shows where the time goes, compares with Python.",
    load: () => import("./bench.ts"),
  },
};

/** The list of tasks, as `--help` prints it. */
function listText(): string {
  const width = Math.max(...Object.keys(TASKS).map((name) => name.length));
  return [
    "Trains residual networks on CIFAR-10 with TensorFlow's kernels.",
    "",
    `Usage: ${taskCommand("TASK")} [flags]`,
    "",
    "Tasks:",
    ...Object.entries(TASKS).map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`),
    "",
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
    const task = await TASKS[name].load();
    await task.main(args);
  });
}

if (import.meta.main) await main(Deno.args);
