/** The project as a library: what `mod.ts` gives is enough to train a network on arrays in memory. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { join } from "@std/path";
import * as library from "../mod.ts";
import { madeData } from "./made_data.ts";
import { leakTest } from "./runtime/harness.ts";

Deno.test("mod.ts exports the names that scripts may rely on", () => {
  const names =
    "pipe loadCifar resize normalize split augment residualBlock resnet init apply summary train evaluate " +
    "saveCheckpoint loadCheckpoint recipes jit tf tree prepare limit createDataset buildModel findRecipe loadRecipe " +
    "runSession readMetrics readRunInfo loadWeights saveWeights startState disposeState trainStep optimize " +
    "saveModel loadModel predict predictor trunk loadStart UsageError UserError";
  assertEquals(names.split(" ").filter((name) => !(name in library)), []);
});

leakTest("a network of one's own is trained on arrays in memory, with no file", async () => {
  const { images, labels, imageShape, classes } = madeData({ images: 480, size: 8 }).train;
  const { createDataset, evaluate, normalize, pipe, recipes, resnet, split, tf, train, tree } = library;

  await tf.ready();
  const data = pipe(
    { train: createDataset({ images, labels, imageShape, classes }) },
    normalize({ mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] }),
    split(0.25, { seed: 42 }),
  );
  const model = resnet([1, 1], {
    stem: "cifar",
    inputSize: 8,
    widths: [8, 16],
    numClasses: classes.length,
  });
  const settings = { ...recipes.resnet20.training, epochs: 8, batchSize: 32, precision: "float32" } as const;
  const { variables, optState } = await train(model, data, settings);
  const { accuracy } = evaluate(model, variables, data.validation!);
  tree.dispose({ variables, optState });

  assert(accuracy >= 0.8, `accuracy is ${accuracy}`);
});

/** A recipe in a user's own words: its parts are those of another one, changed here and there. */
const own: library.Recipe = {
  ...library.recipes.resnet20,
  name: "directions",
  about: "which way the waves go",
  network: { kind: "resnet", depths: [1, 1], cfg: { stem: "cifar", widths: [8, 16] } },
  transforms: [
    { kind: "augment", flip: true, crop: 1, padding: "reflect" },
    { kind: "normalize", mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] },
  ],
  validation: { fraction: 0.25, seed: 42 },
  training: {
    ...library.recipes.resnet20.training,
    epochs: 8,
    batchSize: 32,
    optimizer: { kind: "adamw", beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01 },
    schedule: { kind: "linear", rate: 0.02, knots: [[0, 0.2], [0.2, 1], [1, 0]] },
    precision: "float32",
  },
  testing: { ...library.recipes.resnet20.testing, tta: true },
};

leakTest("a recipe of one's own: its data, its network, its training and its testing", async () => {
  const { buildModel, evaluate, prepare, train, tree } = library;

  const data: library.Data = prepare(madeData({ images: 480, testImages: 80, size: 8 }), own);
  assertEquals([data.train, data.validation, data.test].map((part) => part?.indices.length), [360, 120, 80]);
  const model = buildModel(own.network, { numClasses: data.train.classes.length, inputSize: 8 });
  const reports: library.EpochReport[] = [];
  const state: library.TrainState = await train(model, data, own.training, {
    seed: 3,
    testing: own.testing,
    onEpoch: (report) => void reports.push(report),
  });
  assertEquals([state.step, reports.length], [8 * 12, 8]);
  const found: library.Evaluation = evaluate(model, state.variables, data.test!, own.testing);
  const plain = evaluate(model, state.variables, data.test!, { ...own.testing, tta: false });
  const kept = tree.map((tensor) => tensor.shape, state.variables);
  tree.dispose([state.variables, state.optState, state.slow]);

  assert(found.accuracy >= 0.8, `accuracy is ${found.accuracy}`);
  assert(found.loss !== plain.loss, "six views are others than one");
  assertEquals(kept.params["fc.weight"], [16, 4]);
});

leakTest("grey images that are not square train and are measured like any other", async () => {
  const { createDataset, evaluate, normalize, pipe, recipes, resnet, split, train, tree } = library;
  // A class is a brightness, under a pattern that all have.
  const labels = Array.from({ length: 60 }, (_, image) => image % 3);
  const images = Uint8Array.from(
    { length: 60 * 12 * 9 },
    (_, i) => i % 61 + 90 * labels[Math.floor(i / 108)],
  );
  const dataset = createDataset({
    images,
    labels,
    imageShape: [12, 9, 1],
    classes: ["dark", "grey", "light"],
  });
  const data = pipe({ train: dataset }, normalize({ mean: [0.5], std: [0.25] }), split(0.25, { seed: 1 }));
  const cfg = { stem: "cifar", widths: [4, 8], inputSize: [12, 9], channels: 1, numClasses: 3 } as const;
  const model = resnet([1, 1], cfg);
  const training = { ...recipes.resnet20.training, epochs: 10, batchSize: 15 };
  const { variables, optState, slow } = await train(model, data, training);
  const { accuracy } = evaluate(model, variables, data.validation!);
  tree.dispose([variables, optState, slow]);
  assert(accuracy >= 0.9, `accuracy is ${accuracy}`);
});

leakTest("a run of one's own: begun, gone on with and read back", async () => {
  const { buildModel, loadWeights, readMetrics, readRunInfo, runSession, silent, tree, UsageError } = library;
  const root = await Deno.makeTempDir();
  try {
    const dir = join(root, "run");
    const loaded = madeData({ images: 80, testImages: 20, size: 8 });
    const recipe: library.Recipe = { ...own, training: { ...own.training, epochs: 2 } };
    const settings: Partial<library.RunSettings> = { recipe, seed: 1, limit: 64 };
    const stop = new AbortController();
    const first = await runSession(loaded, settings, {
      dir,
      signal: stop.signal,
      onEvent: (event) => event.kind === "epoch" && stop.abort(),
    });
    assertEquals(first, { dir, step: 2, totalSteps: 4 }); // 48 of 64 images are trained on, 32 a step

    const events: library.SessionEvent["kind"][] = [];
    const end: library.SessionEnd = await runSession(() => loaded, {}, {
      dir,
      resume: true,
      progress: silent,
      onEvent: ({ kind }) => void events.push(kind),
    });
    assertEquals(end, { dir, step: 4, totalSteps: 4 });
    assertEquals(events, ["start", "epoch", "trained", "tested"]);
    assertEquals((await readMetrics(dir)).map(({ epoch, step }) => [epoch, step]), [[1, 2], [2, 4]]);
    const info: library.RunInfo = await readRunInfo(dir);
    assertEquals([info.recipe, info.seed, info.limit, info.test?.images], [recipe, 1, 64, 20]);

    const model = buildModel(recipe.network, { numClasses: 4, inputSize: 8 });
    const weights = await loadWeights(join(dir, "model.safetensors"), model);
    assertEquals(weights.params["fc.weight"].shape, [16, 4]);
    tree.dispose(weights);
    await assertRejects(() => runSession(loaded, settings, { dir }), UsageError, "it holds one");
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

leakTest("what cannot be meant is said in one line before anything is made", async () => {
  const { buildModel, createDataset, prepare, recipes, runSession, train, UsageError } = library;
  const loaded = madeData({ images: 20, size: 8 });
  const { images, imageShape, classes } = loaded.train;
  assertThrows(
    () => createDataset({ images, labels: new Array(20).fill(4), imageShape, classes }),
    RangeError,
    "createDataset: label 0 is 4, expected 0 to 3 (4 classes)",
  );
  const data = prepare(loaded, own);
  const model = buildModel(own.network, { numClasses: 4, inputSize: 8 });
  await assertRejects(
    () => train(model, data, { ...own.training, epochs: 0 }),
    UsageError,
    "Cannot train: epochs is 0: expected a whole number of at least 1",
  );
  await assertRejects(
    () => train(buildModel(own.network), data, own.training),
    UsageError,
    "Cannot train ResNet-6: the training images are [8,8,3] after their transforms, the network takes [32,32,3]",
  );
  // Three halvings of 8 x 8 leave nothing for the third stage.
  const dir = await Deno.makeTempDir();
  try {
    await assertRejects(
      () => runSession(loaded, { recipe: recipes.fast }, { dir }),
      UsageError,
      'Cannot build the network: maxPool "stages.2.conv1.1": a 2x2 window with padding 0 does not fit into [1, 1, 160]',
    );
    assertEquals([...Deno.readDirSync(dir)], []);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
