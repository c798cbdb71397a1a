/** The recipes: their networks, and the numbers of the papers that they are from. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { parameterCount, parameters } from "../../../layers/mod.ts";
import { outputShape, type Transform } from "../../../pipeline/data/dataset.ts";
import { buildModel, type Recipe } from "../../../pipeline/training/recipe.ts";
import { findRecipe, recipes } from "../../../pipeline/training/recipes.ts";
import { learningRate } from "../../../pipeline/training/schedule.ts";
import { stepsPerEpoch } from "../../../pipeline/training/train.ts";
import { UsageError } from "../../../runtime/system/errors.ts";

/** Blocks of a stage by depth: 6n + 2 layers. */
const HE = { resnet20: 3, resnet32: 5, resnet44: 7, resnet56: 9, resnet110: 18 };

/** In millions, He et al. 2015, table 6. */
const PARAMETERS = { resnet20: 0.27, resnet32: 0.46, resnet44: 0.66, resnet56: 0.85, resnet110: 1.7 };

/** Parameters of torchvision's networks with 1,000 classes, as its documentation gives them. */
const TORCHVISION = {
  resnet18: 11_689_512,
  resnet34: 21_797_672,
  resnet50: 25_557_032,
  resnet101: 44_549_160,
  resnet152: 60_192_808,
};

/** The transform of a kind, if the recipe has one. */
function transformOf<K extends Transform["kind"]>(
  { transforms }: Recipe,
  kind: K,
): Extract<Transform, { kind: K }> | undefined {
  return transforms.find((step): step is Extract<Transform, { kind: K }> => step.kind === kind);
}

Deno.test("recipes: names, and each under its own", () => {
  assertEquals(Object.keys(recipes), [
    ...["fast", "accurate", "tutorial", "photos"],
    ...Object.keys(HE),
    ...Object.keys(TORCHVISION),
  ]);
  for (const [name, recipe] of Object.entries(recipes)) {
    assertEquals(recipe.name, name);
    assertEquals(findRecipe(name) === recipe, true);
    assertEquals(recipe.about.includes("\n"), false);
  }
});

Deno.test("recipes: every one builds a network for its images and any number of classes", () => {
  for (const recipe of Object.values(recipes)) {
    const { name, network, transforms } = recipe;
    for (const numClasses of [10, 3]) {
      const model = buildModel(network, { numClasses });
      const crop = transforms.find((step) => step.kind === "crop");
      const size = transformOf(recipe, "resize")?.size ?? crop?.size ?? 32;
      assertEquals([...model.input.shape], [size, size, 3], name);
      assertEquals(outputShape({ imageShape: [32, 32, 3], transforms }), [size, size, 3], name);
      assertEquals([...model.output.shape], [numClasses], name);
    }
    assertEquals(buildModel(network).output.shape[0], 10);
  }
});

Deno.test("recipes: plain data, the same after a run folder has kept it", () => {
  assertEquals(JSON.parse(JSON.stringify(recipes)), recipes);
});

Deno.test("recipes: the CIFAR networks are He et al.'s, their sizes those of the paper's table 6", () => {
  for (const [name, blocks] of Object.entries(HE)) {
    const model = buildModel(recipes[name].network);
    assertEquals(model.name, `ResNet-${6 * blocks + 2}`);
    const convolutions = parameters(model).filter(({ role }) => role === "convKernel");
    assertEquals(convolutions.length, 6 * blocks + 1, "option-A shortcuts have none");
    const millions = parameterCount(model) / 1e6;
    const digits = name === "resnet110" ? 1 : 2;
    assertEquals(millions.toFixed(digits), PARAMETERS[name as keyof typeof PARAMETERS].toFixed(digits), name);
  }
});

Deno.test("recipes: the CIFAR networks train for 64,000 steps with the paper's rates", () => {
  for (const name of Object.keys(HE)) {
    const { training, transforms, validation } = recipes[name];
    const { epochs, batchSize, optimizer, schedule, labelSmoothing } = training;
    const images = 50_000 * (1 - validation!.fraction);
    const total = epochs * stepsPerEpoch(images, batchSize);
    assertEquals([images, stepsPerEpoch(images, batchSize), epochs], [45_000, 352, 182]);
    assert(total >= 64_000 && total - 64_000 < 352, `${total} steps: the first whole epoch from 64,000 on`);
    assertEquals(optimizer, {
      kind: "sgd",
      momentum: 0.9,
      nesterov: false,
      weightDecay: 1e-4,
      offsetScale: 1,
    });
    assertEquals(transforms[0], { kind: "augment", flip: true, crop: 4, padding: "zero" });
    assertEquals(labelSmoothing, 0);
    const rates = [0, 399, 400, 31_999, 32_000, 47_999, 48_000, 63_999]
      .map((step) => Number(learningRate(schedule, step, total).toPrecision(12)));
    const first = name === "resnet110" ? 0.01 : 0.1; // warm-up at depth 110 only, for 400 steps
    assertEquals(rates, [first, first, 0.1, 0.1, 0.01, 0.01, 0.001, 0.001], name);
  }
});

Deno.test("recipes: the tutorial's numbers", () => {
  const { network, transforms, validation, training, testing } = recipes.tutorial;
  const { batchSize, epochs, optimizer, schedule } = training;
  assertEquals([batchSize, epochs], [64, 20]);
  assertEquals(optimizer, {
    kind: "sgd",
    momentum: 0.9,
    nesterov: false,
    weightDecay: 0.001,
    offsetScale: 1,
  });
  assertEquals([learningRate(schedule, 0, 10), learningRate(schedule, 9, 10)], [0.01, 0.01]);
  assertEquals(validation, { fraction: 0.1, seed: 42 });
  assertEquals(transforms, [ // and nothing at random
    { kind: "resize", size: 224, quantize: true },
    { kind: "normalize", mean: [0.4914, 0.4822, 0.4465], std: [0.2023, 0.1994, 0.2010] },
  ]);
  assertEquals([testing.statistics, testing.batchSize, testing.tta], ["batch", 64, false]);
  assertEquals([training.whiten, training.frozen, training.labelSmoothing], [false, undefined, 0]);
  assertEquals(parameterCount(buildModel(network)), 21_298_314, "torchsummary's, ResNet-34 with biases");
});

Deno.test("recipes: torchvision's networks, with its normalisation", () => {
  for (const [name, count] of Object.entries(TORCHVISION)) {
    const { network, transforms } = recipes[name];
    assertEquals(parameterCount(buildModel(network, { numClasses: 1000 })), count, name);
    assertEquals(buildModel(network).nodes.some((node) => node.name === "layer4.1.bn2"), true, name);
    assertEquals(transforms.slice(1), [
      { kind: "resize", size: 224, quantize: true },
      { kind: "normalize", mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
    ]);
  }
});

Deno.test("recipes: images are shifted before they are made larger, and normalised last", () => {
  const kinds = Object.values(recipes).map(({ transforms }) => transforms.map(({ kind }) => kind).join(" "));
  assertEquals(kinds, [
    ...["augment normalize", "augment normalize", "resize normalize"],
    "crop augment normalize",
    ...Object.keys(HE).map(() => "augment normalize"),
    ...Object.keys(TORCHVISION).map(() => "augment resize normalize"),
  ]);
});

Deno.test("recipes: a whitened first layer is a 2 x 2 convolution of 24 filters, and keeps what it starts with", () => {
  const whitened = Object.values(recipes).filter(({ training }) => training.whiten);
  assertEquals(whitened.map(({ name }) => name), ["fast", "accurate"]);
  for (const { name, network, training } of whitened) {
    const [first] = parameters(buildModel(network));
    assertEquals([...first.shape], [2, 2, 3, 24], name);
    assertEquals(training.frozen?.map((layer) => `${layer}.weight`), [first.name], name);
  }
});

Deno.test("recipes: only the accurate one is measured from six views", () => {
  const views = Object.values(recipes).filter(({ testing }) => testing.tta);
  assertEquals(views.map(({ name }) => name), ["accurate"]);
});

Deno.test("findRecipe: an unknown name is answered with the known ones, and the one that may be meant", () => {
  const known = "fast, accurate, tutorial, photos, resnet20, resnet32, resnet44, resnet56, resnet110, " +
    "resnet18, resnet34, resnet50, resnet101, resnet152";
  const there = `there are ${known}, or give a .json file`;
  for (const name of ["slow", "", "toString"]) {
    const { message } = assertThrows(() => findRecipe(name), UsageError);
    assertEquals(message, `Unknown recipe "${name}": ${there}`);
  }
  const meant = { fsat: "fast", resnet: "resnet20", Tutorial: "tutorial", resnet200: "resnet20" };
  for (const [name, near] of Object.entries(meant)) {
    const { message } = assertThrows(() => findRecipe(name), UsageError);
    assertEquals(message, `Unknown recipe "${name}": did you mean ${near}? ${there}`);
  }
});
