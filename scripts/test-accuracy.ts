/** `deno task test-accuracy`: how good a trained run is on the test images. */
import { join } from "@std/path";
import { latestRun, loadWeights, readRunInfo, RUN_FILES } from "../pipeline/runs/mod.ts";
import { modelFor, prepare, testResults } from "../pipeline/training/mod.ts";
import { configure, tf } from "../runtime/mod.ts";
import { testLines } from "./cli/accuracy_lines.ts";
import { cifarOf } from "./cli/data.ts";
import { dataFlag, precisionFlag, runFlag, runTask, type Values } from "./cli/task.ts";
import { terminalProgress } from "./cli/terminal.ts";

const task = {
  name: "test-accuracy",
  summary: "Evaluates a trained run on the 10,000 test images.",
  flags: {
    run: runFlag,
    tta: {
      type: "boolean",
      help: "test-time augmentation: mean of the logits of six views, mirrored and moved by a pixel",
    },
    precision: { ...precisionFlag, help: `${precisionFlag.help} (default: the run's)` },
    json: { type: "boolean", help: "one JSON object instead of the sentence" },
    data: dataFlag,
  },
  examples: ["", "--run runs/fast-20261125-093000 --tta"],
} as const;

async function testRun({ run, tta, json, data, precision }: Values<typeof task.flags>): Promise<void> {
  const progress = terminalProgress(json);
  const dir = run ?? await latestRun("runs", progress);
  const { recipe, ...trained } = await readRunInfo(dir);
  const loaded = await cifarOf(data, progress);
  configure({ progress });
  await tf.ready();
  const { test } = prepare(loaded, recipe);
  const model = modelFor(recipe.network, test!);
  const variables = await loadWeights(join(dir, RUN_FILES.weights), model, progress);
  // One figure, as it was asked for: the recipe's own test-time augmentation is the end of its training's.
  const asked = { ...recipe.testing, tta: false };
  const results = testResults(model, variables, test!, asked, {
    precision: precision ?? trained.precision,
    progress,
    tta,
  });
  if (json) console.log(JSON.stringify({ ...results.test, running: results.running, tta, run: dir }));
  else testLines(results, { tta }).forEach((line) => console.log(line));
}

/** Runs the task. */
export function main(args: readonly string[]): Promise<void> {
  return runTask(task, testRun, args);
}

if (import.meta.main) await main(Deno.args);
