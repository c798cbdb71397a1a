/** `deno task test-accuracy`: how good a trained run is on the test images. */
import { join } from "@std/path";
import { loadWeights, RUN_FILES } from "../pipeline/runs/mod.ts";
import { modelFor, testResults } from "../pipeline/training/mod.ts";
import { taskSummary } from "../runtime/system/package.ts";
import { testLines } from "./cli/accuracy_lines.ts";
import { printNext } from "./cli/next.ts";
import { loadRun, runDataFlag } from "./cli/run_data.ts";
import { precisionFlag, runFlag, runTask, type Values } from "./cli/task.ts";
import { printLine, terminalProgress } from "./cli/terminal.ts";

const task = {
  name: "test-accuracy",
  summary: taskSummary("test-accuracy"),
  flags: {
    run: runFlag,
    tta: {
      type: "boolean",
      help: "test-time augmentation: mean of the logits of six views, mirrored and moved by a pixel",
    },
    precision: { ...precisionFlag, help: `${precisionFlag.help} (default: the run's)` },
    json: { type: "boolean", help: "one JSON object instead of the sentence" },
    data: runDataFlag,
  },
  examples: ["", "--run runs/fast-20261125-093000 --tta"],
} as const;

async function testRun({ run, tta, json, data, precision }: Values<typeof task.flags>): Promise<void> {
  const progress = terminalProgress(json);
  const tested = await loadRun({ run, data }, "Cannot test", { progress });
  const { dir, info, bestEpoch, part, images } = tested;
  const { testing, network } = info.recipe;
  const model = modelFor(network, images);
  const variables = await loadWeights(join(dir, RUN_FILES.weights), model, progress);
  // One figure, as it was asked for: the recipe's own test-time augmentation is the end of its training's.
  const results = testResults(model, variables, images, { ...testing, tta: false }, {
    precision: precision ?? info.precision,
    progress,
    tta,
    byClass: tested.data.digest !== undefined,
  });
  const { running, byClass } = results;
  const of = { tta, ...(part === "validation" && { part }), bestEpoch };
  if (json) {
    console.log(JSON.stringify({ ...results.test, ...of, running, byClass, run: dir }));
    return;
  }
  testLines(results, of).forEach(printLine);
  printNext("report", { run: dir });
}

/** Runs the task. */
export function main(args: readonly string[]): Promise<void> {
  return runTask(task, testRun, args);
}

if (import.meta.main) await main(Deno.args);
