/** From flags to what is run. */
import { assertEquals, assertThrows } from "@std/assert";
import { numpyShuffle } from "../../../pipeline/data/numpy_random.ts";
import { changeRecipe, choosePrecision, prepareData } from "../../../pipeline/training/prepare.ts";
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
  const devices = ["CPU:0"];
  const [has, hasNot] = [{ hasBfloat16: true, devices }, { hasBfloat16: false, devices }];
  assertEquals(choosePrecision("bfloat16", fixed, hasNot), "bfloat16");
  assertEquals(choosePrecision("float32", auto, has), "float32");
  assertEquals(choosePrecision(undefined, fixed, has), "float32");
  assertEquals(choosePrecision(undefined, { ...fixed, precision: "bfloat16" }, hasNot), "bfloat16");
  assertEquals(choosePrecision(undefined, auto, has), "bfloat16");
  assertEquals(choosePrecision(undefined, auto, hasNot), "float32");
  const gpu = { hasBfloat16: true, devices: ["CPU:0", "GPU:0"] };
  assertEquals(choosePrecision(undefined, auto, gpu), "float32", "on a GPU the processor does not count");
  assertEquals(choosePrecision("bfloat16", auto, gpu), "bfloat16");
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
