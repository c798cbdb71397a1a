/** What TensorBoard is shown of a run: held against the run's own figures, weights and images; gone on with; not written. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { basename, join } from "@std/path";
import { decode } from "fast-png";
import { decodeSafetensors } from "../../../layers/formats/safetensors.ts";
import { predict } from "../../../pipeline/inference/predict.ts";
import { readMetrics, readRunInfo, RUN_FILES, type RunSettings } from "../../../pipeline/runs/folder.ts";
import { loadModel } from "../../../pipeline/runs/model_file.ts";
import type { SessionOptions } from "../../../pipeline/runs/events.ts";
import { runSession } from "../../../pipeline/runs/session.ts";
import { isPoint, mistakeTable, stepSummaries, tensorBoard } from "../../../pipeline/runs/tensorboard.ts";
import { prepare } from "../../../pipeline/training/prepare.ts";
import type { Recipe } from "../../../pipeline/training/recipe.ts";
import { recipes } from "../../../pipeline/training/recipes.ts";
import type { StepReport } from "../../../pipeline/training/train.ts";
import { tree } from "../../../runtime/mod.ts";
import { UserError } from "../../../runtime/system/errors.ts";
import { readEvents, stepsInTensorBoard, type Written } from "../../events.ts";
import { inFolder } from "../../in_folder.ts";
import { madeData } from "../../made_data.ts";
import { leakTest } from "../../runtime/harness.ts";

/** 54 training images in two steps of 27, 6 validation images. */
const data = madeData({ images: 60, testImages: 10, classes: 10, size: 32 });
const recipe: Recipe = {
  ...recipes.fast,
  network: { kind: "fast", cfg: { widths: [4] } },
  training: { ...recipes.fast.training, epochs: 3, batchSize: 27 },
};
const asked: Partial<RunSettings> = { recipe, precision: "float32" };

/** A session, and what it said that it could not write. */
async function session(settings: Partial<RunSettings>, options: SessionOptions): Promise<string[]> {
  const problems: string[] = [];
  await runSession(data, settings, {
    test: false,
    ...options,
    onEvent(event) {
      if (event.kind === "unsaved") problems.push(event.problem);
      options.onEvent?.(event);
    },
  });
  return problems;
}

/** What TensorBoard is shown of two epochs or three, of two steps each, from one on. */
function steps(events: readonly Written[]) {
  const of = (tag: string) => events.filter((event) => event.tag === tag).map(({ step }) => step);
  return { loss: of("loss/train"), accuracy: of("accuracy/validation"), table: of("mistakes/table") };
}
const ALL = { loss: [1, 2, 3, 4, 5, 6], accuracy: [2, 4, 6], table: [2, 4, 6] };

function test(name: string, fn: (root: string) => Promise<void>): void {
  leakTest(name, () => inFolder(fn));
}

test("tensorBoard: a run's own figures, weights and mistakes; the run is the same without", async (root) => {
  const [dir, plain, logs] = [join(root, "a"), join(root, "plain"), join(root, "logs")];
  assertEquals(await session({ ...asked, tensorboard: logs }, { dir }), []);
  await session(asked, { dir: plain });
  const weights = (dir: string) => Deno.readFile(join(dir, RUN_FILES.weights));
  assertEquals(await weights(dir), await weights(plain));
  assertEquals((await readRunInfo(dir)).tensorboard, logs);

  const events = await readEvents(join(logs, basename(dir)));
  assertEquals(steps(events), ALL);
  const values = (tag: string) =>
    events.filter((event) => event.tag === tag).map(({ simpleValue }) => simpleValue!);
  const close = (found: readonly number[], expected: readonly number[]): void => {
    assertEquals(found.length, expected.length);
    found.forEach((value, i) => assertAlmostEquals(value, expected[i], 1e-6)); // float32
  };
  const metrics = await readMetrics(dir);
  const losses = values("loss/train");
  close([0, 2, 4].map((i) => (losses[i] + losses[i + 1]) / 2), metrics.map(({ loss }) => loss));
  close(values("accuracy/validation"), metrics.map(({ validationAccuracy }) => validationAccuracy!));
  close([1, 3, 5].map((i) => values("learning_rate")[i]), metrics.map(({ learningRate }) => learningRate));
  assert(values("images_per_second").every((rate) => rate > 0 && Number.isFinite(rate)));

  const { tensors } = decodeSafetensors(await Deno.readFile(join(dir, RUN_FILES.weights)));
  const histograms = events.filter(({ step, histogram }) => step === 6 && histogram !== undefined);
  const floats = (name: string) => [...tensors[name].data as Float32Array];
  const trained = Object.keys(tensors).filter((name) => !/running_|num_batches/.test(name));
  assertEquals(histograms.map(({ tag }) => tag).sort(), trained.map((name) => `weights/${name}`).sort());
  for (const { tag, histogram } of histograms) {
    const own = floats(tag.replace("weights/", ""));
    assertEquals(histogram!.num, own.length);
    assertEquals([histogram!.min, histogram!.max], [Math.min(...own), Math.max(...own)]);
    assertAlmostEquals(histogram!.sum, own.reduce((sum, value) => sum + value, 0), 1e-4);
  }

  const { validation } = prepare(data, recipe);
  const model = await loadModel(dir);
  const wrong = predict(model, validation!).map(([best], i) => ({ best, image: validation!.indices[i] }))
    .filter(({ best, image }) => best.label !== validation!.labels[image])
    .sort((a, b) => b.best.probability - a.best.probability);
  tree.dispose(model.variables);
  assert(wrong.length > 1, "it makes mistakes");
  const [table] = events.filter(({ step, tag }) => step === 6 && tag === "mistakes/table");
  const rows = wrong.map(({ best: { className, probability }, image }, i) =>
    `| ${i} | ${validation!.classes[validation!.labels[image]]} | ${className} | ${
      (100 * probability).toFixed(1)
    } % |`
  );
  assertEquals(table.text!.split("\n").slice(2), rows);
  const size = 32 * 32 * 3;
  wrong.forEach(({ image }, i) => {
    const shown = events.find(({ step, tag }) => step === 6 && tag === `mistakes/image/${i}`)!;
    const pixels = data.train.images as Uint8Array;
    assertEquals([...decode(shown.png!).data], [...pixels.subarray(image * size, (image + 1) * size)]);
  });
});

test("tensorBoard: killed behind its events and gone on with, every step is there once", async (root) => {
  const [dir, saved, logs] = [join(root, "a"), join(root, "saved"), join(root, "logs")];
  await session({ ...asked, tensorboard: logs }, {
    dir,
    onEvent(event) {
      if (event.kind !== "epoch" || event.report.epoch !== 1) return;
      Deno.mkdirSync(saved);
      for (const name of Object.values(RUN_FILES)) Deno.copyFileSync(join(dir, name), join(saved, name));
    },
  });
  const whole = await readEvents(join(logs, "a"));
  await Deno.remove(dir, { recursive: true });
  await Deno.rename(saved, dir); // the checkpoint of the first epoch, and events of all three
  await new Promise((resolve) => setTimeout(resolve, 1100)); // TensorBoard takes files by the second in their names
  await session({}, { dir, resume: true }); // the run knows its folder

  const all = await readEvents(join(logs, "a"), { all: true });
  assertEquals(steps(all).loss, [1, 2, 3, 4, 5, 6, 3, 4, 5, 6]);
  const events = await readEvents(join(logs, "a"));
  assertEquals(steps(events), ALL);
  const withoutSpeed = (written: readonly Written[]) =>
    written.filter(({ tag }) => tag !== "images_per_second");
  assertEquals(withoutSpeed(events), withoutSpeed(whole));
  const found = await stepsInTensorBoard(join(logs, "a"));
  if (found === undefined) return;
  const { "loss/train": loss, "accuracy/validation": accuracy, "mistakes/table": table } = found;
  assertEquals({ loss, accuracy, table }, ALL);
});

test("tensorBoard: a run that goes on may be given a folder, or another one", async (root) => {
  const [dir, one, other] = [join(root, "a"), join(root, "one"), join(root, "other")];
  const stop = (epoch: number, options: SessionOptions): SessionOptions => {
    const stop = new AbortController();
    const onEvent: SessionOptions["onEvent"] = (event) =>
      event.kind === "epoch" && event.report.epoch === epoch && stop.abort();
    return { ...options, signal: stop.signal, onEvent };
  };
  await session(asked, stop(1, { dir }));
  await session({ tensorboard: one }, stop(2, { dir, resume: true }));
  await session({ tensorboard: other }, { dir, resume: true });
  assertEquals(steps(await readEvents(join(one, "a"))).loss, [3, 4]);
  assertEquals(steps(await readEvents(join(other, "a"))).loss, [5, 6]);
  assertEquals((await readRunInfo(dir)).tensorboard, other);
});

test("tensorBoard: a folder that cannot be written is told, ends nothing and is tried again", async (root) => {
  const [dir, plain, logs] = [join(root, "a"), join(root, "plain"), join(root, "logs")];
  await session(asked, { dir: plain });
  await Deno.writeTextFile(logs, "");
  const problems = await session({ ...asked, tensorboard: logs }, {
    dir,
    onEvent: ({ kind }) => kind === "unsaved" && readMetricsCount(dir) === 2 && Deno.removeSync(logs),
  });
  const problem = `Cannot write TensorBoard's events to ${join(logs, "a")}: ${logs} is not a directory; ` +
    "training goes on, and they are written again after the next epoch";
  assertEquals(problems, [problem, problem, problem]); // at the first step, and after two epochs
  const weights = (dir: string) => Deno.readFile(join(dir, RUN_FILES.weights));
  assertEquals(await weights(dir), await weights(plain));
  // Nothing is written again before an epoch is done: the third one's steps are not there, what came of it is.
  assertEquals(steps(await readEvents(join(logs, "a"))), { loss: [], accuracy: [6], table: [6] });
});

/** Epochs whose metrics are saved. */
function readMetricsCount(dir: string): number {
  try {
    return Deno.readTextFileSync(join(dir, RUN_FILES.metrics)).split("\n").length - 1;
  } catch {
    return 0;
  }
}

/** A step. */
const step = (stepOfEpoch: number, stepsPerEpoch: number): StepReport => ({
  ...{ epoch: 0, stepOfEpoch, stepsPerEpoch, step: stepOfEpoch, totalSteps: stepsPerEpoch },
  ...{ images: 27, loss: 1.5, learningRate: 0.25 },
});

leakTest(
  "tensorBoard: thrown where nobody is told, and nothing is left open",
  () =>
    inFolder(async (root) => {
      const file = join(root, "file");
      await Deno.writeTextFile(file, "");
      using log = tensorBoard(join(file, "logs"));
      assertThrows(() => log.onStep(step(1, 2)), UserError, "Cannot write TensorBoard's events to ");
      log.onStep(step(2, 2)); // nothing is tried before an epoch is done
    }),
);

Deno.test("tensorBoard: at most a hundred points an epoch, evenly spread, the last step among them", () => {
  const points = (steps: number) =>
    Array.from({ length: steps }, (_, i) => i + 1).filter((i) => isPoint(step(i, steps)));
  assertEquals(points(88).length, 88);
  assertEquals(points(101).slice(-3), [97, 99, 101]);
  assertEquals(points(101).length, 51);
  const many = points(2812); // the tutorial's: every 29th
  assertEquals([many.length, many[0], many.at(-1)], [97, 28, 2812]);
});

Deno.test("tensorBoard: what is shown of a step, and a table of mistakes whatever classes are called", () => {
  assertEquals(stepSummaries(step(1, 2)), [
    { kind: "scalar", tag: "loss/train", value: 1.5 },
    { kind: "scalar", tag: "learning_rate", value: 0.25 },
  ]);
  const mistake = { image: 7, label: 0, guess: 1, confidence: 0.9876, probability: 0.01 };
  assertEquals(mistakeTable([mistake], ["a|b", "two\nlines"]).split("\n").slice(2), [
    "| 0 | a\\|b | two\\nlines | 98.8 % |",
  ]);
});
