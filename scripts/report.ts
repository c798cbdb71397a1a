/** `deno task report`: one page about a trained run, to look at. */
import { basename, join, resolve } from "@std/path";
import { parameterCount } from "../layers/mod.ts";
import { classCounts, type Data, type Dataset, limit } from "../pipeline/data/mod.ts";
import { answersOf, confidentMistakes, evaluationOf } from "../pipeline/inference/mod.ts";
import { contactSheet, firstImages } from "../pipeline/reports/contact_sheet.ts";
import { repetition } from "../pipeline/reports/repeat.ts";
import { reportHtml } from "../pipeline/reports/report.ts";
import { latestRun, loadWeights, readMetrics, readRunInfo, RUN_FILES } from "../pipeline/runs/mod.ts";
import { modelFor, prepare } from "../pipeline/training/mod.ts";
import { choosePrecision, configure, tf, UserError } from "../runtime/mod.ts";
import { formatBytes } from "../runtime/system/bytes.ts";
import { explainFileErrors } from "../runtime/system/file_errors.ts";
import { writeFileAtomic } from "../runtime/system/files.ts";
import { taskSummary } from "../runtime/system/package.ts";
import type { Progress } from "../runtime/system/progress.ts";
import { cifarOf } from "./cli/data.ts";
import { printNext } from "./cli/next.ts";
import { dataFlag, precisionFlag, runFlag, runTask, type Values } from "./cli/task.ts";
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
    data: {
      type: "string",
      placeholder: "DIR",
      help: "folder of the data set (default: the run's)",
    },
  },
  examples: ["", "--run runs/fast-20261125-093000"],
} as const;

/** How many mistakes are shown. */
const MISTAKES = 24;

/** Training images of a class side by side. */
const IN_STRIP = 8;

/** The most training images shown in all, so that a page of many classes stays small. */
const PICTURES = 400;

/** The longest side of an image of a class, and of one that was taken for something else, in pixels. */
const [STRIP_SIDE, MISTAKE_SIDE] = [48, 160];

/**
 * Writes the page.
 * @param load Gives the images of a data folder, and starts the runtime.
 */
export async function writeReport(
  { run, out, data, precision: asked }: Values<typeof reportTask.flags>,
  load: (dir: string, progress: Progress) => Promise<Data>,
): Promise<void> {
  const progress = terminalProgress();
  const dir = run ?? await latestRun("runs", progress);
  const [info, metrics] = [await readRunInfo(dir), await readMetrics(dir)];
  const { recipe } = info;
  const loaded = await load(data ?? info.data ?? dataFlag.default, progress);
  const { train, validation, test } = prepare(
    info.limit === undefined ? loaded : limit(info.limit)(loaded),
    recipe,
  );
  const asking = test ?? validation;
  if (asking === undefined) {
    throw new UserError(`Cannot report on ${dir}: its data set has neither test nor validation images`);
  }
  const model = modelFor(recipe.network, train);
  const variables = await loadWeights(join(dir, RUN_FILES.weights), model, progress);
  const precision = choosePrecision(asked ?? info.precision);
  const options = { precision, batchSize: recipe.testing.batchSize, progress };
  const answers = answersOf({ ...asking, model, variables }, asking, options);
  tf.dispose([variables.params, variables.batchStats]);

  const { classes } = train;
  const perClass = Math.min(IN_STRIP, Math.max(1, Math.floor(PICTURES / classes.length)));
  const page = await reportHtml({
    run: basename(resolve(dir)),
    info,
    metrics,
    network: { name: model.name, parameters: parameterCount(model), input: model.input.shape },
    classes,
    part: test === undefined ? "validation" : "test",
    precision,
    answers,
    mistakes: confidentMistakes(answers, MISTAKES).map((mistake) => ({
      ...mistake,
      png: pictureOf(asking, asking.indices.subarray(mistake.image, mistake.image + 1), MISTAKE_SIDE),
    })),
    counts: {
      training: classCounts(train),
      ...(validation && { validation: classCounts(validation) }),
      ...(test && { test: classCounts(test) }),
    },
    pictures: firstOfEach(train, perClass).slice(0, PICTURES).map((members) =>
      members.length === 0 ? undefined : pictureOf(train, members, STRIP_SIDE, IN_STRIP)
    ),
    repetition: repetition(info),
  });
  const path = out ?? join(dir, "report.html");
  await explainFileErrors(
    `Cannot write ${path}`,
    "choose another file with --out",
    () => writeFileAtomic(path, page),
  );
  const { accuracy, images } = evaluationOf(answers);
  const part = test === undefined ? "validation" : "test";
  console.log(
    `Wrote ${path}: ${(100 * accuracy).toFixed(2)} % of the ${images} ${part} images, ${
      formatBytes(page.length)
    }`,
  );
  printNext("predict", { run: dir }, "photo.jpg");
}

/** The first members of each class, as positions in the store, by class number. */
function firstOfEach({ indices, labels, classes }: Dataset, count: number): Uint32Array[] {
  return classes.map((_, label) => indices.filter((index) => labels[index] === label).subarray(0, count));
}

/** Images as they are stored, side by side: a PNG file. */
function pictureOf(dataset: Dataset, indices: Uint32Array, most: number, columns = 1): Uint8Array {
  const [height, width] = dataset.imageShape;
  const images = firstImages({ ...dataset, indices, transforms: [] }, indices.length);
  const side = Math.max(height, width) > most ? most : undefined;
  return contactSheet(images, { range: [0, 255], columns, gap: 0, side });
}

async function load(dir: string, progress: Progress): Promise<Data> {
  const loaded = await cifarOf(dir, progress);
  configure({ progress });
  await tf.ready();
  return loaded;
}

/** Runs the task. */
export function main(args: readonly string[]): Promise<void> {
  return runTask(reportTask, (flags) => writeReport(flags, load), args);
}

if (import.meta.main) await main(Deno.args);
