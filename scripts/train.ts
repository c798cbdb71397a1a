/** `deno task train`: trains a recipe on CIFAR-10 and keeps its run folder, stops and resumes. */
import { parameterCount } from "../layers/mod.ts";
import { type Data, fetchCifar, loadCifar } from "../pipeline/data/mod.ts";
import { runSession, type SessionStart } from "../pipeline/runs/mod.ts";
import { recipes } from "../pipeline/training/mod.ts";
import { configure, type Progress, tf } from "../runtime/mod.ts";
import { taskCommand } from "../runtime/system/package.ts";
import { accuracyLine, testLines } from "./cli/accuracy_lines.ts";
import { dataFlag, runTask, threadsFlag, type Values } from "./cli/task.ts";
import { terminalProgress } from "./cli/terminal.ts";

/** The task and its flags. */
export const trainTask = {
  name: "train",
  summary: "Trains a network on CIFAR-10; installs what is missing first.",
  flags: {
    recipe: { type: "string", choices: Object.keys(recipes), help: "what to train, and how (default: fast)" },
    epochs: { type: "integer", min: 1, help: "passes over the training images" },
    batch: { type: "integer", min: 2, help: "images a step" },
    lr: { type: "number", min: 0, help: "peak learning rate" },
    seed: {
      type: "integer",
      min: 0,
      max: 2 ** 31 - 1,
      help: "seed of weights, order and augmentation (default: 0)",
    },
    precision: {
      type: "string",
      choices: ["float32", "bfloat16"],
      help: "number format of the convolutions",
    },
    limit: { type: "integer", min: 2, help: "take the first N training images only" },
    data: dataFlag,
    run: { type: "string", placeholder: "DIR", help: "folder of the run (default: runs/RECIPE-TIME)" },
    resume: { type: "string", placeholder: "DIR", help: "go on with a run that was stopped" },
    force: { type: "boolean", help: "start over in a folder that holds a run" },
    init: {
      type: "string",
      placeholder: "FILE",
      help: "start from these weights (safetensors, PyTorch's names)",
    },
    "no-test": { type: "boolean", help: "leave the test images alone" },
    device: {
      type: "string",
      choices: ["cpu", "gpu"],
      help: "where to run (default: a GPU if there is one)",
    },
    threads: threadsFlag,
    quiet: { type: "boolean", help: "no progress" },
  },
  examples: [
    "",
    "--recipe resnet20 --seed 1",
    "--recipe tutorial --epochs 2",
    "--resume runs/fast-20261125-093000",
  ],
} as const;

/** Exit code of a process that a signal ended, by the shell's convention: 128 + the signal's number. */
const SIGNAL_EXIT = { SIGINT: 130, SIGTERM: 143 } as const;

/**
 * Signals within this time count as one, in milliseconds: a terminal's Ctrl-C reaches this process itself and once or
 * twice more through `deno task`, which passes it on.
 */
const ONE_KEY_PRESS_MS = 1000;

/**
 * Trains as the flags say, and prints what the tutorial prints.
 * @param load Gives the images.
 * @throws {UsageError} If the flags contradict a resumed run, or the folder holds a run.
 */
export async function runTraining(
  flags: Values<typeof trainTask.flags>,
  load: (progress: Progress) => Promise<Data>,
): Promise<void> {
  const progress = terminalProgress(flags.quiet);
  const stop = new AbortController();
  let signal: keyof typeof SIGNAL_EXIT | undefined;
  let askedAt = 0;
  const listen = (name: keyof typeof SIGNAL_EXIT): void =>
    Deno.addSignalListener(name, () => {
      if (signal !== undefined) {
        if (performance.now() - askedAt > ONE_KEY_PRESS_MS) Deno.exit(SIGNAL_EXIT[name]); // asked again: at once
        return;
      }
      askedAt = performance.now();
      signal = name;
      progress.message(`${name}: finishing the step under way, then saving`);
      stop.abort();
    });
  const { dir, step, totalSteps } = await runSession({ ...flags, test: !flags["no-test"] }, {
    progress,
    signal: stop.signal,
    load: () => load(progress),
    async startRuntime(options) {
      configure({ ...options, progress });
      await tf.ready();
    },
    onStart(start) {
      startLines(start).forEach((line) => progress.message(line));
      // Until now there was nothing to save.
      listen("SIGINT");
      listen("SIGTERM");
    },
    onEpoch({ epoch, epochs, lastLoss, validation, validationRunning }) {
      console.log(`Epoch [${epoch}/${epochs}], Loss: ${lastLoss.toFixed(4)}`);
      if (validation) console.log(accuracyLine(validation, "validation"));
      if (validationRunning) {
        console.log(accuracyLine(validationRunning, "validation", "with running statistics"));
      }
    },
    onTrained({ seconds, weights }) {
      progress.message(`Trained for ${(seconds / 60).toFixed(1)} minutes; the weights are ${weights}`);
    },
    onTest: (results) => testLines(results).forEach((line) => console.log(line)),
  });
  if (signal !== undefined && step < totalSteps) {
    const command = taskCommand(`train --resume ${dir}`);
    console.log(`Stopped at step ${step} of ${totalSteps}; go on with: ${command}`);
    Deno.exit(SIGNAL_EXIT[signal]);
  }
}

/** What is said of a run before its first step. */
function startLines(start: SessionStart): string[] {
  const { dir, model, recipe, precision, images, devices, cpu, resumedAt, replacedHead } = start;
  const lines = [
    `${model.name}, ${parameterCount(model).toLocaleString("en")} parameters, ${images} training images, ` +
    `${recipe.epochs} epochs of ${start.stepsPerEpoch} steps, ${precision}, ${devices.join(" and ")}, ` +
    `${cpu.model} (${cpu.instructions})`,
  ];
  if (precision === "bfloat16" && !cpu.hasBfloat16) {
    lines.unshift("This processor has no bfloat16 instructions: expect a tenth of the speed of float32");
  }
  if (replacedHead !== undefined) {
    const { file, classes } = replacedHead;
    lines.push(`${file} tells ${classes} classes apart: the last layer starts anew, with ${start.classes}`);
  }
  return [
    ...lines,
    resumedAt === undefined ? `Run folder: ${dir}` : `Resumed at step ${resumedAt} of ${dir}`,
  ];
}

/** Runs the task. */
export function main(args: readonly string[]): Promise<void> {
  return runTask(trainTask, (flags) =>
    runTraining(flags, async (progress) => {
      await fetchCifar(flags.data, { progress });
      return await loadCifar(flags.data);
    }), args);
}

if (import.meta.main) await main(Deno.args);
