/** `deno task test-accuracy`: how good a trained run is on the test images. */
import { join } from "@std/path";
import { limit } from "../pipeline/data/mod.ts";
import { checkClasses, latestRun, loadWeights, readRunInfo, RUN_FILES } from "../pipeline/runs/mod.ts";
import { modelFor, prepare, testResults } from "../pipeline/training/mod.ts";
import { configure, tf, UserError } from "../runtime/mod.ts";
import { taskSummary } from "../runtime/system/package.ts";
import { testLines } from "./cli/accuracy_lines.ts";
import { cifarOf, picturesIn, picturesOf } from "./cli/data.ts";
import { printNext } from "./cli/next.ts";
import { dataFlag, precisionFlag, runFlag, runTask, type Values } from "./cli/task.ts";
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
    data: {
      type: "string",
      placeholder: "DIR",
      help: "folder of the data set (default: the run's)",
    },
  },
  examples: ["", "--run runs/fast-20261125-093000 --tta"],
} as const;

async function testRun({ run, tta, json, data, precision }: Values<typeof task.flags>): Promise<void> {
  const progress = terminalProgress(json);
  const dir = run ?? await latestRun("runs", progress);
  const { recipe, ...trained } = await readRunInfo(dir);
  const from = data ?? trained.data ?? dataFlag.default;
  const folder = await picturesIn(from);
  const cifar = folder === undefined ? await cifarOf(from, progress) : undefined;
  configure({ progress });
  await tf.ready();
  const loaded = cifar ?? await picturesOf(folder!, recipe, { strict: false, progress });
  checkClasses(trained, loaded, `Cannot test ${dir}`);
  if (trained.digest !== loaded.digest) {
    progress.message(`The images in ${from} are not all those that ${dir} was begun with`);
  }
  const prepared = prepare(trained.limit === undefined ? loaded : limit(trained.limit)(loaded), recipe);
  const part = prepared.test === undefined ? "validation" : "test";
  const test = prepared[part];
  if (test === undefined) {
    throw new UserError(`Cannot test ${dir}: ${from} has neither test nor validation images for it`);
  }
  const model = modelFor(recipe.network, test);
  const variables = await loadWeights(join(dir, RUN_FILES.weights), model, progress);
  // One figure, as it was asked for: the recipe's own test-time augmentation is the end of its training's.
  const asked = { ...recipe.testing, tta: false };
  const results = testResults(model, variables, test, asked, {
    precision: precision ?? trained.precision,
    progress,
    tta,
    byClass: loaded.digest !== undefined,
  });
  const { running, byClass } = results;
  const more = { part: part === "test" ? undefined : part, running, byClass };
  if (json) {
    console.log(JSON.stringify({ ...results.test, ...more, tta, run: dir }));
    return;
  }
  testLines(results, { tta, part }).forEach(printLine);
  printNext("report", { run: dir });
}

/** Runs the task. */
export function main(args: readonly string[]): Promise<void> {
  return runTask(task, testRun, args);
}

if (import.meta.main) await main(Deno.args);
