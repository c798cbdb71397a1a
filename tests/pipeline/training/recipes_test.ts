/** The recipes: their networks, and the numbers of the papers that they are from. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { parameterCount, parameters } from "../../../layers/mod.ts";
import { buildModel, findRecipe, recipes } from "../../../pipeline/training/recipes.ts";
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

Deno.test("recipes: names, and each under its own", () => {
  assertEquals(Object.keys(recipes), [
    ...["fast", "accurate", "tutorial"],
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
  for (const { name, model: spec, resize } of Object.values(recipes)) {
    for (const numClasses of [10, 3]) {
      const model = buildModel(spec, numClasses);
      const size = resize?.size ?? 32;
      assertEquals([...model.input.shape], [size, size, 3], name);
      assertEquals([...model.output.shape], [numClasses], name);
    }
    assertEquals(buildModel(spec).output.shape[0], 10);
  }
});

Deno.test("recipes: plain data, the same after a run folder has kept it", () => {
  assertEquals(JSON.parse(JSON.stringify(recipes)), recipes);
});

Deno.test("recipes: the CIFAR networks are He et al.'s, their sizes those of the paper's table 6", () => {
  for (const [name, blocks] of Object.entries(HE)) {
    const model = buildModel(recipes[name].model);
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
    const { epochs, batchSize, optimizer, schedule, augment, validation, labelSmoothing } = recipes[name];
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
    assertEquals(augment, { flip: true, crop: 4, padding: "zero" });
    assertEquals(labelSmoothing, 0);
    const rates = [0, 399, 400, 31_999, 32_000, 47_999, 48_000, 63_999]
      .map((step) => Number(learningRate(schedule, step, total).toPrecision(12)));
    const first = name === "resnet110" ? 0.01 : 0.1; // warm-up at depth 110 only, for 400 steps
    assertEquals(rates, [first, first, 0.1, 0.1, 0.01, 0.01, 0.001, 0.001], name);
  }
});

Deno.test("recipes: the tutorial's numbers", () => {
  const { batchSize, epochs, optimizer, schedule, validation, resize, stats, evaluation, ...rest } =
    recipes.tutorial;
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
  assertEquals(resize, { size: 224, quantize: true });
  assertEquals(stats, { mean: [0.4914, 0.4822, 0.4465], std: [0.2023, 0.1994, 0.2010] });
  assertEquals([evaluation, rest.evaluationBatchSize], ["batch", 64]);
  assertEquals([rest.augment, rest.whiten, rest.labelSmoothing], [undefined, false, 0]);
  assertEquals(parameterCount(buildModel(rest.model)), 21_298_314, "torchsummary's, ResNet-34 with biases");
});

Deno.test("recipes: torchvision's networks, with its normalisation", () => {
  for (const [name, count] of Object.entries(TORCHVISION)) {
    const { model, stats, resize } = recipes[name];
    assertEquals(parameterCount(buildModel(model, 1000)), count, name);
    assertEquals(buildModel(model).nodes.some((node) => node.name === "layer4.1.bn2"), true, name);
    assertEquals(stats, { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] });
    assertEquals(resize?.size, 224);
  }
});

Deno.test("recipes: a whitened first layer is a 2 x 2 convolution of 24 filters", () => {
  for (const { name, model, whiten } of Object.values(recipes)) {
    const [first] = parameters(buildModel(model));
    if (whiten) assertEquals([...first.shape], [2, 2, 3, 24], name);
  }
});

Deno.test("findRecipe: an unknown name is answered with the known ones", () => {
  const known = "fast, accurate, tutorial, resnet20, resnet32, resnet44, resnet56, resnet110, " +
    "resnet18, resnet34, resnet50, resnet101, resnet152";
  for (const name of ["slow", "", "toString"]) {
    assertThrows(() => findRecipe(name), UsageError, `Unknown recipe "${name}": there are ${known}`);
  }
});
