/** Recipes from files: whole ones, and what is different from one that comes with the project. */
import { assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import type { Transform } from "../../../pipeline/data/dataset.ts";
import type { Optimizer } from "../../../pipeline/training/optimizer.ts";
import type { Network, Recipe } from "../../../pipeline/training/recipe.ts";
import { loadRecipe } from "../../../pipeline/training/recipe_file.ts";
import { recipes } from "../../../pipeline/training/recipes.ts";
import type { Schedule } from "../../../pipeline/training/schedule.ts";
import { UsageError, UserError } from "../../../runtime/system/errors.ts";
import { granted } from "../../needs.ts";

const { fast, resnet20 } = recipes;

/** A test with a folder of its own; `load` reads what stands in a file of it. */
function test(
  name: string,
  fn: (load: (value: unknown, file?: string) => Promise<Recipe>, dir: string) => Promise<void>,
): void {
  Deno.test({
    name: `loadRecipe: ${name}`,
    ignore: !granted("read", "write"),
    async fn(): Promise<void> {
      const dir = await Deno.makeTempDir();
      try {
        await fn(async (value, file = "my.json") => {
          const path = join(dir, file);
          await Deno.writeTextFile(path, typeof value === "string" ? value : JSON.stringify(value));
          return await loadRecipe(path);
        }, dir);
      } finally {
        await Deno.remove(dir, { recursive: true });
      }
    },
  });
}

Deno.test("loadRecipe: one that comes with the project, by its name", async () => {
  assertEquals(await loadRecipe("fast"), fast);
  await assertRejects(
    () => loadRecipe("resnet21"),
    UsageError,
    'Unknown recipe "resnet21": did you mean resnet20? there are fast, accurate, tutorial, photos, resnet20, ',
  );
});

test("a whole one is what stands there; its name is the file's unless it has one", async (load) => {
  const { name: _, ...nameless } = resnet20;
  assertEquals(await load({ ...resnet20, name: "other" }), { ...resnet20, name: "other" });
  assertEquals(await load(nameless), { ...resnet20, name: "my" });
  assertEquals(await load(nameless, "My net (2).JSON"), { ...resnet20, name: "My-net-2-" });
});

test("a byte order mark and any line ends are taken", async (load) => {
  const text = "\ufeff" + JSON.stringify(fast, null, 2).replaceAll("\n", "\r\n");
  assertEquals(await load(text), fast);
});

test("with extends, everything that is not named is the other's", async (load) => {
  for (const recipe of Object.values(recipes)) {
    assertEquals(await load({ extends: recipe.name }), {
      ...recipe,
      name: "my",
      about: `${recipe.name}, changed by my.json`,
    });
  }
  const { name, about } = await load({ extends: "fast", name: "quick", about: "a quick one" });
  assertEquals([name, about], ["quick", "a quick one"]);
});

test("objects are merged, field by field, at any depth", async (load) => {
  const { network, training, testing } = await load({
    extends: "fast",
    network: { cfg: { celuAlpha: 0.3 } },
    training: { epochs: 3, optimizer: { others: { momentum: 0.5 } }, schedule: { rate: 0.2 } },
    testing: { tta: true },
  });
  assertEquals(network, {
    kind: "fast",
    cfg: { stemFilters: 24, widths: [48, 128, 160], headScale: 1 / 9, celuAlpha: 0.3 },
  });
  assertEquals(training, {
    ...fast.training,
    epochs: 3,
    optimizer: {
      kind: "muon",
      momentum: 0.6,
      others: { kind: "sgd", momentum: 0.5, nesterov: true, weightDecay: 1.33e-3, offsetScale: 16 },
      othersRate: 5,
    },
    schedule: { kind: "linear", rate: 0.2, knots: [[0, 0.5], [0.1, 1], [1, 0]] },
  });
  assertEquals(testing, { statistics: "running", batchSize: 500, tta: true });
  assertEquals(fast.training.epochs, 9, "the recipe that comes with the project is as it was");
});

test("an object of another kind takes the place of the one that was there, one of the same kind is merged", async (load) => {
  const sgd: Optimizer = { kind: "sgd", momentum: 0.9, nesterov: false, weightDecay: 0, offsetScale: 1 };
  const steps: Schedule = { kind: "steps", rate: 0.1, boundaries: [], factor: 1 };
  const { training } = await load({ extends: "fast", training: { optimizer: sgd, schedule: steps } });
  assertEquals(training, { ...fast.training, optimizer: sgd, schedule: steps });

  const network: Network = { kind: "resnet", depths: [1], cfg: { stem: "cifar", widths: [4] } };
  assertEquals((await load({ extends: "fast", network })).network, network);
  const merged = await load({ extends: "resnet20", network: { kind: "resnet", cfg: { bias: true } } });
  assertEquals(merged.network, {
    kind: "resnet",
    depths: [3, 3, 3],
    cfg: { stem: "cifar", shortcut: "padding", bias: true, widths: [16, 32, 64] },
  });
  await assertRejects(
    () => load({ extends: "fast", training: { optimizer: { kind: "sgd", momentum: 0.5 } } }),
    UserError,
    "training.optimizer.nesterov is missing",
    "nothing of the other kind is kept",
  );
});

test("null takes away what may be left out, and what may not is then missing", async (load) => {
  const changed = await load({
    extends: "fast",
    validation: null,
    training: { lookahead: null, frozen: null },
  });
  const { validation: _, ...withoutValidation } = fast;
  const { lookahead: __, frozen: ___, ...training } = fast.training;
  assertEquals(changed, {
    ...withoutValidation,
    name: "my",
    about: "fast, changed by my.json",
    training,
  });
  assertEquals("validation" in changed, false);
  assertEquals(await load({ extends: "resnet20", training: { lookahead: null } }), {
    ...resnet20,
    name: "my",
    about: "resnet20, changed by my.json",
  });
  await assertRejects(() => load({ extends: "fast", testing: null }), UserError, ": testing is missing; ");
  await assertRejects(
    () => load({ extends: "fast", training: { optimizer: { kind: null } } }),
    UserError,
    ": training.optimizer.kind is missing: expected one of sgd, muon, adamw; ",
  );
  await assertRejects(
    () => load({ ...fast, validation: null }),
    UserError,
    ": validation is null: expected an object with fraction, seed, stratify; ",
    "in a whole recipe there is nothing to take away",
  );
});

test("lists are replaced whole", async (load) => {
  const normalize: Transform = { kind: "normalize", mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] };
  const { transforms, training, network } = await load({
    extends: "fast",
    network: { cfg: { widths: [8] } },
    transforms: [normalize],
    training: { frozen: [], schedule: { knots: [[0, 1], [1, 1]] } },
  });
  assertEquals(transforms, [normalize]);
  assertEquals([training.frozen, training.schedule], [[], {
    kind: "linear",
    rate: 0.12,
    knots: [[0, 1], [1, 1]],
  }]);
  assertEquals(network, { kind: "fast", cfg: { stemFilters: 24, widths: [8], headScale: 1 / 9 } });
});

test("what is wrong is one line that names the file and the field", async (load, dir) => {
  const path = join(dir, "my.json");
  const known = Object.keys(recipes).join(", ");
  const cases: [value: unknown, problem: string][] = [
    ["", "it is not JSON (Unexpected end of JSON input)"],
    [
      '{ "extends": "fast", }',
      "it is not JSON (Expected double-quoted property name in JSON at position 21 (line 1 column 22))",
    ],
    [{ extends: "fats" }, `extends is "fats": did you mean "fast"? expected one of ${known}`],
    [{ extends: "toString" }, `extends is "toString": expected one of ${known}`],
    [{ extends: 5 }, `extends is 5: expected one of ${known}`],
    [{ extends: null }, `extends is null: expected one of ${known}`],
    [{ extends: ["fast"] }, `extends is a list of 1: expected one of ${known}`],
    [
      { extends: "fast", name: "a b" },
      'name is "a b": expected letters, digits, dots, dashes and underscores',
    ],
    [{ extends: "fast", about: 3 }, "about is 3: expected a text"],
    [
      { extends: "fast", epochs: 3 },
      "epochs is not a field: there are name, about, network, transforms, validation, training, testing, stopping",
    ],
    [
      { extends: "fast", trianing: { epochs: 3 } },
      'trianing is not a field: did you mean "training"? there are name, about, network, transforms, validation, ' +
      "training, testing, stopping",
    ],
    [
      { extends: "fast", training: { epoch: 3 } },
      'training.epoch is not a field: did you mean "epochs"? there are epochs, batchSize, optimizer, schedule, scheduleBatch, ' +
      "labelSmoothing, classWeights, lookahead, whiten, frozen, freeze, precision",
    ],
    [
      { extends: "fast", training: 3 },
      "training is 3: expected an object with epochs, batchSize, optimizer, schedule, scheduleBatch, " +
      "labelSmoothing, classWeights, lookahead, whiten, frozen, freeze, precision",
    ],
    [
      { extends: "fast", training: [] },
      "training is an empty list: expected an object with epochs, batchSize, " +
      "optimizer, schedule, scheduleBatch, labelSmoothing, classWeights, lookahead, whiten, frozen, freeze, precision",
    ],
    [
      { extends: "fast", training: { schedule: { rate: "0.1" } } },
      'training.schedule.rate is "0.1": expected a number of at least 0',
    ],
    [
      { extends: "fast", training: { optimizer: { kind: "adam" } } },
      'training.optimizer.kind is "adam": did you mean "adamw"? expected one of sgd, muon, adamw',
    ],
    [
      { extends: "fast", transforms: [{ kind: "resize", size: 0, quantize: true }] },
      "transforms.0.size is 0: expected a whole number of at least 1",
    ],
  ];
  for (const [value, problem] of cases) {
    const { message } = await assertRejects(() => load(value), UserError);
    assertEquals(message, `Cannot use the recipe ${path}: ${problem}; mend the file`);
  }
  const there = "name, about, network, transforms, validation, training, testing, stopping";
  const { training, ...rest } = fast;
  const whole: [value: unknown, problem: string][] = [
    ["[]", `it is an empty list: expected an object with ${there}`],
    ["3", `it is 3: expected an object with ${there}`],
    [{}, "about is missing"],
    [rest, "training is missing"],
    [
      { ...fast, training: { ...training, epochs: 0 } },
      "training.epochs is 0: expected a whole number of at least 1",
    ],
    [{ extend: "fast" }, `extend is not a field: there are ${there}`],
  ];
  for (const [value, problem] of whole) {
    const { message } = await assertRejects(() => load(value), UserError);
    const advice = 'mend the file, or name in "extends" the recipe that it changes';
    assertEquals(message, `Cannot use the recipe ${path}: ${problem}; ${advice}`);
  }
});

test("a file that is not there, a folder, one in UTF-16", async (load, dir) => {
  const advice = "give the name of a recipe, or the path of a JSON file";
  const none = join(dir, "none.json");
  await assertRejects(
    () => loadRecipe(none),
    UserError,
    `Cannot read ${none}: no such file or directory; ${advice}`,
  );
  const folder = join(dir, "folder.json");
  await Deno.mkdir(folder);
  await assertRejects(
    () => loadRecipe(folder),
    UserError,
    `Cannot read ${folder}: is a directory; ${advice}`,
  );
  const wide = join(dir, "wide.json");
  await Deno.writeFile(
    wide,
    new Uint8Array(Uint16Array.from("\ufeff{}", (text) => text.charCodeAt(0)).buffer),
  );
  await assertRejects(
    () => loadRecipe(wide),
    UserError,
    `Cannot use the recipe ${wide}: it is not text in UTF-8; mend the file`,
  );
  await assertRejects(() => load("{}", "my.yaml"), UsageError, "or give a .json file");
});
