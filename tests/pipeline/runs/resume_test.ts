import { assertEquals, assertThrows } from "@std/assert";
import type { RunInfo } from "../../../pipeline/runs/folder.ts";
import { type Asked, checkClasses, checkResumed, checkSameData } from "../../../pipeline/runs/resume.ts";
import type { Recipe } from "../../../pipeline/training/recipe.ts";
import { recipes } from "../../../pipeline/training/recipes.ts";
import { UsageError, UserError } from "../../../runtime/system/errors.ts";
import { madeData } from "../../made_data.ts";

const { fast } = recipes;
const recipe: Recipe = { ...fast, training: { ...fast.training, epochs: 3 } };
const info: RunInfo = {
  recipe,
  seed: 7,
  precision: "float32",
  limit: 200,
  cpu: { model: "Abacus", instructions: "beads", cores: 2 },
  versions: {},
  started: "2026-11-25T09:30:00.000Z",
};

/** Where each flag's value stands. */
const PATHS: Readonly<Record<string, string>> = {
  recipe: "recipe",
  name: "recipe.name",
  epochs: "recipe.training.epochs",
  batch: "recipe.training.batchSize",
  lr: "recipe.training.schedule.rate",
};

function asked(values: Readonly<Record<string, unknown>>): Asked[] {
  return Object.entries(values).map(([name, value]) => ({
    name: `--${name}`,
    path: PATHS[name] ?? name,
    value,
  }));
}

Deno.test("checkResumed: the run's settings may be repeated", () => {
  checkResumed([], info, "runs/a");
  const same = {
    recipe: JSON.parse(JSON.stringify(recipe)),
    name: "fast",
    epochs: 3,
    batch: fast.training.batchSize,
    lr: fast.training.schedule.rate,
    seed: 7,
    precision: "float32",
    limit: 200,
  };
  checkResumed(asked(same), info, "runs/a");
  const { transforms, name, network, training, ...rest } = recipe;
  const otherOrder = { ...rest, training, network, name, transforms, about: "in words of another day" };
  checkResumed(asked({ recipe: otherOrder }), info, "runs/a");
  checkResumed(asked({ init: "w.safetensors", threads: 2, device: "cpu" }), {
    ...info,
    init: "w.safetensors",
    threads: 2,
    device: "cpu",
  }, "runs/a");
});

Deno.test("checkResumed: names what contradicts, what was given and what the run has", () => {
  const cases: [Readonly<Record<string, unknown>>, string][] = [
    [{ name: "resnet20" }, "--name resnet20: the run has fast"],
    [{ epochs: 4 }, "--epochs 4: the run has 3"],
    [{ batch: 64 }, `--batch 64: the run has ${fast.training.batchSize}`],
    [{ lr: 0 }, `--lr 0: the run has ${fast.training.schedule.rate}`],
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
      () => checkResumed(asked(flags), info, "runs/a"),
      UsageError,
      `Cannot resume runs/a with ${problem}; leave it out, or start a new run`,
    );
  }
});

Deno.test("checkResumed: of a recipe, the first field that is another", () => {
  const { lookahead: _, ...training } = recipe.training;
  const cases: [unknown, string][] = [
    [recipes.resnet20, "its name is resnet20, the run has fast"],
    [fast, "its training.epochs is 9, the run has 3"],
    [{ ...recipe, network: recipes.accurate.network }, "its network.cfg.widths.0 is 64, the run has 48"],
    [{ ...recipe, transforms: [] }, 'its transforms.0 is none, the run has {"kind":"augment",'],
    [{ ...recipe, validation: undefined }, 'its validation is none, the run has {"fraction":0.1,"seed":42}'],
    [{ ...recipe, training }, 'its training.lookahead is none, the run has {"every":8,'],
    [
      { ...recipe, training: { ...recipe.training, frozen: ["stem.0", "stages"] } },
      "its training.frozen.1 is stages, the run has none",
    ],
  ];
  for (const [recipe, problem] of cases) {
    assertThrows(
      () => checkResumed([{ name: "recipe", path: "recipe", value: recipe }], info, "runs/a"),
      UsageError,
      `Cannot resume runs/a with recipe: ${problem}`,
    );
  }
});

Deno.test("checkClasses, checkSameData: other classes and other pictures are refused, what was never noted is not", () => {
  const data = { ...madeData({ images: 4, size: 4, classes: 2 }), digest: "of these" };
  const { classes } = data.train;
  checkClasses(info, data, "Cannot test runs/a");
  checkSameData({ ...info, classes, digest: "of these" }, data, "runs/a");
  const { message } = assertThrows(
    () => checkClasses({ classes: ["cat", "a\nb", "dog"] }, data, "Cannot test runs/a"),
    UserError,
  );
  const found = `2 classes (${classes.join(", ")})`;
  assertEquals(
    message,
    `Cannot test runs/a: the data have ${found}, those that it was begun with 3 classes (cat, a\\nb, dog); ` +
      "give the folder of these as --data",
  );
  for (const digest of ["of others", undefined]) {
    assertThrows(
      () => checkSameData({ ...info, classes, digest }, data, "runs/a"),
      UserError,
      "Cannot resume runs/a: the images are not those that it was begun with; ",
    );
  }
});
