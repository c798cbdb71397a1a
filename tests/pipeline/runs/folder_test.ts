/** Run folders. */
import { assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import {
  createRun,
  type EpochMetrics,
  epochMetrics,
  latestRun,
  readMetrics,
  readRunInfo,
  RUN_FILES,
  type RunInfo,
  runName,
  writeMetrics,
  writeRunInfo,
} from "../../../pipeline/runs/folder.ts";
import { ownFolder } from "../../../pipeline/runs/owner.ts";
import { recipes } from "../../../pipeline/training/recipes.ts";
import type { EpochReport } from "../../../pipeline/training/train.ts";
import { UsageError, UserError } from "../../../runtime/system/errors.ts";
import { folderTest as test } from "../../in_folder.ts";
import { recorder } from "../../runtime/made_packages.ts";

const info: RunInfo = {
  recipe: recipes.tutorial,
  seed: 7,
  precision: "bfloat16",
  limit: 200,
  cpu: { model: "Abacus", instructions: "beads", cores: 2 },
  versions: { deno: "2.9.6" },
  started: "2026-11-25T09:30:00.000Z",
};

const line: EpochMetrics = {
  epoch: 1,
  step: 704,
  seconds: 12.345,
  imagesPerSecond: 6.8,
  loss: 1.2345678901234567,
  lastLoss: 0.1 + 0.2,
  validationAccuracy: 0.5668,
  learningRate: 0.01,
};

/** Begins a run in a folder and lets go of it. */
async function begin(dir: string, info: RunInfo, options?: { force: boolean }): Promise<void> {
  await using folder = await ownFolder(dir);
  await createRun(folder, info, options);
}

const names = (dir: string): string[] => [...Deno.readDirSync(dir)].map(({ name }) => name).sort();

Deno.test("runName: recipe and time, to be sorted", () => {
  assertEquals(runName("fast", new Date("2026-11-25T09:30:07.899Z")), "fast-20261125-093007");
  assertEquals(runName("resnet20", new Date("2026-01-02T00:00:00Z")), "resnet20-20260102-000000");
});

Deno.test("epochMetrics: the line of an epoch, with and without validation", () => {
  const { loss, lastLoss, learningRate } = line;
  const evaluation = { accuracy: 0.5668, correct: 2834, images: 5000, loss: 1.2 };
  const report: EpochReport = {
    epoch: 1,
    epochs: 20,
    step: 704,
    loss,
    lastLoss,
    learningRate,
    validation: evaluation,
  };
  const times = { seconds: 12.34549, imagesPerSecond: 6.7512 };
  assertEquals(epochMetrics(report, times), line);
  const both = { ...report, validationRunning: { ...evaluation, accuracy: 0.55 } };
  assertEquals(epochMetrics(both, times), { ...line, validationAccuracyRunning: 0.55 });
  const none = { ...report, validation: undefined };
  assertEquals(epochMetrics(none, times), { ...line, validationAccuracy: null });
});

test("createRun: writes run.json, refuses a folder that holds a run, empties it when forced", async (root) => {
  const dir = join(root, "runs", "a");
  await begin(dir, info);
  assertEquals(await readRunInfo(dir), info);
  assertEquals(names(dir), ["run.json"]);

  await writeMetrics(dir, [line]);
  await Deno.writeTextFile(join(dir, RUN_FILES.weights), "weights");
  await Deno.writeTextFile(join(dir, RUN_FILES.checkpoint), "checkpoint");
  await Deno.writeTextFile(join(dir, "notes.txt"), "mine");
  await assertRejects(
    () => begin(dir, { ...info, seed: 8 }),
    UsageError,
    `Cannot start a run in ${dir}: it holds one; go on with --resume ${dir}, start over with --force, or name another`,
  );
  assertEquals(await readRunInfo(dir), info, "nothing has changed");
  assertEquals(names(dir).length, 5);

  await begin(dir, { ...info, seed: 8 }, { force: true });
  assertEquals((await readRunInfo(dir)).seed, 8);
  assertEquals(names(dir), ["notes.txt", "run.json"], "what is not the run's stays");

  const fresh = join(root, "fresh");
  await begin(fresh, info, { force: true });
  assertEquals(names(fresh), ["run.json"], "nothing to force");
});

test("createRun: a folder that cannot be written says so", async (root) => {
  const file = join(root, "file");
  await Deno.writeTextFile(file, "");
  await assertRejects(
    () => begin(join(file, "run"), info),
    UserError,
    `Cannot write the run ${join(file, "run")}: not a directory; choose another folder with --run`,
  );
});

test("run.json and metrics.jsonl come back as they were", async (dir) => {
  const done: RunInfo = {
    ...info,
    test: { accuracy: 0.8393, correct: 8393, images: 10_000, loss: 0.1 + 0.2 },
  };
  await writeRunInfo(dir, done);
  assertEquals(await readRunInfo(dir), done);
  assertEquals(await readMetrics(dir), [], "none yet");
  const lines = [line, { ...line, epoch: 2, validationAccuracy: null, validationAccuracyRunning: 1 / 3 }];
  await writeMetrics(dir, lines);
  assertEquals(await readMetrics(dir), lines);
  const text = await Deno.readTextFile(join(dir, RUN_FILES.metrics));
  assertEquals(text.split("\n").map((text) => text[0]), ["{", "{", undefined], "a line an epoch");
});

test("run.json: a test loss that is not finite comes back as NaN", async (dir) => {
  for (const loss of [NaN, Infinity]) {
    const test = { accuracy: 0.1, correct: 1, images: 10, loss };
    await writeRunInfo(dir, { ...info, test });
    assertEquals(await readRunInfo(dir), { ...info, test: { ...test, loss: NaN } });
  }
});

test("run.json and metrics.jsonl: a byte order mark and other line ends are taken", async (dir) => {
  await writeRunInfo(dir, info);
  await writeMetrics(dir, [line, { ...line, epoch: 2 }]);
  for (const file of [RUN_FILES.info, RUN_FILES.metrics]) {
    const text = await Deno.readTextFile(join(dir, file));
    await Deno.writeTextFile(join(dir, file), "\ufeff" + text.replaceAll("\n", "\r\n") + "\r\n");
  }
  assertEquals(await readRunInfo(dir), info);
  assertEquals(await readMetrics(dir), [line, { ...line, epoch: 2 }]);
});

test("run.json: every precision is remembered", async (dir) => {
  for (const precision of ["float32", "tf32", "bfloat16"] as const) {
    await writeRunInfo(dir, { ...info, precision });
    assertEquals((await readRunInfo(dir)).precision, precision);
  }
});

test("readRunInfo: a folder without a run, and a record that is none", async (dir) => {
  const path = join(dir, RUN_FILES.info);
  await assertRejects(
    () => readRunInfo(dir),
    UserError,
    `Cannot read ${path}: no such file or directory; name the folder of a run, such as those in runs/`,
  );
  const { recipe: _, ...rest } = info;
  const names =
    "recipe, seed, precision, limit, init, threads, device, xla, syncBatchNorm, data, tensorboard, cpu, versions, version, commit, " +
    "started, skipTest, epochs, classes, digest, test, validation, byClass, testTta";
  const cases: [text: string, problem: string][] = [
    ["", "it is not JSON (Unexpected end of JSON input)"],
    ["{", "it is not JSON (Expected property name or '}' in JSON at position 1 (line 1 column 2))"],
    ["null", `it is null: expected an object with ${names}`],
    ["[]", `it is an empty list: expected an object with ${names}`],
    ['"text"', `it is "text": expected an object with ${names}`],
    ["{}", "recipe is missing"],
    [JSON.stringify(rest), "recipe is missing"],
    [JSON.stringify([info]), `it is a list of 1: expected an object with ${names}`],
  ];
  for (const [text, problem] of cases) {
    await Deno.writeTextFile(path, text);
    const { message } = await assertRejects(() => readRunInfo(dir), UserError);
    assertEquals(message, `Cannot read ${path}: ${problem}; mend the file, or name another run`, text);
  }
});

/** The record with something else at a place, as its text. */
function edited(place: string, value: unknown): string {
  const test = { accuracy: 0.5, correct: 1, images: 2, loss: 1 };
  const record = JSON.parse(JSON.stringify({ ...info, test }));
  const keys = place.split(".");
  const last = keys.pop()!;
  keys.reduce((at, key) => at[key], record)[last] = value;
  return JSON.stringify(record);
}

test("readRunInfo: a field that was edited into what it cannot be is named", async (dir) => {
  const path = join(dir, RUN_FILES.info);
  const cases: [place: string, value: unknown, problem: string][] = [
    [
      "recipe.training.optimizer.kind",
      "adam",
      'recipe.training.optimizer.kind is "adam": did you mean "adamw"? expected one of sgd, muon, adamw',
    ],
    [
      "precision",
      "float16",
      'precision is "float16": did you mean "bfloat16"? expected one of float32, tf32, bfloat16',
    ],
    ["precision", "auto", 'precision is "auto": expected one of float32, tf32, bfloat16'],
    ["device", "tpu", 'device is "tpu": did you mean "cpu"? expected one of cpu, gpu'],
    [
      "recipe.training.schedule.rate",
      "0.1",
      'recipe.training.schedule.rate is "0.1": expected a number of at least 0',
    ],
    [
      "recipe.training.epoch",
      3,
      'recipe.training.epoch is not a field: did you mean "epochs"? there are epochs, batchSize, optimizer, ' +
      "schedule, scheduleBatch, labelSmoothing, classWeights, lookahead, whiten, frozen, freeze, precision",
    ],
    [
      "sede",
      3,
      'sede is not a field: did you mean "seed"? there are recipe, seed, precision, limit, init, threads, device, ' +
      "xla, syncBatchNorm, data, tensorboard, cpu, versions, version, commit, started, skipTest, epochs, classes, digest, test, validation, byClass, testTta",
    ],
    ["seed", -1, "seed is -1: expected a whole number from 0 to 2147483647"],
    ["seed", 2 ** 31, "seed is 2147483648: expected a whole number from 0 to 2147483647"],
    ["seed", null, "seed is null: expected a whole number from 0 to 2147483647"],
    ["limit", 0, "limit is 0: expected a whole number of at least 1"],
    ["threads", 1.5, "threads is 1.5: expected a whole number from 1 to 1024"],
    ["threads", 2 ** 31, "threads is 2147483648: expected a whole number from 1 to 1024"],
    [
      "test",
      { accuracy: 2, correct: 1, images: 1, loss: 0 },
      "test.accuracy is 2: expected a number from 0 to 1",
    ],
    ["test", {}, "test.accuracy is missing"],
    ["test.loss", "0.5", 'test.loss is "0.5": expected a number'],
    ["cpu.cores", "two", 'cpu.cores is "two": expected a number'],
    ["versions.deno", 2, "versions.deno is 2: expected a text"],
    ["recipe.transforms", {}, "recipe.transforms is an object: expected a list"],
    ["recipe.network.depths", [3, 0], "recipe.network.depths.1 is 0: expected a whole number from 1 to 1000"],
    [
      "recipe",
      [],
      "recipe is an empty list: expected an object with name, about, network, transforms, " +
      "validation, training, testing, stopping",
    ],
  ];
  for (const [place, value, problem] of cases) {
    await Deno.writeTextFile(path, edited(place, value));
    const { message } = await assertRejects(() => readRunInfo(dir), UserError);
    assertEquals(message, `Cannot read ${path}: ${problem}; mend the file, or name another run`);
  }
});

test("readMetrics: a line that is none of an epoch is named, with its field", async (dir) => {
  const path = join(dir, RUN_FILES.metrics);
  const good = JSON.stringify(line);
  const { loss: _, ...without } = line;
  const cases: [text: string, problem: string][] = [
    [JSON.stringify({ ...line, loss: "1.5" }), 'loss is "1.5": expected a number'],
    [JSON.stringify({ ...line, loss: NaN }), "loss is null: expected a number"],
    [JSON.stringify(without), "loss is missing"],
    [
      JSON.stringify({ ...line, validationAccuracy: 56.68 }),
      "validationAccuracy is 56.68: expected a number from 0 to 1",
    ],
    [good.slice(0, -12), "it is not JSON ("],
    [good + good, "it is not JSON ("],
    [`[${good}]`, "it is a list of 1: expected an object with epoch, step, seconds, "],
  ];
  for (const [text, problem] of cases) {
    await Deno.writeTextFile(path, `${good}\n${text}\n`);
    const { message } = await assertRejects(() => readMetrics(dir), UserError);
    const begin = `Cannot read ${path}, line 2: ${problem}`;
    assertEquals(message.slice(0, begin.length), begin);
    assertEquals(message.endsWith("; mend the line, or take it out"), true, message);
    assertEquals(message.includes("\n"), false);
  }
});

test("latestRun: of the runs that have weights, the one begun last", async (root) => {
  const none =
    `Cannot find a trained run in ${root}: run "deno task train" first, or name one with --run DIR`;
  await assertRejects(() => latestRun(join(root, "none")), UserError, "Cannot find a trained run in");
  await assertRejects(() => latestRun(root), UserError, none);
  const add = async (name: string, started: string, trained: boolean) => {
    await begin(join(root, name), { ...info, started });
    if (trained) await Deno.writeTextFile(join(root, name, RUN_FILES.weights), "");
  };
  await add("z", "2026-01-01T00:00:00.000Z", true);
  await add("untrained", "2026-03-01T00:00:00.000Z", false);
  await Deno.writeTextFile(join(root, "file"), "");
  assertEquals(await latestRun(root), join(root, "z"));
  await add("a", "2026-02-01T00:00:00.000Z", true);
  assertEquals(await latestRun(root), join(root, "a"));
});

test("latestRun: what is no run or a broken one spoils nothing, and links are followed", async (root) => {
  const runs = join(root, "runs");
  const add = async (dir: string, started: string) => {
    await begin(dir, { ...info, started });
    await Deno.writeTextFile(join(dir, RUN_FILES.weights), "");
  };
  await add(join(runs, "good"), "2026-01-01T00:00:00.000Z");
  await Deno.mkdir(join(runs, "pretrained"));
  await Deno.writeTextFile(join(runs, "pretrained", RUN_FILES.weights), "downloaded");
  await add(join(runs, "old"), "2026-05-01T00:00:00.000Z");
  await Deno.writeTextFile(join(runs, "old", RUN_FILES.info), "{");
  await Deno.symlink("nowhere", join(runs, "dangling"));
  await Deno.symlink("loop", join(runs, "loop"));
  await Deno.mkdir(join(runs, "folders", RUN_FILES.info), { recursive: true });
  await Deno.mkdir(join(runs, "folders", RUN_FILES.weights));
  const said = recorder();
  assertEquals(await latestRun(runs, said), join(runs, "good"));
  assertEquals(said.lines.map((line) => line.replace(/ \(Expected.+?\);/, ";")), [
    `Leaving out ${join(runs, "folders")}: Cannot read ${
      join(runs, "folders", "run.json")
    }: is a directory; ` +
    "name the folder of a run, such as those in runs/",
    `Leaving out ${join(runs, "loop")}: too many levels of symbolic links`,
    `Leaving out ${join(runs, "old")}: Cannot read ${join(runs, "old", "run.json")}: it is not JSON; ` +
    "mend the file, or name another run",
  ]);

  await add(join(root, "disk", "far"), "2026-02-01T00:00:00.000Z");
  await Deno.symlink(join(root, "disk", "far"), join(runs, "linked"));
  assertEquals(await latestRun(runs), join(runs, "linked"), "the latest is a link to another disk");

  await Deno.symlink(runs, join(root, "link"));
  assertEquals(
    await latestRun(join(root, "link")),
    join(root, "link", "linked"),
    "runs may be a link itself",
  );

  const { message } = await assertRejects(() => latestRun(join(runs, "good", RUN_FILES.weights)), UserError);
  assertEquals(
    message,
    `Cannot look into ${join(runs, "good", RUN_FILES.weights)}: not a directory; name a run with --run DIR`,
  );
});
