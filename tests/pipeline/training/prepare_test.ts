/** From loaded images to a recipe's data. */
import { assertEquals, assertThrows } from "@std/assert";
import { classCounts, createDataset, type Transform } from "../../../pipeline/data/dataset.ts";
import { numpyShuffle } from "../../../pipeline/data/numpy_random.ts";
import { limit, split } from "../../../pipeline/data/split.ts";
import { prepare } from "../../../pipeline/training/prepare.ts";
import { recipes } from "../../../pipeline/training/recipes.ts";
import { CIFAR10_STATS, IMAGENET_STATS, TUTORIAL_STATS } from "../../../pipeline/transforms/transforms.ts";
import { UsageError } from "../../../runtime/system/errors.ts";
import { madeData } from "../../made_data.ts";

Deno.test("prepare: the split of the first images, and each part its transforms in order", () => {
  const made = madeData({ images: 60, testImages: 7, size: 4 });
  const always: Transform[] = [
    { kind: "resize", size: 8, quantize: true },
    { kind: "normalize", ...TUTORIAL_STATS },
  ];
  const random: Transform = { kind: "augment", flip: true, crop: 1, padding: "zero" };
  const recipe = {
    name: "own",
    transforms: [random, ...always],
    validation: { fraction: 0.1, seed: 42 },
  };
  const { train, validation, test } = prepare(limit(50)(made), recipe);
  const shuffled = numpyShuffle(50, 42);
  assertEquals([...validation!.indices], [...shuffled.subarray(0, 5)], "of the first 50");
  assertEquals([...train.indices], [...shuffled.subarray(5)]);
  assertEquals(test?.indices.length, 7, "the limit is not for the test images");

  assertEquals(train.transforms, [random, ...always]);
  assertEquals(validation?.transforms, always);
  assertEquals(test?.transforms, always);

  const [resized, normalized] = always;
  const between = prepare(made, { ...recipe, transforms: [resized, random, normalized] });
  assertEquals(between.train.transforms, [resized, random, normalized], "the recipe's order");
  assertEquals(between.validation?.transforms, always);

  const whole = prepare(made, recipes.fast);
  assertEquals([whole.train.indices.length, whole.validation?.indices.length], [54, 6]);
  assertEquals(whole.train.transforms.map(({ kind }) => kind), ["augment", "normalize"]);
  const { train: all, validation: none } = prepare(made, recipes.accurate);
  assertEquals([all.indices.length, none], [60, undefined], "nothing is held out unless the recipe says so");
  assertEquals(prepare({ train: made.train }, recipes.fast).test, undefined);
  assertEquals(made.train.transforms, [], "what was passed in stays");
});

Deno.test("prepare: every recipe's transforms are those of the training images", () => {
  const made = madeData({ images: 60, size: 32 });
  for (const recipe of Object.values(recipes)) {
    // A crop is done as images are read: it is part of what they are made of.
    const { pictures, transforms } = prepare(made, recipe).train;
    const [crop, ...others] = recipe.transforms;
    const isCropped = crop.kind === "crop";
    assertEquals(transforms, isCropped ? others : recipe.transforms, recipe.name);
    assertEquals(pictures?.view.size, isCropped ? crop.size : undefined);
  }
});

Deno.test("prepare: the same share of each class where the recipe stratifies; validation images of their own stay", () => {
  const made = madeData({ images: 60, classes: 4, size: 4 });
  const recipe = { name: "own", transforms: [], validation: { fraction: 0.2, seed: 3, stratify: true } };
  const { train, validation } = prepare(made, recipe);
  assertEquals(classCounts(validation!), [3, 3, 3, 3]);
  assertEquals(classCounts(train), [12, 12, 12, 12]);
  const given = { train: made.train, validation: madeData({ images: 8, size: 4, seed: 1 }).train };
  assertEquals(prepare(given, recipe), given);
});

/** Asserts the message, which is all of one line. */
function assertRefused(prepared: () => unknown, message: string): void {
  assertEquals(assertThrows(prepared, UsageError).message, message);
}

Deno.test("prepare: too many and too few images", () => {
  const made = madeData({ images: 60, size: 4 });
  assertRefused(
    () => prepare(limit(61)(made), recipes.fast),
    "Cannot limit the training images to 61: there are 60; give a whole number from 1 to 60",
  );
  assertRefused(
    () => prepare(limit(9)(made), recipes.fast),
    "Cannot keep 0.1 of 9 training images for validation: that is less than one image; use more images",
  );
  assertEquals(prepare(limit(10)(made), recipes.fast).validation?.indices.length, 1);
});

Deno.test("prepare: transforms that do not fit the images, or each other", () => {
  const data = madeData({ images: 60, size: 4 });
  const gray: Transform = { kind: "normalize", mean: [0.5], std: [0.25] };
  const colour: Transform = { kind: "normalize", ...CIFAR10_STATS };
  const cases: [problem: string, ...Transform[]][] = [
    ["normalize: 1 means and 1 deviations for images of 3 channels", gray],
    ["normalize: 3 means and 1 deviations for images of 3 channels", { ...colour, std: [0.25] }],
    ["normalize: the images are normalised already", colour, { kind: "normalize", ...IMAGENET_STATS }],
    ["normalize: std must be above 0, found 0 for channel 2", { ...colour, std: [1, 1, 0] }],
    [
      "augment: crop 4 with reflected padding needs images larger than 4 pixels, found 4 x 4",
      { kind: "augment", flip: true, crop: 4, padding: "reflect" },
    ],
    ["augment: crop must be an integer from 0, found -1", {
      kind: "augment",
      flip: true,
      crop: -1,
      padding: "zero",
    }],
    [
      "resize: quantize needs pixel values 0 to 255; put resize before normalize",
      colour,
      { kind: "resize", size: 8, quantize: true },
    ],
    ["resize: size must be a positive integer, found 0", { kind: "resize", size: 0, quantize: false }],
  ];
  for (const [problem, ...transforms] of cases) {
    assertRefused(
      () => prepare(data, { name: "own", transforms }),
      `Cannot prepare the images as the recipe own says: ${problem}`,
    );
  }
  // What is refused above is what is wrong: the same goes with images that fit.
  const one = createDataset({
    images: new Uint8Array(32),
    labels: [0, 1],
    imageShape: [4, 4, 1],
    classes: ["a", "b"],
  });
  assertEquals(prepare({ train: one }, { name: "own", transforms: [gray] }).train.transforms, [gray]);
  const enlarged: Transform[] = [{ kind: "resize", size: 5, quantize: true }, {
    kind: "augment",
    flip: true,
    crop: 4,
    padding: "reflect",
  }];
  assertEquals(prepare(data, { name: "own", transforms: enlarged }).train.transforms, enlarged);
});

Deno.test("prepare: data as loaded only, and of a recipe that is not split no part is split", () => {
  const parted = split(0.5, { seed: 1 })(madeData({ images: 60, size: 4 }));
  assertRefused(
    () => prepare(parted, recipes.fast),
    "Cannot prepare the images as the recipe fast says: split: the data is split already",
  );
  const { train, validation } = prepare(parted, recipes.accurate);
  assertEquals([train.indices.length, validation?.indices.length], [30, 30]);
  assertEquals(validation?.transforms, [{ kind: "normalize", ...CIFAR10_STATS }]);
});
