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
import { recipes } from "../../../pipeline/training/recipes.ts";
import type { EpochReport } from "../../../pipeline/training/train.ts";
import { UsageError, UserError } from "../../../runtime/system/errors.ts";
import { granted } from "../../needs.ts";

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

/** A test with a folder of its own. */
function test(name: string, fn: (dir: string) => Promise<void>): void {
  Deno.test({
    name,
    ignore: !granted("read", "write"),
    async fn(): Promise<void> {
      const dir = await Deno.makeTempDir();
      try {
        await fn(dir);
      } finally {
        await Deno.remove(dir, { recursive: true });
      }
    },
  });
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
  await createRun(dir, info);
  assertEquals(await readRunInfo(dir), info);
  assertEquals(names(dir), ["run.json"]);

  await writeMetrics(dir, [line]);
  await Deno.writeTextFile(join(dir, RUN_FILES.weights), "weights");
  await Deno.writeTextFile(join(dir, RUN_FILES.checkpoint), "checkpoint");
  await Deno.writeTextFile(join(dir, "notes.txt"), "mine");
  await assertRejects(
    () => createRun(dir, { ...info, seed: 8 }),
    UsageError,
    `Cannot start a run in ${dir}: it holds one; go on with --resume ${dir}, start over with --force, or name another`,
  );
  assertEquals(await readRunInfo(dir), info, "nothing has changed");
  assertEquals(names(dir).length, 5);

  await createRun(dir, { ...info, seed: 8 }, { force: true });
  assertEquals((await readRunInfo(dir)).seed, 8);
  assertEquals(names(dir), ["notes.txt", "run.json"], "what is not the run's stays");

  const fresh = join(root, "fresh");
  await createRun(fresh, info, { force: true });
  assertEquals(names(fresh), ["run.json"], "nothing to force");
});

test("createRun: a folder that cannot be written says so", async (root) => {
  const file = join(root, "file");
  await Deno.writeTextFile(file, "");
  await assertRejects(
    () => createRun(join(file, "run"), info),
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

test("readRunInfo: a folder without a run, and a damaged record", async (dir) => {
  const path = join(dir, RUN_FILES.info);
  await assertRejects(
    () => readRunInfo(dir),
    UserError,
    `Cannot read ${path}: no such file or directory; name the folder of a run, such as those in runs/`,
  );
  const { recipe: _, ...rest } = info;
  for (const text of ["", "{", "null", "[]", '"text"', "{}", JSON.stringify(rest)]) {
    await Deno.writeTextFile(path, text);
    await assertRejects(
      () => readRunInfo(dir),
      UserError,
      `Cannot read ${path}: it is not the record of a run; name another run`,
      text,
    );
  }
});

test("latestRun: of the runs that have weights, the one begun last", async (root) => {
  const none =
    `Cannot find a trained run in ${root}: run "deno task train" first, or name one with --run DIR`;
  await assertRejects(() => latestRun(join(root, "none")), UserError, "Cannot find a trained run in");
  await assertRejects(() => latestRun(root), UserError, none);
  const begin = async (name: string, started: string, trained: boolean) => {
    await createRun(join(root, name), { ...info, started });
    if (trained) await Deno.writeTextFile(join(root, name, RUN_FILES.weights), "");
  };
  await begin("z", "2026-01-01T00:00:00.000Z", true);
  await begin("untrained", "2026-03-01T00:00:00.000Z", false);
  await Deno.writeTextFile(join(root, "file"), "");
  assertEquals(await latestRun(root), join(root, "z"));
  await begin("a", "2026-02-01T00:00:00.000Z", true);
  assertEquals(await latestRun(root), join(root, "a"));
});
