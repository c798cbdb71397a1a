/** What a recipe may be, and what is said of one that may not; the networks that they describe. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { apply, init, parameters } from "../../../layers/mod.ts";
import {
  buildModel,
  checkTraining,
  type Network,
  type Recipe,
  recipeSchema,
  type Training,
} from "../../../pipeline/training/recipe.ts";
import { recipes } from "../../../pipeline/training/recipes.ts";
import { tf } from "../../../runtime/mod.ts";
import { UsageError } from "../../../runtime/system/errors.ts";
import { check, isOf } from "../../../runtime/system/schema.ts";
import { leakTest } from "../../runtime/harness.ts";

const { fast, accurate, tutorial, resnet20, resnet110, resnet18 } = recipes;

/** What keeps a value from being a recipe. */
function problemOf(value: unknown): string {
  return assertThrows(() => check(recipeSchema, value, (problem) => new Error(problem)), Error).message;
}

/** What is put in the place of a field that is taken away. */
const GONE = Symbol("gone");

/** The same data with another value in one place, which may be a new one. */
function put(data: unknown, [key, ...rest]: readonly string[], value: unknown): unknown {
  if (key === undefined) return value;
  if (Array.isArray(data)) return data.map((item, i) => `${i}` === key ? put(item, rest, value) : item);
  const { [key]: child, ...others } = data as Readonly<Record<string, unknown>>;
  if (rest.length === 0 && value === GONE) return others;
  return { ...data as Readonly<Record<string, unknown>>, [key]: put(child, rest, value) };
}

/** Asserts what is said of a recipe with another value in one place: `PATH PHRASE`. */
function assertRefused(recipe: Recipe, cases: [path: string, value: unknown, phrase: string][]): void {
  for (const [path, value, phrase] of cases) {
    assertEquals(problemOf(put(recipe, path.split("."), value)), `${path} ${phrase}`);
  }
}

Deno.test("recipeSchema: the recipes that come with the project, as they are, to the order of their fields", () => {
  for (const recipe of Object.values(recipes)) {
    const read = check(recipeSchema, JSON.parse(JSON.stringify(recipe)), (problem) => new Error(problem));
    assertEquals(read, recipe);
    assertEquals(JSON.stringify(read), JSON.stringify(recipe), recipe.name);
  }
});

Deno.test("recipeSchema: what no built-in recipe has, and what may be left out", () => {
  const { validation: _, ...rest } = resnet20;
  const adamw = { kind: "adamw", beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01 };
  const recipe = {
    ...rest,
    name: "my.own_recipe-2",
    about: "",
    network: {
      kind: "resnet",
      depths: [1],
      cfg: {
        stem: "imagenet",
        inputSize: 48,
        widths: [8],
        block: "preActivationBottleneck",
        naming: "torchvision",
        shortcut: "projection",
        bias: true,
        dropout: 0.5,
      },
    },
    transforms: [],
    training: { ...rest.training, optimizer: adamw, frozen: [], precision: "float32" },
  };
  assertEquals<unknown>(check(recipeSchema, recipe, (problem) => new Error(problem)), recipe);
  const open = { ...recipe, network: { kind: "fast", cfg: {} } };
  assertEquals<unknown>(check(recipeSchema, open, (problem) => new Error(problem)), open);
  for (const precision of ["auto", "tf32", "bfloat16"]) {
    const other = { ...recipe, training: { ...recipe.training, precision } };
    assertEquals<unknown>(check(recipeSchema, other, (problem) => new Error(problem)), other);
  }
});

Deno.test("recipeSchema: no recipe at all", () => {
  const expected =
    "expected an object with name, about, network, transforms, validation, training, testing, stopping";
  assertEquals(problemOf(undefined), `it is missing: ${expected}`);
  assertEquals(problemOf(null), `it is null: ${expected}`);
  assertEquals(problemOf("fast"), `it is "fast": ${expected}`);
  assertEquals(problemOf([fast]), `it is a list of 1: ${expected}`);
  assertEquals(problemOf({}), "name is missing");
});

Deno.test("recipeSchema: name, description and the names of the parts", () => {
  const known = "there are name, about, network, transforms, validation, training, testing, stopping";
  const name = "expected letters, digits, dots, dashes and underscores";
  assertRefused(fast, [
    ["name", "my recipe", `is "my recipe": ${name}`],
    ["name", "../fast", `is "../fast": ${name}`],
    ["name", "", `is "": ${name}`],
    ["name", 5, `is 5: ${name}`],
    ["name", GONE, "is missing"],
    ["about", ["fast"], "is a list of 1: expected a text"],
    ["about", GONE, "is missing"],
    ["transform", [], `is not a field: did you mean "transforms"? ${known}`],
    ["epochs", 9, `is not a field: ${known}`],
    ["toString", 9, `is not a field: ${known}`],
  ]);
});

Deno.test("recipeSchema: the network", () => {
  const settings = "inputSize, channels, stemFilters, widths, celuAlpha, headScale";
  const whole = "expected a whole number of at least 1";
  const sizes = `${whole}, or the two of [height, width]`;
  assertRefused(fast, [
    ["network", GONE, "is missing"],
    ["network", "fast", 'is "fast": expected an object with a kind'],
    ["network", [], "is an empty list: expected an object with a kind"],
    ["network.kind", GONE, "is missing: expected one of resnet, fast"],
    ["network.kind", "resnt", 'is "resnt": did you mean "resnet"? expected one of resnet, fast'],
    ["network.kind", "vgg", 'is "vgg": expected one of resnet, fast'],
    ["network.kind", 20, "is 20: expected one of resnet, fast"],
    ["network.depths", [3, 3, 3], "is not a field: there are kind, cfg"],
    ["network.cfg", GONE, "is missing"],
    ["network.cfg", 5, `is 5: expected an object with ${settings}`],
    ["network.cfg", [], `is an empty list: expected an object with ${settings}`],
    ["network.cfg.width", [64], `is not a field: did you mean "widths"? there are ${settings}`],
    ["network.cfg.numClasses", 10, `is not a field: there are ${settings}`],
    ["network.cfg.inputSize", 31.5, `is 31.5: ${whole}`],
    ["network.cfg.inputSize", "32", `is "32": ${sizes}`],
    ["network.cfg.inputSize", [32, 32, 3], `is a list of 3: ${sizes}`],
    ["network.cfg.stemFilters", "24", `is "24": ${whole}`],
    ["network.cfg.widths", 64, "is 64: expected a list of at least 1"],
    ["network.cfg.widths", [], "is an empty list: expected a list of at least 1"],
    ["network.cfg.widths.1", 0, `is 0: ${whole}`],
    ["network.cfg.celuAlpha", 0, "is 0: expected a number above 0"],
    ["network.cfg.headScale", -0.1, "is -0.1: expected a number above 0"],
  ]);
  const others =
    "stem, inputSize, channels, widths, stemFilters, groups, widthPerGroup, block, naming, shortcut, bias, " +
    "dropout, stochasticDepth";
  const blocks = "expected one of basic, bottleneck, preActivation, preActivationBottleneck";
  const share = "expected a number of at least 0 and below 1";
  assertRefused(resnet20, [
    ["network.depths", GONE, "is missing"],
    ["network.depths", 3, "is 3: expected a list of at least 1"],
    ["network.depths", [], "is an empty list: expected a list of at least 1"],
    ["network.depths.2", 0, "is 0: expected a whole number from 1 to 1000"],
    ["network.depths.2", 1e9, "is 1000000000: expected a whole number from 1 to 1000"],
    ["network.cfg.celuAlpha", 24, `is not a field: there are ${others}`],
    [
      "network.cfg.stem",
      "cifar10",
      'is "cifar10": did you mean "cifar"? expected one of imagenet, deep, cifar',
    ],
    ["network.cfg.inputSize", 0, `is 0: ${whole}`],
    ["network.cfg.widths.0", 16.5, `is 16.5: ${whole}`],
    ["network.cfg.block", "botleneck", `is "botleneck": did you mean "bottleneck"? ${blocks}`],
    ["network.cfg.block", () => 1, `is a function: ${blocks}`],
    ["network.cfg.naming", "pytorch", 'is "pytorch": expected one of tutorial, torchvision'],
    ["network.cfg.shortcut", false, "is false: expected one of projection, padding, average"],
    ["network.cfg.bias", 1, "is 1: expected true or false"],
    ["network.cfg.dropout", 1, `is 1: ${share}`],
    ["network.cfg.dropout", -0.5, `is -0.5: ${share}`],
  ]);
  // The settings of another kind of network.
  const mixed = { ...fast, network: { ...fast.network, kind: "resnet", depths: [1] } };
  assertEquals(
    problemOf(mixed),
    `network.cfg.headScale is not a field: there are ${others}`,
  );
});

Deno.test("recipeSchema: the transforms", () => {
  assertRefused(resnet18, [
    ["transforms", GONE, "is missing"],
    ["transforms", { kind: "resize" }, "is an object: expected a list"],
    ["transforms.0", "augment", 'is "augment": expected an object with a kind'],
    [
      "transforms.0.kind",
      "augmnt",
      'is "augmnt": did you mean "augment"? expected one of resize, normalize, augment, crop',
    ],
    ["transforms.1.kind", GONE, "is missing: expected one of resize, normalize, augment, crop"],
    ["transforms.0.flip", GONE, "is missing"],
    ["transforms.0.flip", "alternately", 'is "alternately": expected true, false or "alternate"'],
    ["transforms.0.crop", -1, "is -1: expected a whole number of at least 0"],
    ["transforms.0.padding", "reflct", 'is "reflct": did you mean "reflect"? expected one of zero, reflect'],
    [
      "transforms.0.pading",
      "zero",
      'is not a field: did you mean "padding"? there are kind, flip, crop, padding',
    ],
    ["transforms.1.size", 0, "is 0: expected a whole number of at least 1"],
    ["transforms.1.quantize", "yes", 'is "yes": expected true or false'],
    ["transforms.2.mean", [], "is an empty list: expected a list of at least 1"],
    ["transforms.2.mean.1", "0.5", 'is "0.5": expected a number'],
    ["transforms.2.std.0", 0, "is 0: expected a number above 0"],
    ["transforms.2.std", GONE, "is missing"],
    ["transforms.2.sdt", [1], 'is not a field: did you mean "std"? there are kind, mean, std'],
  ]);
  const resized = put(resnet18, ["transforms", "2", "kind"], "resize");
  assertEquals(problemOf(resized), "transforms.2.mean is not a field: there are kind, size, quantize");
});

Deno.test("recipeSchema: the split", () => {
  const share = "expected a number above 0 and below 1";
  const seed = "expected a whole number from 0 to 4294967295";
  assertRefused(fast, [
    ["validation", 0.1, "is 0.1: expected an object with fraction, seed, stratify"],
    ["validation", null, "is null: expected an object with fraction, seed, stratify"],
    ["validation.fraction", 0, `is 0: ${share}`],
    ["validation.fraction", 1, `is 1: ${share}`],
    ["validation.fraction", "10 %", `is "10 %": ${share}`],
    ["validation.fraction", GONE, "is missing"],
    ["validation.seed", -1, `is -1: ${seed}`],
    ["validation.seed", 2 ** 32, `is 4294967296: ${seed}`],
    ["validation.seed", 0.5, `is 0.5: ${seed}`],
    ["validation.seed", GONE, "is missing"],
    ["validation.shuffle", false, "is not a field: there are fraction, seed, stratify"],
    ["validation.sed", 1, 'is not a field: did you mean "seed"? there are fraction, seed, stratify'],
  ]);
  assertEquals(isOf(recipeSchema, put(fast, ["validation", "seed"], 2 ** 32 - 1)), true);
});

Deno.test("recipeSchema: the training", () => {
  const settings =
    "epochs, batchSize, optimizer, schedule, scheduleBatch, labelSmoothing, classWeights, lookahead, whiten, frozen, freeze, precision";
  const whole = "expected a whole number of at least 1";
  const share = "expected a number of at least 0 and below 1";
  const weights = 'expected "balanced", or a list of one number a class';
  assertRefused({ ...fast, training: { ...fast.training, classWeights: [1, 2] } }, [
    ["training.classWeights.1", 0, "is 0: expected a number above 0"],
    ["training.classWeights.0", Infinity, "is Infinity: expected a finite number"],
  ]);
  assertRefused(fast, [
    ["training", GONE, "is missing"],
    ["training", 9, `is 9: expected an object with ${settings}`],
    ["training.epoch", 9, `is not a field: did you mean "epochs"? there are ${settings}`],
    ["training.lr", 0.1, `is not a field: there are ${settings}`],
    ["training.epochs", GONE, "is missing"],
    ["training.epochs", 1.5, `is 1.5: ${whole}`],
    ["training.epochs", 0, `is 0: ${whole}`],
    ["training.epochs", "9", `is "9": ${whole}`],
    ["training.epochs", 2 ** 60, "is 1152921504606847000: expected a whole number of at most 53 bits"],
    ["training.batchSize", 0, `is 0: ${whole}`],
    ["training.batchSize", NaN, `is NaN: ${whole}`],
    ["training.batchSize", Infinity, "is Infinity: expected a finite number"],
    ["training.labelSmoothing", 1, `is 1: ${share}`],
    ["training.labelSmoothing", GONE, "is missing"],
    ["training.classWeights", "rare", `is "rare": ${weights}`],
    ["training.classWeights", ["1", 2], `is a list of 2: ${weights}`],
    ["training.lookahead", true, "is true: expected an object with every, keep"],
    ["training.lookahead.every", 0, `is 0: ${whole}`],
    ["training.lookahead.keep", 1, `is 1: ${share}`],
    ["training.lookahead.kep", 1, 'is not a field: did you mean "keep"? there are every, keep'],
    ["training.whiten", "true", 'is "true": expected true or false'],
    ["training.frozen", "stem.0", 'is "stem.0": expected a list'],
    ["training.frozen.0", 0, "is 0: expected a text"],
    ["training.freeze", "head", 'is "head": expected "trunk"'],
    [
      "training.precision",
      "flaot32",
      'is "flaot32": did you mean "float32"? expected one of auto, float32, tf32, bfloat16',
    ],
    ["training.precision", 32, "is 32: expected one of auto, float32, tf32, bfloat16"],
  ]);
});

Deno.test("recipeSchema: the optimizer", () => {
  const share = "expected a number of at least 0 and below 1";
  const kinds = "expected one of sgd, muon, adamw";
  const ofSgd = "kind, momentum, nesterov, weightDecay, offsetScale";
  assertRefused(fast, [
    ["training.optimizer", "sgd", 'is "sgd": expected an object with a kind'],
    ["training.optimizer.kind", "adam", `is "adam": did you mean "adamw"? ${kinds}`],
    ["training.optimizer.kind", "rmsprop", `is "rmsprop": ${kinds}`],
    ["training.optimizer.kind", GONE, `is missing: ${kinds}`],
    ["training.optimizer.momentum", 1, `is 1: ${share}`],
    ["training.optimizer.others", GONE, "is missing"],
    ["training.optimizer.others", 0.85, `is 0.85: expected an object with ${ofSgd}`],
    ["training.optimizer.others.kind", "adamw", 'is "adamw": expected "sgd"'],
    ["training.optimizer.others.momentum", -0.1, `is -0.1: ${share}`],
    ["training.optimizer.others.nesterov", 1, "is 1: expected true or false"],
    ["training.optimizer.others.weightDecay", -1, "is -1: expected a number of at least 0"],
    ["training.optimizer.others.offsetScale", 0, "is 0: expected a number above 0"],
    [
      "training.optimizer.others.weigthDecay",
      0,
      `is not a field: did you mean "weightDecay"? there are ${ofSgd}`,
    ],
    ["training.optimizer.othersRate", -5, "is -5: expected a number of at least 0"],
    [
      "training.optimizer.otherRate",
      5,
      'is not a field: did you mean "othersRate"? there are kind, momentum, others, othersRate',
    ],
  ]);
  const adamw: Recipe = {
    ...fast,
    training: {
      ...fast.training,
      optimizer: { kind: "adamw", beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01 },
    },
  };
  const ofAdamW = "kind, beta1, beta2, epsilon, weightDecay";
  assertRefused(adamw, [
    ["training.optimizer.beta1", 1, `is 1: ${share}`],
    ["training.optimizer.beta2", [0.9], `is a list of 1: ${share}`],
    ["training.optimizer.epsilon", 0, "is 0: expected a number above 0"],
    ["training.optimizer.weightDecay", -0.01, "is -0.01: expected a number of at least 0"],
    ["training.optimizer.momentum", 0.9, `is not a field: there are ${ofAdamW}`],
    ["training.optimizer.beta", 0.9, `is not a field: did you mean "beta1"? there are ${ofAdamW}`],
  ]);
  // The settings of another kind of optimizer.
  assertEquals(
    problemOf(put(fast, ["training", "optimizer", "kind"], "sgd")),
    `training.optimizer.others is not a field: there are ${ofSgd}`,
  );
});

Deno.test("recipeSchema: the schedule", () => {
  const positive = "expected a number of at least 0";
  const whole = "expected a whole number of at least 0";
  const ofSteps = "kind, rate, boundaries, factor, warmUp";
  assertRefused(resnet110, [
    ["training.schedule", 0.1, "is 0.1: expected an object with a kind"],
    ["training.schedule.kind", "cosine", 'is "cosine": expected one of steps, linear'],
    ["training.schedule.kind", "step", 'is "step": did you mean "steps"? expected one of steps, linear'],
    ["training.schedule.rate", -1, `is -1: ${positive}`],
    ["training.schedule.rate", GONE, "is missing"],
    ["training.schedule.boundaries", 32_000, "is 32000: expected a list"],
    ["training.schedule.boundaries.1", 0.5, `is 0.5: ${whole}`],
    ["training.schedule.factor", "0.1", `is "0.1": ${positive}`],
    ["training.schedule.warmup", {}, `is not a field: did you mean "warmUp"? there are ${ofSteps}`],
    ["training.schedule.warmUp", 400, "is 400: expected an object with factor, steps"],
    ["training.schedule.warmUp.factor", -0.1, `is -0.1: ${positive}`],
    ["training.schedule.warmUp.steps", -1, `is -1: ${whole}`],
    ["training.schedule.warmUp.steps", GONE, "is missing"],
    ["training.schedule.warmUp.rate", 0.01, "is not a field: there are factor, steps"],
  ]);
  const pair = "[share of the run, multiple of the rate]";
  const rising = "expected rising shares of the run, from 0 to 1";
  assertRefused(fast, [
    ["training.schedule.knots", GONE, "is missing"],
    ["training.schedule.knots", "linear", 'is "linear": expected a list of at least 2'],
    ["training.schedule.knots", [[0, 1]], "is a list of 1: expected a list of at least 2"],
    ["training.schedule.knots", [[0, 1], [0.5, 0]], `are at 0, 0.5: ${rising}`],
    ["training.schedule.knots", [[0.5, 1], [1, 0]], `are at 0.5, 1: ${rising}`],
    ["training.schedule.knots", [[0, 1], [0.5, 1], [0.5, 0], [1, 0]], `are at 0, 0.5, 0.5, 1: ${rising}`],
    ["training.schedule.knots", [[0, 1], [0.6, 1], [0.4, 0], [1, 0]], `are at 0, 0.6, 0.4, 1: ${rising}`],
    ["training.schedule.knots.1", 0.1, `is 0.1: expected ${pair}`],
    ["training.schedule.knots.1.0", 2, "is 2: expected a number from 0 to 1"],
    ["training.schedule.knots.1.1", -1, `is -1: ${positive}`],
    ["training.schedule.knots.1.1", "1", `is "1": ${positive}`],
    ["training.schedule.boundaries", [], "is not a field: there are kind, rate, knots"],
    ["training.schedule.knot", [], 'is not a field: did you mean "knots"? there are kind, rate, knots'],
  ]);
  const knots = ["training", "schedule", "knots", "1"];
  assertEquals(
    problemOf(put(fast, knots, [0.1])),
    `training.schedule.knots.1.1 is missing: ${positive}`,
  );
  assertEquals(
    problemOf(put(fast, knots, [0.1, 1, 2])),
    `training.schedule.knots.1.2 is one too many: expected ${pair}`,
  );
});

Deno.test("recipeSchema: the testing", () => {
  const known = "statistics, batchSize, tta";
  assertRefused(fast, [
    ["testing", GONE, "is missing"],
    ["testing", "running", `is "running": expected an object with ${known}`],
    ["testing.statistics", "runing", 'is "runing": did you mean "running"? expected one of running, batch'],
    ["testing.statistics", 0, "is 0: expected one of running, batch"],
    ["testing.batchSize", 0, "is 0: expected a whole number of at least 1"],
    ["testing.batchSize", GONE, "is missing"],
    ["testing.tta", 6, "is 6: expected true or false"],
    ["testing.tta", GONE, "is missing"],
    ["testing.batch", 50, `is not a field: did you mean "batchSize"? there are ${known}`],
  ]);
});

/** Everything in a recipe that is no list and no object, with where it is. */
function leaves(data: unknown, path: readonly string[] = []): { path: readonly string[]; leaf: unknown }[] {
  if (typeof data !== "object" || data === null) return [{ path, leaf: data }];
  return Object.entries(data).flatMap(([key, child]) => leaves(child, [...path, key]));
}

/** What a value is, as its schema sees it: `flip` is a text or a truth. */
function typeOf(value: unknown, path: readonly string[]): string {
  const type = Array.isArray(value) ? "list" : value === null ? "null" : typeof value;
  return path.at(-1) === "flip" && type === "string" ? "boolean" : type;
}

Deno.test("recipeSchema: any value of another type, wherever it is, is refused by the name of its place", () => {
  const recipe = fc.constantFrom(...Object.values(recipes));
  const changed = recipe.chain((recipe) =>
    fc.record({
      recipe: fc.constant(recipe),
      place: fc.constantFrom(...leaves(recipe)),
      value: fc.oneof(
        fc.string(),
        fc.double(),
        fc.boolean(),
        fc.constant(null),
        fc.array(fc.integer(), { maxLength: 3 }),
        fc.dictionary(fc.string(), fc.integer(), { maxKeys: 3 }),
      ),
    })
  );
  const seen = new Set<string>();
  fc.assert(
    fc.property(changed, ({ recipe, place: { path, leaf }, value }) => {
      fc.pre(typeOf(value, path) !== typeOf(leaf, path));
      const before = JSON.stringify(recipe);
      const problem = problemOf(put(recipe, path, value));
      assert(problem.startsWith(`${path.join(".")} is `), `${path.join(".")}: ${problem}`);
      assert(/: (did you mean ".*"\? )?expected /.test(problem) && !problem.includes("\n"), problem);
      assertEquals(JSON.stringify(recipe), before);
      seen.add(path[0]);
    }),
    { numRuns: 1000 },
  );
  seen.delete("stopping"); // of one recipe, and not always drawn
  assertEquals(
    [...seen].sort(),
    ["about", "name", "network", "testing", "training", "transforms", "validation"],
  );
});

Deno.test("recipeSchema: the stopping", () => {
  const { photos } = recipes;
  assertRefused(photos, [
    ["stopping", 3, "is 3: expected an object with patience, minutes"],
    ["stopping.patience", 0, "is 0: expected a whole number of at least 1"],
    ["stopping.patience", 1.5, "is 1.5: expected a whole number of at least 1"],
    ["stopping.minutes", 0, "is 0: expected a number above 0"],
    ["stopping.best", true, "is not a field: there are patience, minutes"],
  ]);
});

Deno.test("checkTraining: what train is given, by the names that it has there", () => {
  for (const { training } of Object.values(recipes)) checkTraining(training);
  const refused = (changes: Readonly<Record<string, unknown>>): string =>
    assertThrows(() => checkTraining({ ...fast.training, ...changes } as Training), UsageError).message;
  assertEquals(refused({ epochs: 0 }), "Cannot train: epochs is 0: expected a whole number of at least 1");
  assertEquals(
    refused({ schedule: { ...fast.training.schedule, rate: NaN } }),
    "Cannot train: schedule.rate is NaN: expected a number of at least 0",
  );
  assertEquals(
    refused({ lr: 0.1 }),
    "Cannot train: lr is not a field: there are epochs, batchSize, optimizer, schedule, scheduleBatch, labelSmoothing, " +
      "classWeights, lookahead, whiten, frozen, freeze, precision",
  );
  checkTraining({ ...recipes.resnet20.training, scheduleBatch: 64 });
  assertEquals(
    refused({ scheduleBatch: 0 }),
    "Cannot train: scheduleBatch is 0: expected a whole number of at least 1",
  );
  assertEquals(
    refused({ scheduleBatch: 64 }),
    "Cannot train: the rate of muon does not grow with the batch as that of sgd: leave out --scale-lr " +
      "(scheduleBatch), and give --lr",
  );
  assertEquals(
    assertThrows(() => checkTraining(fast as unknown as Training), UsageError).message.split(":", 2).join(
      ":",
    ),
    "Cannot train: name is not a field",
  );
});

/** Asserts the one line that is said instead of a network. */
function assertNotBuilt(
  network: Network,
  data: Parameters<typeof buildModel>[1],
  message: string,
): void {
  assertEquals(assertThrows(() => buildModel(network, data), UsageError).message, message);
}

Deno.test("buildModel: settings that contradict each other", () => {
  const small = { stem: "cifar", widths: [4, 8] } as const;
  assertNotBuilt(
    { kind: "resnet", depths: [1, 1], cfg: { ...small, widths: [4, 8, 16] } },
    {},
    "Cannot build the network: resnet: each stage needs a width, found 2 depths [1, 1] and 3 widths [4, 8, 16]",
  );
  assertNotBuilt(
    { kind: "resnet", depths: [1, 1, 1], cfg: {} },
    {},
    "Cannot build the network: resnet: each stage needs a width, found 3 depths [1, 1, 1] and " +
      "4 widths [64, 128, 256, 512]",
  );
  assertNotBuilt(
    { kind: "resnet", depths: [1, 1], cfg: { ...small, widths: [8, 4] } },
    {},
    'Cannot build the network: padShortcut "layer1.0.downsample": cannot pad [32, 32, 8] from relu ' +
      '"layer0.0.relu" to 4 channels',
  );
  assertNotBuilt(
    { kind: "resnet", depths: [1, 1], cfg: { ...small, dropout: 1.5 } },
    {},
    'Cannot build the network: dropout "dropout": rate must be from 0 to below 1, found 1.5',
  );
});

Deno.test("buildModel: images that are too small, sizes and classes that are none", () => {
  assertNotBuilt(
    fast.network,
    { inputSize: 8 }, // the stem leaves 7, then each of three stages halves it
    'Cannot build the network: maxPool "stages.2.conv1.1": a 2x2 window with padding 0 does not fit into ' +
      "[1, 1, 160]",
  );
  assertEquals(buildModel(fast.network, { inputSize: 9 }).output.shape, [10]);
  assertNotBuilt(
    fast.network,
    { inputSize: 0 },
    'Cannot build the network: input "input": height must be a whole number from 1 up, found 0',
  );
  assertNotBuilt(
    fast.network,
    { numClasses: 0 },
    'Cannot build the network: linear "fc": features must be a whole number from 1 up, found 0',
  );
});

Deno.test("buildModel: as many classes and as large images as the data has, where the network leaves them open", () => {
  const inputOf = (network: Network, inputSize?: number) => buildModel(network, { inputSize }).input.shape;
  assertEquals(inputOf(fast.network), [32, 32, 3]);
  assertEquals(inputOf(fast.network, 48), [48, 48, 3]);
  assertEquals(inputOf(resnet20.network, 64), [64, 64, 3]);
  assertEquals(inputOf(tutorial.network), [224, 224, 3]);
  assertEquals(inputOf(tutorial.network, 96), [96, 96, 3]);
  const own: Network = { kind: "fast", cfg: { inputSize: 40, widths: [8] } };
  assertEquals(inputOf(own, 48), [40, 40, 3], "its own size is kept");
  assertEquals(inputOf({ kind: "resnet", depths: [1], cfg: { widths: [8], inputSize: 40 } }, 48), [
    40,
    40,
    3,
  ]);
  assertEquals(buildModel(accurate.network, { numClasses: 300 }).output.shape, [300]);
});

leakTest("buildModel: the network of a recipe for larger images runs on them", () => {
  const network: Network = { kind: "fast", cfg: { widths: [8, 8, 8] } };
  const model = buildModel(network, { numClasses: 7, inputSize: 48 });
  assertEquals(parameters(model).at(-1)?.shape, [8, 7]);
  tf.tidy(() => {
    const [logits] = apply(model, init(model, 1), tf.zeros([2, 48, 48, 3]), { train: false });
    assertEquals(logits.shape, [2, 7]);
  });
});
