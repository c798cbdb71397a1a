/** What is said while a run goes on. */
import { parameterCount, trunkAndHead } from "../../layers/mod.ts";
import type { SessionEvent, SessionStart } from "../../pipeline/runs/mod.ts";
import { scheduleScale, unreachedRates } from "../../pipeline/training/mod.ts";
import { accuracyLine, testLines } from "./accuracy_lines.ts";
import { duration } from "./terminal.ts";

/** The lines for an event: results for standard output, the rest for whoever looks on. */
export function eventLines(event: SessionEvent): { results: string[]; notes: string[] } {
  switch (event.kind) {
    case "start":
      return { results: [], notes: startLines(event.start) };
    case "epoch": {
      const { epoch, epochs, lastLoss, validation, validationRunning } = event.report;
      return {
        results: [
          `Epoch [${epoch}/${epochs}], Loss: ${lastLoss.toFixed(4)}`,
          ...(validation ? [accuracyLine(validation, "validation")] : []),
          ...(validationRunning
            ? [accuracyLine(validationRunning, "validation", "with running statistics")]
            : []),
        ],
        notes: [],
      };
    }
    case "unsaved":
      return { results: [], notes: [event.problem] };
    case "trained": {
      const { seconds, firstLoss, weights } = event;
      const first = `${duration(firstLoss)} of it to the first loss`;
      return {
        results: [],
        notes: [
          `Trained for ${duration(seconds)}, ${first}; ` +
          (weights === undefined ? "the weights are not saved yet" : `the weights are ${weights}`),
        ],
      };
    }
    case "tested": {
      const { results, ...how } = event;
      return { results: testLines(results, how), notes: [] };
    }
  }
}

/** What is said of a run before its first step. */
function startLines(start: SessionStart): string[] {
  const { dir, model, recipe, precision, images, devices, cpu, resumedAt, replacedHead } = start;
  const lines = [
    `${model.name}, ${parameterCount(model).toLocaleString("en")} parameters, ${images} training images, ` +
    `${recipe.training.epochs} epochs of ${start.stepsPerEpoch} steps, ${precision}, ${
      devices.join(" and ")
    }, ` +
    `${cpu.model} (${cpu.instructions})`,
  ];
  if (precision === "bfloat16" && !start.hasBfloat16) {
    lines.unshift("There are no bfloat16 instructions here: expect a tenth of the speed of float32");
  }
  if (replacedHead !== undefined) {
    const { file, classes } = replacedHead;
    const found = classes === 0 ? "has no last layer" : `tells ${classes} classes apart`;
    lines.push(`${file} ${found}: the last layer starts anew, with ${start.classes}`);
  }
  if (recipe.training.freeze !== undefined) {
    const learning = parameterCount(trunkAndHead(model).head).toLocaleString("en");
    lines.push(
      `The head is trained, ${learning} parameters; the trunk stays as it is, and runs as in evaluation`,
    );
  }
  lines.push(...rateLines(start));
  if (start.xla) {
    lines.push("XLA compiles the first steps, which may take a minute; on a GPU that is kept for later runs");
  }
  return [
    ...lines,
    resumedAt === undefined ? `Run folder: ${dir}` : `Resumed at step ${resumedAt} of ${dir}`,
  ];
}

/** What is said of its learning rates. */
function rateLines({ recipe: { training }, stepsPerEpoch }: SessionStart): string[] {
  const lines: string[] = [];
  const { schedule, scheduleBatch } = training;
  const totalSteps = training.epochs * stepsPerEpoch;
  const scale = scheduleScale(training, stepsPerEpoch);
  if (scheduleBatch !== undefined) {
    const [from, to] = [1, scale.times].map((times) => Number((times * schedule.rate).toPrecision(6)));
    lines.push(
      `The learning rate is scaled from ${from} for ${scheduleBatch} images a step to ${to} for ${training.batchSize}` +
        (scale.warmUp > 0 ? `, which it rises to in the first ${scale.warmUp} steps` : ""),
    );
  }
  const unreached = unreachedRates(schedule, totalSteps, scale)
    .map(({ step, rate }) => `${Number(rate.toPrecision(6))} (from step ${step})`);
  if (unreached.length > 0) {
    lines.push(
      `The learning rate never gets to ${
        unreached.join(", ")
      }: the run has ${totalSteps} steps, and those of its ` +
        `schedule are fixed, whatever the epochs${
          scheduleBatch === undefined ? ", the batch" : ""
        } and the number of images`,
    );
  }
  return lines;
}
