/** Records and checkpoints of before recipes had parts, in the form that they have now. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { decodeSafetensors } from "../../../layers/formats/safetensors.ts";
import { currentRecipe, currentTensors } from "../../../pipeline/runs/earlier.ts";
import { readMetrics, readRunInfo, RUN_FILES, settingsSchema } from "../../../pipeline/runs/folder.ts";
import { buildModel, type Recipe } from "../../../pipeline/training/recipe.ts";
import { recipes } from "../../../pipeline/training/recipes.ts";
import { UserError } from "../../../runtime/system/errors.ts";
import { check } from "../../../runtime/system/schema.ts";
import { granted } from "../../needs.ts";

const root = fromFileUrl(new URL("../../../", import.meta.url));

/** The folders under one that hold a run. */
async function runFolders(dir: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isFile, isDirectory } of Deno.readDir(dir)) {
    if (isFile && name === RUN_FILES.info) found.push(dir);
    if (isDirectory) found.push(...await runFolders(join(dir, name)));
  }
  return found.sort();
}

Deno.test({
  name: "every run of the logs is read, whatever version wrote it",
  ignore: !granted("read"),
  async fn(): Promise<void> {
    const folders = await runFolders(join(root, "docs/results"));
    assert(folders.length >= 19, `${folders.length} runs`);
    const names = new Set<string>();
    for (const dir of folders) {
      const { recipe, test, digest } = await readRunInfo(dir);
      const metrics = await readMetrics(dir);
      const { network, training: { epochs }, testing, validation } = recipe;
      names.add(recipe.name);
      const count = recipe.stopping === undefined ? epochs : metrics.length; // others may end before
      assert(count > 0 && count <= epochs, dir);
      assertEquals(metrics.map(({ epoch }) => epoch), Array.from({ length: count }, (_, i) => i + 1), dir);
      assertEquals(
        metrics.every(({ validationAccuracy }) => (validationAccuracy === null) === !validation),
        true,
      );
      assertEquals(
        metrics.every((line) => ("validationAccuracyRunning" in line) === (testing.statistics === "batch")),
        true,
      );
      if (test !== undefined && digest === undefined) assertEquals(test.images, 10_000);
      buildModel(network);
    }
    assertEquals([...names].sort(), ["accurate", "fast", "photos", "resnet20", "tutorial"]);
  },
});

Deno.test({
  name: "the recipe of an earlier run is that of today, where nothing but its form has changed",
  ignore: !granted("read"),
  async fn(): Promise<void> {
    const recipeOf = async (run: string) => (await readRunInfo(join(root, "docs/results", run))).recipe;
    const { fast, accurate, resnet20, tutorial } = recipes;
    assertEquals(await recipeOf("fast/seed0"), fast);
    assertEquals(await recipeOf("fast/earlier/seed3"), fast);
    assertEquals(await recipeOf("accurate/seed4"), {
      ...accurate,
      about: (await recipeOf("accurate/seed4")).about,
    });
    assertEquals(await recipeOf("resnet20"), resnet20);
    assertEquals(await recipeOf("tutorial"), { ...tutorial, training: { ...tutorial.training, epochs: 2 } });

    // By hand, from docs/results/accurate/earlier/run.json.
    const { network, validation, training, testing, transforms } = await recipeOf("accurate/earlier");
    assertEquals(network, {
      kind: "fast",
      cfg: { stemFilters: 24, widths: [64, 256, 256], headScale: 1 / 9 },
    });
    assertEquals(transforms.map(({ kind }) => kind), ["augment", "normalize"]);
    assertEquals(validation, { fraction: 0.1, seed: 42 });
    assertEquals([training.epochs, training.frozen, training.whiten], [16, ["stem.0"], true]);
    assertEquals(testing, { statistics: "running", batchSize: 500, tta: true });
  },
});

/** What the recipe of ResNet-110 looked like. */
const RESNET110 = {
  name: "resnet110",
  about: "ResNet-110 as in He et al. 2015: option-A shortcuts, 64,000 steps of 128 images",
  model: {
    kind: "resnet",
    depths: [18, 18, 18],
    cfg: { stem: "cifar", shortcut: "padding", bias: false, widths: [16, 32, 64] },
  },
  stats: { mean: [0.49139968, 0.48215841, 0.44653091], std: [0.24703223, 0.24348513, 0.26158784] },
  augment: { flip: true, crop: 4, padding: "zero" },
  validation: { fraction: 0.1, seed: 42 },
  whiten: false,
  epochs: 182,
  batchSize: 128,
  optimizer: { kind: "sgd", momentum: 0.9, nesterov: false, weightDecay: 0.0001, offsetScale: 1 },
  schedule: {
    kind: "steps",
    rate: 0.1,
    boundaries: [32000, 48000],
    factor: 0.1,
    warmUp: { rate: 0.01, steps: 400 },
  },
  labelSmoothing: 0,
  precision: "auto",
  evaluation: "running",
  evaluationBatchSize: 500,
};

function current(recipe: unknown): Recipe | undefined {
  return check(settingsSchema, { recipe }, (problem) => new UserError(problem)).recipe;
}

Deno.test("currentRecipe: each kind of recipe that there was", () => {
  assertEquals(current(RESNET110), recipes.resnet110);
  assertEquals(
    current({
      ...RESNET110,
      schedule: { ...RESNET110.schedule, rate: 0.05, warmUp: { rate: 0.005, steps: 4 } },
    })?.training.schedule,
    { kind: "steps", rate: 0.05, boundaries: [32000, 48000], factor: 0.1, warmUp: { factor: 0.1, steps: 4 } },
  );
  const { about } = recipes.resnet50;
  const resnet50 = {
    ...RESNET110,
    ...{ name: "resnet50", about, epochs: 3, batchSize: 32, evaluationBatchSize: 100 },
    model: { kind: "resnet", depths: [3, 4, 6, 3], cfg: { block: "bottleneck", naming: "torchvision" } },
    resize: { size: 224, quantize: true },
    stats: { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
    augment: { flip: true, crop: 4, padding: "reflect" },
    schedule: { kind: "linear", rate: 0.01, knots: [[0, 0], [0.1, 1], [1, 0]] },
  };
  assertEquals(current(resnet50), recipes.resnet50);
});

Deno.test("currentRecipe: what is no earlier recipe comes back as it is", () => {
  for (const value of [recipes.fast, {}, { network: 1, model: 2 }, null, 3, "fast", [RESNET110]]) {
    assertEquals(currentRecipe(value), value);
  }
});

Deno.test("an earlier recipe that was edited is told by the field of today", () => {
  const cases: [unknown, string][] = [
    [{ ...RESNET110, epochs: "3" }, 'recipe.training.epochs is "3": expected a whole number of at least 1'],
    [
      { ...RESNET110, epoch: 3 },
      'recipe.training.epoch is not a field: did you mean "epochs"? there are epochs, ',
    ],
    [
      { ...RESNET110, evaluation: "bath" },
      'recipe.testing.statistics is "bath": did you mean "batch"? expected one ',
    ],
    [{ ...RESNET110, model: { kind: "vgg" } }, 'recipe.network.kind is "vgg": expected one of resnet, fast'],
    [{ ...RESNET110, schedule: 3 }, "recipe.training.schedule is 3: expected an object with a kind"],
  ];
  for (const [recipe, problem] of cases) assertThrows(() => current(recipe), UserError, problem);
});

Deno.test({
  name: "currentTensors: weights as in memory, and the old names' tensors by their places",
  ignore: !granted("read"),
  async fn(): Promise<void> {
    const path = join(root, "tests/data/earlier_fast/checkpoint.safetensors");
    const { tensors } = decodeSafetensors(await Deno.readFile(path), path);
    const model = buildModel({ kind: "fast", cfg: { widths: [4] } });
    const found = currentTensors(tensors, model, path);
    const norms = ["conv1.2", "conv2.1"].map((name) => `stages.0.${name}`);
    const params = [
      "stem.0.weight",
      "stem.0.bias",
      "stages.0.conv1.0.weight",
      "stages.0.conv2.0.weight",
      ...norms.flatMap((norm) => [`${norm}.weight`, `${norm}.bias`]),
      "fc.weight",
    ];
    const stats = norms.flatMap((norm) => [`${norm}.running_mean`, `${norm}.running_var`]);
    const variables = [
      ...params.map((name) => `params/${name}`),
      ...stats.map((name) => `batchStats/${name}`),
    ];
    assertEquals(
      Object.keys(found).sort(),
      [
        ...variables.flatMap((name) => [`variables/${name}`, `slow/${name}`]),
        ...params.filter((name) => !name.startsWith("stem.0")).map((name) => `optState/velocity/${name}`),
      ].sort(),
    );
    // A weight's place is PyTorch's [out, in], a velocity's [in, out]: 4 channels, 10 classes.
    assertEquals([...found["variables/params/fc.weight"].shape], [4, 10]);
    assertEquals(found["variables/params/fc.weight"].data[1 * 10 + 7], tensors["fc.weight"].data[7 * 4 + 1]);
    assertEquals(found["optState/velocity/fc.weight"], tensors["velocity.fc.weight"]);
    assertEquals(
      found["slow/batchStats/stages.0.conv1.2.running_var"],
      tensors["slow.stages.0.conv1.2.running_var"],
    );
  },
});
