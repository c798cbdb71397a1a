/** A session from its start to its results, told to stop, gone on with, failing: what it says, in order, and leaves. */
import { assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { decodeSafetensors, encodeSafetensors } from "../../../layers/formats/safetensors.ts";
import type { Data } from "../../../pipeline/data/dataset.ts";
import { readMetrics, readRunInfo, RUN_FILES, type RunSettings } from "../../../pipeline/runs/folder.ts";
import { ownFolder } from "../../../pipeline/runs/owner.ts";
import type { SessionEvent, SessionOptions } from "../../../pipeline/runs/events.ts";
import { runSession } from "../../../pipeline/runs/session.ts";
import type { Recipe } from "../../../pipeline/training/recipe.ts";
import { recipes } from "../../../pipeline/training/recipes.ts";
import type { TestResults } from "../../../pipeline/training/test_results.ts";
import { runtimeInfo } from "../../../runtime/mod.ts";
import { UsageError, UserError } from "../../../runtime/system/errors.ts";
import { madeData } from "../../made_data.ts";
import { leakTest } from "../../runtime/harness.ts";
import { Recorder } from "../recorder.ts";
import { inFolder } from "../../in_folder.ts";

const data = madeData({ images: 60, testImages: 20, classes: 10, size: 32 });

/** `fast`, narrow: 54 training images in steps of 27, 6 validation images. */
const recipe: Recipe = {
  ...recipes.fast,
  network: { kind: "fast", cfg: { widths: [4] } },
  training: { ...recipes.fast.training, epochs: 2, batchSize: 27 },
};
const asked: Partial<RunSettings> = { recipe, precision: "float32" };

/** The recipe, trained for some epochs. */
function lasting(epochs: number): Recipe {
  return { ...recipe, training: { ...recipe.training, epochs } };
}

/** Runs a session and writes down what it says. `stopAfter`: the epoch after which it is told to stop. */
async function told(settings: Partial<RunSettings>, options: SessionOptions, stopAfter?: number) {
  const stop = new AbortController();
  const said: unknown[] = [];
  let results: TestResults | undefined;
  const end = await runSession(data, settings, {
    signal: stop.signal,
    onEvent(event) {
      switch (event.kind) {
        case "start": {
          const { images, stepsPerEpoch, resumedAt } = event.start;
          return said.push(["start", images, stepsPerEpoch, resumedAt]);
        }
        case "epoch":
          said.push(["epoch", event.report.epoch, event.report.step]);
          return event.report.epoch === stopAfter && stop.abort();
        case "trained":
          return said.push(["trained", event.weights]);
        case "tested":
          results = event.results;
          return said.push(["test", results.test.images]);
      }
    },
    ...options,
  });
  return { said, end, results };
}

/** A test with a folder of its own that leaves no tensor and no handle behind. */
function test(name: string, fn: (root: string) => Promise<void>): void {
  leakTest(name, () => inFolder(fn));
}

const names = (dir: string): string[] => [...Deno.readDirSync(dir)].map(({ name }) => name).sort();

/** The bytes of the weights that a run has come to. */
const weightsOf = (dir: string): Promise<Uint8Array> => Deno.readFile(join(dir, RUN_FILES.weights));

test("session: stopped by its signal, gone on with, tested; leaves no tensor behind", async (root) => {
  const dir = join(root, "run");
  const first = await told(asked, { dir }, 1);
  assertEquals(first.said, [["start", 54, 2, undefined], ["epoch", 1, 2]]);
  assertEquals(first.end, { dir, step: 2, totalSteps: 4 });
  assertEquals(names(dir), Object.values(RUN_FILES).sort());
  assertEquals((await readRunInfo(dir)).test, undefined);

  const weights = join(dir, RUN_FILES.weights);
  const second = await told({}, { dir, resume: true });
  assertEquals(second.said, [["start", 54, 2, 2], ["epoch", 2, 4], ["trained", weights], ["test", 20]]);
  assertEquals(second.end, { dir, step: 4, totalSteps: 4 });
  assertEquals((await readRunInfo(dir)).test, second.results?.test);

  const third = await told({ ...asked, recipe: lasting(1) }, { dir, force: true, test: false });
  assertEquals(third.said, [["start", 54, 2, undefined], ["epoch", 1, 2], ["trained", weights]]);
});

test("session: a run that is gone on with stays in its folder, which has to be named", async (root) => {
  const dir = join(root, "run");
  await told({ ...asked, recipe: lasting(1) }, { dir, test: false });
  const before = await weightsOf(dir);
  await assertRejects(
    () => told({}, { dir, resume: true, force: true }),
    UsageError,
    `Cannot resume ${dir} and start over in it: leave one of them out`,
  );
  await assertRejects(
    () => told({}, { resume: true }),
    UsageError,
    "Cannot resume a run without its folder: give dir",
  );
  await assertRejects(() => told(asked, { dir }), UsageError, `Cannot start a run in ${dir}: it holds one; `);
  assertEquals(await weightsOf(dir), before);
});

test("session: what is left out is fast, the seed 0, and a folder of the recipe's name in runs/", async (root) => {
  const seen: RunSettings[] = [];
  const none = (settings: RunSettings): never => {
    seen.push(settings);
    throw new UserError("no images");
  };
  await assertRejects(() => runSession(none, {}), UserError, "no images");
  assertEquals(seen, [{ recipe: recipes.fast, seed: 0 }]);
  const before = Deno.cwd();
  Deno.chdir(root);
  try {
    const { end } = await told(asked, { test: false }, 1);
    assertEquals(/^runs[/\\]fast-\d{8}-\d{6}$/.test(end.dir), true, end.dir);
    assertEquals((await readRunInfo(end.dir)).seed, 0);
  } finally {
    Deno.chdir(before);
  }
});

test("session: told to stop before it began, it begins when it is gone on with", async (root) => {
  const [dir, whole] = [join(root, "run"), join(root, "whole")];
  const first = await told(asked, { dir, signal: AbortSignal.abort() });
  assertEquals([first.said, first.end.step], [[["start", 54, 2, undefined]], 0]);
  const second = await told({}, { dir, resume: true });
  assertEquals(second.said[0], ["start", 54, 2, 0]);
  await told(asked, { dir: whole });
  assertEquals(await weightsOf(dir), await weightsOf(whole));
});

test("session: a resumed run has its settings; they may be repeated, not changed", async (root) => {
  const dir = join(root, "run");
  const settings: Partial<RunSettings> = { ...asked, seed: 3, limit: 60 };
  await told(settings, { dir, test: false }, 1);
  const before = await weightsOf(dir);
  const cases: [Partial<RunSettings>, string][] = [
    [{ seed: 4 }, "seed 4: the run has 3"],
    [{ ...settings, limit: 50 }, "limit 50: the run has 60"],
    [{ precision: "bfloat16" }, "precision bfloat16: the run has float32"],
    [{ init: "w.safetensors" }, "init w.safetensors: the run has none"],
    [{ ...settings, recipe: lasting(3) }, "recipe: its training.epochs is 3, the run has 2"],
    [{ recipe: recipes.resnet20 }, "recipe: its name is resnet20, the run has fast"],
  ];
  for (const [changed, problem] of cases) {
    await assertRejects(
      () => told(changed, { dir, resume: true }),
      UsageError,
      `Cannot resume ${dir} with ${problem}; leave it out, or start a new run`,
    );
  }
  assertEquals(await weightsOf(dir), before);

  const { said } = await told({ ...settings, limit: undefined }, { dir, resume: true, test: false });
  assertEquals(said.slice(0, 2), [["start", 54, 2, 2], ["epoch", 2, 4]]);
  const whole = join(root, "whole");
  await told(settings, { dir: whole, test: false });
  assertEquals(await weightsOf(dir), await weightsOf(whole));
});

test("session: a frozen trunk is that of the weights it starts from, through to the end of a run that goes on", async (root) => {
  const [start, dir, whole] = ["start", "run", "whole"].map((name) => join(root, name));
  await told({ ...asked, recipe: lasting(1) }, { dir: start, test: false });
  const init = join(start, RUN_FILES.weights);
  const training = { ...recipe.training, freeze: "trunk", classWeights: "balanced" } as const;
  const settings = { ...asked, seed: 3, init, recipe: { ...recipe, training } };
  await told(settings, { dir: whole, test: false });
  await told(settings, { dir, signal: AbortSignal.abort(), test: false });
  await told({}, { dir, resume: true, test: false }, 1);
  await told({}, { dir, resume: true, test: false });
  assertEquals(await weightsOf(dir), await weightsOf(whole));
  assertEquals((await readRunInfo(dir)).recipe.training, { ...training });
  const [from, to] = [init, join(dir, RUN_FILES.weights)].map((path) =>
    decodeSafetensors(Deno.readFileSync(path)).tensors
  );
  const changed = Object.keys(from).filter((name) => !equal(from[name].data, to[name].data));
  assertEquals(changed.filter((name) => !name.endsWith("num_batches_tracked")), ["fc.weight"]);
});

/** Whether two arrays have the same numbers. */
function equal(one: ArrayLike<unknown>, other: ArrayLike<unknown>): boolean {
  return one.length === other.length && Array.from(one).every((value, i) => Object.is(value, other[i]));
}

test("session: the data may be what gives them, asked once all settings are known and before a file is", async (root) => {
  const [given, made] = [join(root, "given"), join(root, "made")];
  await told({ ...asked, seed: 3 }, { dir: given });
  const seen: [Partial<RunSettings>, string[]][] = [];
  const load = async (settings: RunSettings): Promise<Data> => {
    seen.push([settings, names(root)]);
    return await Promise.resolve(data);
  };
  const stop = new AbortController();
  const onEvent = ({ kind }: SessionEvent) => kind === "epoch" && stop.abort();
  await runSession(load, { ...asked, seed: 3, threads: 2 }, { dir: made, signal: stop.signal, onEvent });
  await runSession(load, {}, { dir: made, resume: true });
  assertEquals(seen[0], [{ ...asked, seed: 3, threads: 2 }, ["given"]]);
  const { recipe, seed, threads } = seen[1][0];
  assertEquals([recipe, seed, threads], [asked.recipe, 3, 2]);
  assertEquals(await weightsOf(made), await weightsOf(given));

  const failing = join(root, "failing");
  const none = () => Promise.reject(new UserError("no images"));
  await assertRejects(() => runSession(none, asked, { dir: failing }), UserError, "no images");
  await assertRejects(() => runSession(none, {}, { dir: made, resume: true }), UserError, "no images");
  assertEquals(names(root), ["given", "made"]);
});

test("session: settings that cannot be meant are refused by their place, before the images are asked for", async (root) => {
  const untouched = (): never => {
    throw new Error("the images were asked for");
  };
  const cases: [unknown, string][] = [
    [{ seed: -1 }, "seed is -1: expected a whole number from 0 to 2147483647"],
    [{ sede: 1 }, 'sede is not a field: did you mean "seed"? there are recipe, seed, '],
    [{ precision: "auto" }, 'precision is "auto": expected one of float32, tf32, bfloat16'],
    [{ recipe: "fast" }, 'recipe is "fast": expected an object with name, about, network, transforms, '],
    [
      { recipe: { ...recipe, training: { ...recipe.training, batchSize: 0 } } },
      "recipe.training.batchSize is 0: expected a whole number of at least 1",
    ],
    [[], "it is an empty list: expected an object with recipe, seed, "],
  ];
  for (const [settings, problem] of cases) {
    await assertRejects(
      () => runSession(untouched, settings as Partial<RunSettings>, { dir: join(root, "run") }),
      UsageError,
      `Cannot run: ${problem}`,
    );
  }
  assertEquals(names(root), []);
});

test("session: tf32 where nothing has it leaves no folder, in a run's own settings or in its recipe's", async (root) => {
  if ((runtimeInfo().gpuCapability ?? 0) >= 80) return;
  const training = { ...recipe.training, precision: "tf32" } as const;
  for (const settings of [{ ...asked, precision: "tf32" }, { recipe: { ...recipe, training } }] as const) {
    await assertRejects(
      () => runSession(data, settings, { dir: join(root, "run") }),
      UsageError,
      "Cannot compute in tf32: ",
    );
  }
  assertEquals(names(root), []);
});

test("session: a recipe that does not fit the images leaves no folder, and one that is there untouched", async (root) => {
  const dir = join(root, "run");
  await told({ ...asked, recipe: lasting(1) }, { dir, test: false });
  const before = await weightsOf(dir);
  const { training } = recipe;
  const cases: [Recipe, string][] = [
    [
      { ...recipe, network: { kind: "fast", cfg: { widths: [4], inputSize: 224 } } },
      "Cannot train FastResNet-4: the training images are [32,32,3] after their transforms, the network takes " +
      "[224,224,3]; ",
    ],
    [
      { ...recipe, network: { kind: "fast", cfg: { widths: [4, 4, 4, 4, 4] } } },
      'Cannot build the network: maxPool "stages.4.conv1.1": a 2x2 window with padding 0 does not fit into [1, 1, 4]',
    ],
    [
      // 32 x 32 pixels are 31, 15, 7, 3, 1 after stem and stages; 54 images in steps of 53 leave one for the last.
      {
        ...recipe,
        network: { kind: "fast", cfg: { widths: [4, 4, 4, 4] } },
        training: { ...training, batchSize: 53 },
      },
      "Cannot train FastResNet-10: the last step has one of the 54 training images, and of that the batch norm " +
      '"stages.3.conv1.2" sees one pixel, which has no variance; use another batch size, or another number of images',
    ],
    [
      { ...recipe, training: { ...training, frozen: ["stm.0"] } },
      'Cannot freeze "stm.0": FastResNet-4 has no such parameters; did you mean "stem.0"? ',
    ],
    [
      { ...recipe, training: { ...training, freeze: "trunk" } },
      "Cannot freeze the trunk of FastResNet-4: it would stay as it is drawn at random; give weights to start from, ",
    ],
    [
      { ...recipe, training: { ...training, classWeights: [1, 2] } },
      "Cannot train: classWeights has 2 numbers, the training images are of 10 classes; give one a class",
    ],
    [
      { ...recipe, transforms: [{ kind: "normalize", mean: [0.5], std: [0.5] }] },
      "Cannot prepare the images as the recipe fast says: normalize: 1 means and 1 deviations for images of 3 channels",
    ],
    [
      { ...recipe, transforms: [] },
      "Cannot whiten: the images are not normalised",
    ],
    [
      { ...recipe, validation: { fraction: 0.001, seed: 1 } },
      "Cannot keep 0.001 of 60 training images for validation",
    ],
  ];
  for (const [unfit, problem] of cases) {
    for (const options of [{ dir: join(root, "none") }, { dir, force: true }]) {
      await assertRejects(() => told({ ...asked, recipe: unfit }, options), UsageError, problem);
    }
  }
  assertEquals(names(root), ["run"]);
  assertEquals(await weightsOf(dir), before);
});

test("session: test images that do not fit are told before training, unless they are left alone", async (root) => {
  const dir = join(root, "run");
  const smaller = { ...data, test: madeData({ images: 20, size: 16, classes: 10 }).train };
  await assertRejects(
    () => runSession(smaller, { ...asked, recipe: lasting(1) }, { dir }),
    UsageError,
    "Cannot test FastResNet-4: the test images are [16,16,3] after their transforms, the network takes [32,32,3]; ",
  );
  assertEquals(names(root), []);
  await runSession(smaller, { ...asked, recipe: lasting(1) }, { dir, test: false });
  assertEquals((await readRunInfo(dir)).test, undefined);
});

test("session: a listener that fails ends it at any event; no tensor is left, and the run goes on from its folder", async (root) => {
  const whole = join(root, "whole");
  await told(asked, { dir: whole });
  const { test: expected } = await readRunInfo(whole);
  for (const kind of ["start", "epoch", "trained", "tested"] as const) {
    const dir = join(root, kind);
    const progress = new Recorder();
    const onEvent = (event: SessionEvent): void => {
      if (event.kind === kind) throw new TypeError(`no ${kind}`);
    };
    await assertRejects(() => runSession(data, asked, { dir, progress, onEvent }), TypeError, `no ${kind}`);
    assertEquals(progress.bars.every(({ stopped }) => stopped), true, "every bar has stopped");
    assertEquals(names(dir), kind === "start" ? [RUN_FILES.info] : Object.values(RUN_FILES).sort());
    assertEquals((await readRunInfo(dir)).test, undefined);

    await told({}, { dir, resume: true });
    assertEquals(await weightsOf(dir), await weightsOf(whole), kind);
    assertEquals((await readRunInfo(dir)).test, expected, kind);
  }
});

test("session: a folder that cannot be made, weights and checkpoints that are none leave no tensor behind", async (root) => {
  const file = join(root, "file");
  await Deno.writeTextFile(file, "<html>not found</html>");
  await assertRejects(
    () => told(asked, { dir: join(file, "run") }),
    UserError,
    `Cannot write the run ${join(file, "run")}: not a directory; `,
  );
  await assertRejects(
    () => told({ ...asked, init: file }, { dir: join(root, "none") }),
    UserError,
    `Cannot read ${file}: `,
  );

  const dir = join(root, "run");
  await told(asked, { dir, test: false }, 1);
  const other = join(root, "other");
  const sgd: Recipe = { ...recipe, training: { ...recipe.training, lookahead: undefined } };
  await told({ ...asked, recipe: sgd }, { dir: other, test: false }, 1);
  const checkpoint = join(dir, RUN_FILES.checkpoint);
  await Deno.copyFile(join(other, RUN_FILES.checkpoint), checkpoint);
  const error = await assertRejects(() => told({}, { dir, resume: true }), UserError);
  assertInstanceOf(error, UserError);
  assertEquals(
    error.message,
    `Cannot resume from ${checkpoint}: it has no "slow/params/stem.0.weight"; it is not a checkpoint of this run; ` +
      `put the run's own back, or start another run from its weights with --init ${
        join(dir, RUN_FILES.weights)
      }`,
  );
  await Deno.copyFile(file, checkpoint);
  await assertRejects(() => told({}, { dir, resume: true }), UserError, `Cannot read ${checkpoint}: `);
  assertEquals(names(root), ["file", "other", "run"]);
});

test("session: ends before weights that are not finite are saved, says where the good ones are, takes none up", async (root) => {
  const dir = join(root, "run");
  // Two epochs of two steps: in the second the rate is beyond float32.
  const schedule = { kind: "linear", rate: 1e300, knots: [[0, 0], [0.49, 0], [1, 1]] } as const;
  const lost: Recipe = { ...recipe, training: { ...recipe.training, schedule, lookahead: undefined } };
  const error = await assertRejects(() => told({ ...asked, recipe: lost }, { dir, test: false }), UserError);
  assertEquals(
    error.message.replace(/learning rate [^)]+/, "learning rate X"),
    "Cannot go on training: weights, running statistics or what the optimizer keeps are not finite after step 3 " +
      "(epoch 2, learning rate X); try a lower --lr, or --precision float32; the weights of epoch 1 are in " +
      dir,
  );
  const checkpoint = join(dir, RUN_FILES.checkpoint);
  const { tensors, metadata } = decodeSafetensors(await Deno.readFile(checkpoint));
  assertEquals(metadata.step, "2");
  const [name, { shape, data }] = Object.entries(tensors)[0];
  assertEquals((data as Float32Array).every(Number.isFinite), true);

  const spoilt = { ...tensors, [name]: { shape, data: (data as Float32Array).slice().fill(NaN, 0, 1) } };
  const bytes = encodeSafetensors(spoilt, metadata);
  await Deno.writeFile(checkpoint, bytes);
  const refused = await assertRejects(() => told({}, { dir, resume: true }), UserError);
  assertEquals(
    refused.message,
    `Cannot resume from ${checkpoint}: "${name}" holds NaN; start over with --force`,
  );
  assertEquals(await Deno.readFile(checkpoint), bytes);
});

test("session: a folder has one session at a time, in one process too; after it the next may come", async (root) => {
  const dir = join(root, "run");
  await told(asked, { dir, test: false }, 1);
  const before = await weightsOf(dir);
  {
    await using _ = await ownFolder(dir);
    for (const options of [{ dir }, { dir, force: true }, { dir, resume: true }]) {
      await assertRejects(
        () => told(options.resume ? {} : asked, options),
        UserError,
        `Cannot use the run ${dir}: process ${Deno.pid} trains there since ${new Date().getFullYear()}-`,
      );
    }
  }
  assertEquals(await weightsOf(dir), before);
  await assertRejects(() => told({ seed: 1 }, { dir, resume: true }), UsageError, "seed 1: the run has 0");
  await told({}, { dir, resume: true });
  assertEquals(names(dir), Object.values(RUN_FILES).sort());
});

test("session: without its checkpoint a run that has weights is not begun again, and they stay", async (root) => {
  const dir = join(root, "run");
  await told(asked, { dir, test: false }, 1);
  const [weights, checkpoint] = [join(dir, RUN_FILES.weights), join(dir, RUN_FILES.checkpoint)];
  const [before, state] = [await weightsOf(dir), await Deno.readFile(checkpoint)];
  const wayOut = `start another run from its weights with --init ${weights}`;

  await Deno.remove(checkpoint);
  const missing = await assertRejects(() => told({}, { dir, resume: true }), UserError);
  assertInstanceOf(missing, UserError);
  assertEquals(
    missing.message,
    `Cannot resume ${dir}: model.safetensors is there, checkpoint.safetensors is not; put it back, or ${wayOut}`,
  );
  for (const part of [state.subarray(0, 0), state.subarray(0, state.length / 2), new Uint8Array(99)]) {
    await Deno.writeFile(checkpoint, part);
    const broken = await assertRejects(() => told({}, { dir, resume: true }), UserError);
    assertInstanceOf(broken, UserError);
    assertEquals(broken.message.endsWith(`; put the run's own back, or ${wayOut}`), true, broken.message);
  }
  assertEquals(await weightsOf(dir), before);

  await Deno.writeFile(checkpoint, state);
  const whole = join(root, "whole");
  await told(asked, { dir: whole });
  await told({}, { dir, resume: true, test: true });
  assertEquals(await weightsOf(dir), await weightsOf(whole));
});

test("session: killed between the files of a save, it goes on", async (root) => {
  const [dir, whole] = [join(root, "run"), join(root, "whole")];
  await told(asked, { dir: whole });
  const { test: expected } = await readRunInfo(whole);
  const lines = await readMetrics(whole);
  await told(asked, { dir }, 1);
  const [weights, checkpoint] = [join(dir, RUN_FILES.weights), join(dir, RUN_FILES.checkpoint)];
  const old = await weightsOf(dir);

  // The first save came to the line of its epoch, and began the checkpoint. What others write is not the run's.
  await Deno.writeTextFile(`${checkpoint}.7.0123abcd.partial`, "");
  await Deno.writeTextFile(join(dir, "curve.svg.7.0123abcd.partial"), "");
  await Deno.remove(weights);
  await Deno.remove(checkpoint);
  const first = await told({}, { dir, resume: true }, 1);
  assertEquals(first.said, [["start", 54, 2, 0], ["epoch", 1, 2]]);
  assertEquals(await weightsOf(dir), old);

  assertEquals(names(dir), [...Object.values(RUN_FILES), "curve.svg.7.0123abcd.partial"].sort());

  // The last save came to the checkpoint.
  await told({}, { dir, resume: true, test: false });
  await Deno.writeFile(weights, old);
  const last = await told({}, { dir, resume: true, test: true });
  assertEquals(last.said, [["start", 54, 2, 4], ["trained", weights], ["test", 20]]);
  assertEquals(await weightsOf(dir), await weightsOf(whole));
  assertEquals((await readRunInfo(dir)).test, expected);
  assertEquals((await readMetrics(dir)).map(({ loss }) => loss), lines.map(({ loss }) => loss));
});

test("session: a run that lost its metrics goes on from its checkpoint, and says what it lacks", async (root) => {
  const [dir, whole] = [join(root, "run"), join(root, "whole")];
  await told(asked, { dir: whole });
  await told(asked, { dir }, 1);
  const metrics = join(dir, RUN_FILES.metrics);
  await Deno.remove(metrics);
  const progress = new Recorder();
  await told({}, { dir, resume: true, progress });
  assertEquals(progress.messages, [`${metrics} has 0 of the 1 epochs that are done`]);
  assertEquals((await readMetrics(dir)).map(({ epoch }) => epoch), [2]);
  assertEquals(await weightsOf(dir), await weightsOf(whole));
});

test("session: a folder with weights and no record of a run is not taken for an empty one", async (root) => {
  const dir = join(root, "pretrained");
  await Deno.mkdir(dir);
  await Deno.writeTextFile(join(dir, RUN_FILES.weights), "mine");
  await assertRejects(
    () => told(asked, { dir }),
    UsageError,
    `Cannot start a run in ${dir}: it holds model.safetensors; start over with --force, or name another`,
  );
  assertEquals(await Deno.readTextFile(join(dir, RUN_FILES.weights)), "mine");
  assertEquals(names(dir), [RUN_FILES.weights]);
});

test("session: what a run was told it remembers: the test images left alone, the folder of the data", async (root) => {
  const dir = join(root, "run");
  await told({ ...asked, data: "images" }, { dir, test: false }, 1);
  const images = join(Deno.cwd(), "images");
  const { data: told1, skipTest } = await readRunInfo(dir);
  assertEquals([told1, skipTest], [images, true]);
  const seen: (string | undefined)[] = [];
  const load = (settings: RunSettings): Data => {
    seen.push(settings.data);
    return data;
  };
  await runSession(load, {}, { dir, resume: true });
  await runSession(load, { data: "moved" }, { dir, resume: true });
  await runSession(load, {}, { dir, resume: true });
  const moved = join(Deno.cwd(), "moved");
  assertEquals(seen, [images, "moved", moved]);
  assertEquals((await readRunInfo(dir)).test, undefined, "none of them looked at the test images");
  const { results } = await told({}, { dir, resume: true, test: true });
  assertEquals((await readRunInfo(dir)).test, results?.test, "unless it is asked to");
});

test("session: weights to start from are remembered by their whole path, and may be named by another", async (root) => {
  const [from, dir] = [join(root, "from"), join(root, "run")];
  await told({ ...asked, recipe: lasting(1) }, { dir: from, test: false });
  const before = Deno.cwd();
  Deno.chdir(root);
  try {
    const init = join("from", RUN_FILES.weights);
    await told({ ...asked, init }, { dir, test: false, signal: AbortSignal.abort() });
    assertEquals((await readRunInfo(dir)).init, join(Deno.cwd(), init));
    await told({ init: `./${init}` }, { dir, resume: true, test: false });
  } finally {
    Deno.chdir(before);
  }
});
