/** From flags to what is run. */
import { assertEquals, assertThrows } from "@std/assert";
import { numpyShuffle } from "../../../pipeline/data/numpy_random.ts";
import type { RunInfo } from "../../../pipeline/runs/folder.ts";
import {
  changeRecipe,
  checkResumed,
  choosePrecision,
  prepareData,
  type RunFlags,
} from "../../../pipeline/training/prepare.ts";
import { type Recipe, recipes } from "../../../pipeline/training/recipes.ts";
import { learningRate } from "../../../pipeline/training/schedule.ts";
import { UsageError } from "../../../runtime/system/errors.ts";
import { madeData } from "../../made_data.ts";

Deno.test("changeRecipe: changes what was asked for and nothing else", () => {
  const { fast, resnet110 } = recipes;
  const before = structuredClone(fast);
  assertEquals(changeRecipe(fast, {}), fast);
  assertEquals(changeRecipe(fast, { epochs: 2, batch: 50 }), { ...fast, epochs: 2, batchSize: 50 });
  assertEquals(changeRecipe(fast, { lr: 0.1 }), { ...fast, schedule: { ...fast.schedule, rate: 0.1 } });
  assertEquals(changeRecipe(fast, { lr: 0 }).schedule.rate, 0, "zero is a value");
  const slower = changeRecipe(resnet110, { lr: 0.05 }).schedule;
  assertEquals([0, 400].map((step) => learningRate(slower, step, 64_000)), [0.005, 0.05]);
  assertEquals(fast, before, "what was passed in stays");
});

Deno.test("choosePrecision: what is asked for, then the recipe, then the processor", () => {
  const auto: Recipe = { ...recipes.fast, precision: "auto" };
  const fixed: Recipe = { ...recipes.fast, precision: "float32" };
  const [has, hasNot] = [{ hasBfloat16: true }, { hasBfloat16: false }];
  assertEquals(choosePrecision("bfloat16", fixed, hasNot), "bfloat16");
  assertEquals(choosePrecision("float32", auto, has), "float32");
  assertEquals(choosePrecision(undefined, fixed, has), "float32");
  assertEquals(choosePrecision(undefined, { ...fixed, precision: "bfloat16" }, hasNot), "bfloat16");
  assertEquals(choosePrecision(undefined, auto, has), "bfloat16");
  assertEquals(choosePrecision(undefined, auto, hasNot), "float32");
});

Deno.test("prepareData: the first images, then the split, then each part its transforms in order", () => {
  const made = madeData({ images: 60, testImages: 7, size: 4 });
  const recipe: Recipe = {
    ...recipes.tutorial,
    resize: { size: 8, quantize: true },
    augment: { flip: true, crop: 1, padding: "zero" },
    validation: { fraction: 0.1, seed: 42 },
  };
  const { train, validation, test } = prepareData(made, recipe, 50);
  const shuffled = numpyShuffle(50, 42);
  assertEquals([...validation!.indices], [...shuffled.subarray(0, 5)], "of the first 50");
  assertEquals([...train.indices], [...shuffled.subarray(5)]);
  assertEquals(test?.indices.length, 7, "the limit is not for the test images");

  const always = [
    { kind: "resize", size: 8, quantize: true },
    { kind: "normalize", ...recipes.tutorial.stats },
  ];
  assertEquals<unknown>(train.transforms, [
    { kind: "augment", flip: true, crop: 1, padding: "zero" },
    ...always,
  ]);
  assertEquals<unknown>(validation?.transforms, always);
  assertEquals<unknown>(test?.transforms, always);

  const whole = prepareData(made, recipes.fast);
  assertEquals([whole.train.indices.length, whole.validation?.indices.length], [54, 6]);
  assertEquals(whole.train.transforms.map(({ kind }) => kind), ["augment", "normalize"]);
  const { train: all, validation: none } = prepareData(made, recipes.accurate);
  assertEquals([all.indices.length, none], [60, undefined], "nothing is held out unless the recipe says so");
  assertEquals(prepareData({ train: made.train }, recipes.fast).test, undefined);
  assertEquals(made.train.transforms, [], "what was passed in stays");
});

Deno.test("prepareData: too many and too few images", () => {
  const made = madeData({ images: 60, size: 4 });
  assertThrows(
    () => prepareData(made, recipes.fast, 61),
    UsageError,
    "Cannot limit the training images to 61: there are 60; give a whole number from 1 to 60",
  );
  assertThrows(
    () => prepareData(made, recipes.fast, 9),
    UsageError,
    "Cannot keep 0.1 of 9 training images for validation",
  );
});

const info: RunInfo = {
  recipe: changeRecipe(recipes.fast, { epochs: 3 }),
  seed: 7,
  precision: "float32",
  limit: 200,
  cpu: { model: "Abacus", instructions: "beads", cores: 2 },
  versions: {},
  started: "2026-11-25T09:30:00.000Z",
};

Deno.test("checkResumed: flags may repeat the run's settings", () => {
  checkResumed({}, info, "runs/a");
  const same: RunFlags = {
    recipe: "fast",
    epochs: 3,
    batch: recipes.fast.batchSize,
    lr: recipes.fast.schedule.rate,
    seed: 7,
    precision: "float32",
    limit: 200,
  };
  checkResumed(same, info, "runs/a");
  checkResumed({ init: "w.safetensors", threads: 2, device: "cpu" }, {
    ...info,
    init: "w.safetensors",
    threads: 2,
    device: "cpu",
  }, "runs/a");
});

Deno.test("checkResumed: names the flag that contradicts, what was given and what the run has", () => {
  const cases: [RunFlags, string][] = [
    [{ recipe: "resnet20" }, "--recipe resnet20: the run has fast"],
    [{ epochs: 4 }, "--epochs 4: the run has 3"],
    [{ batch: 64 }, `--batch 64: the run has ${recipes.fast.batchSize}`],
    [{ lr: 0 }, `--lr 0: the run has ${recipes.fast.schedule.rate}`],
    [{ seed: 0 }, "--seed 0: the run has 7"],
    [{ precision: "bfloat16" }, "--precision bfloat16: the run has float32"],
    [{ limit: 100 }, "--limit 100: the run has 200"],
    [{ init: "w.safetensors" }, "--init w.safetensors: the run has none"],
    [{ threads: 2 }, "--threads 2: the run has none"],
    [{ device: "gpu" }, "--device gpu: the run has none"],
    [{ epochs: 3, seed: 7, limit: 1 }, "--limit 1: the run has 200"],
  ];
  for (const [flags, problem] of cases) {
    assertThrows(
      () => checkResumed(flags, info, "runs/a"),
      UsageError,
      `Cannot resume runs/a with ${problem}; leave the flag out, or start a new run`,
    );
  }
});
