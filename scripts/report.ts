/** `deno task report`: one page about a trained run, to look at. */
import { basename, join, relative, resolve } from "@std/path";
import { parameterCount } from "../layers/mod.ts";
import { classCounts, type Dataset } from "../pipeline/data/mod.ts";
import { answersOf, confidentMistakes, evaluationOf } from "../pipeline/inference/mod.ts";
import { picturedMistakes, stripOf } from "../pipeline/reports/page_pictures.ts";
import { repetition } from "../pipeline/reports/repeat.ts";
import { reportHtml } from "../pipeline/reports/report.ts";
import { loadWeights, RUN_FILES } from "../pipeline/runs/mod.ts";
import { modelFor } from "../pipeline/training/mod.ts";
import { choosePrecision, tf } from "../runtime/mod.ts";
import { formatBytes } from "../runtime/system/bytes.ts";
import { explainFileErrors } from "../runtime/system/file_errors.ts";
import { writeFileAtomic } from "../runtime/system/files.ts";
import { taskSummary } from "../runtime/system/package.ts";
import type { ImageOptions } from "./cli/data.ts";
import { printNext } from "./cli/next.ts";
import { loadRun, runDataFlag } from "./cli/run_data.ts";
import { precisionFlag, runFlag, runTask, type Values } from "./cli/task.ts";
import { terminalProgress } from "./cli/terminal.ts";

/** The task and its flags. */
export const reportTask = {
  name: "report",
  summary: taskSummary("report"),
  flags: {
    run: runFlag,
    out: {
      type: "string",
      placeholder: "FILE.html",
      help: "the page (default: report.html in the run's folder)",
    },
    precision: { ...precisionFlag, help: `${precisionFlag.help} (default: the run's)` },
    data: runDataFlag,
  },
  examples: ["", "--run runs/fast-20261125-093000"],
} as const;

/** How many mistakes are shown. */
const MISTAKES = 24;

/** Training images of a class side by side. */
const IN_STRIP = 8;

/** The most training images shown in all, so that a page of many classes stays small. */
const PICTURES = 400;

/**
 * Writes the page.
 * @param images How the images are loaded, where it is not as usual.
 */
export async function writeReport(
  { run, out, data, precision: asked }: Values<typeof reportTask.flags>,
  images: Partial<ImageOptions> = {},
): Promise<void> {
  const progress = terminalProgress();
  const reported = await loadRun({ run, data }, "Cannot report on", { progress, ...images });
  const { dir, info, metrics, bestEpoch, part, images: asking, data: { train, validation, test } } = reported;
  const { recipe } = info;
  const model = modelFor(recipe.network, train);
  const variables = await loadWeights(join(dir, RUN_FILES.weights), model, progress);
  const trained = { ...asking, model, variables };
  const precision = choosePrecision(asked ?? info.precision);
  const options = { precision, batchSize: recipe.testing.batchSize, progress };
  const answers = answersOf(trained, asking, options);
  const { mistakes, mapKind } = await picturedMistakes(trained, asking, confidentMistakes(answers, MISTAKES));
  tf.dispose([variables.params, variables.batchStats]);

  const page = await reportHtml({
    ...{ run: basename(resolve(dir)), info, metrics, part, bestEpoch, precision, answers, mapKind },
    network: { name: model.name, parameters: parameterCount(model), input: model.input.shape },
    classes: train.classes,
    mistakes: mistakes.map(({ file, ...mistake }) => ({
      ...mistake,
      ...(file !== undefined && { file: relative(reported.from, file) }),
    })),
    counts: {
      training: classCounts(train),
      ...(validation && { validation: classCounts(validation) }),
      ...(test && { test: classCounts(test) }),
    },
    pictures: await strips(train),
    repetition: repetition(info),
  });
  const path = out ?? join(dir, "report.html");
  await explainFileErrors(
    `Cannot write ${path}`,
    "choose another file with --out",
    () => writeFileAtomic(path, page),
  );
  const { accuracy, images: count } = evaluationOf(answers);
  console.log(
    `Wrote ${path}: ${(100 * accuracy).toFixed(2)} % of the ${count} ${part} images, ${
      formatBytes(page.length)
    }`,
  );
  printNext("predict", { run: dir }, "photo.jpg");
}

/** The first training images of each class side by side, by class number; of many classes, of the first ones. */
async function strips(train: Dataset): Promise<(Uint8Array | undefined)[]> {
  const count = Math.min(IN_STRIP, Math.max(1, Math.floor(PICTURES / train.classes.length)));
  const strips: (Uint8Array | undefined)[] = [];
  for (const members of firstOfEach(train, count).slice(0, PICTURES)) {
    strips.push(members.length === 0 ? undefined : await stripOf(train, members, IN_STRIP));
  }
  return strips;
}

/** The first members of each class, as positions in the store, by class number. */
function firstOfEach({ indices, labels, classes }: Dataset, count: number): number[][] {
  const first = classes.map((): number[] => []);
  for (const index of indices) if (first[labels[index]].length < count) first[labels[index]].push(index);
  return first;
}

/** Runs the task. */
export function main(args: readonly string[]): Promise<void> {
  return runTask(reportTask, (flags) => writeReport(flags), args);
}

if (import.meta.main) await main(Deno.args);
