/** From flags to settings: each flag changes its own place, and a resumed run's settings may be repeated, not changed. */
import { assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { createRun, type RunInfo, type RunSettings } from "../../../pipeline/runs/folder.ts";
import { ownFolder } from "../../../pipeline/runs/owner.ts";
import type { Recipe } from "../../../pipeline/training/recipe.ts";
import { loadRecipe } from "../../../pipeline/training/recipe_file.ts";
import { recipes } from "../../../pipeline/training/recipes.ts";
import { UsageError, UserError } from "../../../runtime/system/errors.ts";
import { settingsOf } from "../../../scripts/cli/settings.ts";
import { type Flag, parseFlags } from "../../../scripts/cli/task.ts";
import { recipeText } from "../../../scripts/recipe.ts";
import { trainTask } from "../../../scripts/train.ts";
import { folderTest } from "../../in_folder.ts";

const { fast } = recipes;

/** What `deno task train` with these arguments asks for. */
function settings(...args: string[]): Promise<Partial<RunSettings>> {
  return settingsOf(trainTask.flags, parseFlags(trainTask, args));
}

/** A test with a folder of its own. */
function test(name: string, fn: (dir: string) => Promise<void>): void {
  folderTest(`settings: ${name}`, fn);
}

/** Writes a recipe file. */
async function write(path: string, value: unknown): Promise<string> {
  await Deno.writeTextFile(path, typeof value === "string" ? value : JSON.stringify(value));
  return path;
}

Deno.test("settings: without flags the recipe fast, as it is", async () => {
  assertEquals(await settings(), { recipe: fast });
  assertEquals(await settings("--recipe", "resnet20"), { recipe: recipes.resnet20 });
  assertEquals(await settings("--quiet", "--no-test", "--data", "d", "--run", "r", "--force"), {
    recipe: fast,
    data: "d",
  });
});

test("each flag changes its place only, as the field of a recipe's file does", async (dir) => {
  const path = join(dir, "my.json");
  /** The recipe with the field that the file names changed, but for what a file adds of its own. */
  const fromFile = async (training: unknown): Promise<Recipe> => {
    const { name, about } = fast;
    return await loadRecipe(await write(path, { extends: "fast", name, about, training }));
  };
  const cases: Readonly<Record<string, [value: string | undefined, expected: Partial<RunSettings>]>> = {
    epochs: ["3", { recipe: await fromFile({ epochs: 3 }) }],
    batch: ["64", { recipe: await fromFile({ batchSize: 64 }) }],
    lr: ["0.05", { recipe: await fromFile({ schedule: { rate: 0.05 } }) }],
    "scale-lr": [undefined, { recipe: await fromFile({ scheduleBatch: 512 }) }],
    "class-weights": ["balanced", { recipe: await fromFile({ classWeights: "balanced" }) }],
    seed: ["7", { recipe: fast, seed: 7 }],
    precision: ["float32", { recipe: fast, precision: "float32" }],
    limit: ["200", { recipe: fast, limit: 200 }],
    data: ["d", { recipe: fast, data: "d" }],
    patience: ["4", { recipe: { ...fast, stopping: { patience: 4 } } }],
    minutes: ["2.5", { recipe: { ...fast, stopping: { minutes: 2.5 } } }],
    init: ["w.safetensors", { recipe: fast, init: "w.safetensors" }],
    freeze: ["trunk", { recipe: await fromFile({ freeze: "trunk" }) }],
    tensorboard: ["logs", { recipe: fast, tensorboard: "logs" }],
    device: ["cpu", { recipe: fast, device: "cpu" }],
    threads: ["2", { recipe: fast, threads: 2 }],
    xla: ["on", { recipe: fast, xla: "on" }],
    "sync-batch-norm": [undefined, { recipe: fast, syncBatchNorm: true }],
  };
  const setting = Object.entries<Flag>(trainTask.flags).filter(([, { sets }]) => sets !== undefined);
  assertEquals(Object.keys(cases), setting.map(([name]) => name), "every flag that sets something");
  for (const [name, [value, expected]] of Object.entries(cases)) {
    assertEquals(await settings(`--${name}`, ...(value === undefined ? [] : [value])), expected, name);
  }
  assertEquals([fast.training.epochs, fast.training.batchSize], [9, 512], "the recipe itself is as it was");

  const steps = await settings("--recipe", "resnet110", "--lr", "0.05", "--epochs", "1", "--seed", "0");
  assertEquals(steps, {
    recipe: {
      ...recipes.resnet110,
      training: {
        ...recipes.resnet110.training,
        epochs: 1,
        schedule: {
          kind: "steps",
          rate: 0.05,
          boundaries: [32_000, 48_000],
          factor: 0.1,
          warmUp: { factor: 0.1, steps: 400 },
        },
      },
    },
    seed: 0,
  });
});

test("a run in tf32 is remembered, to be repeated and not changed", async (dir) => {
  const asked = await settings("--precision", "tf32");
  assertEquals(asked, { recipe: fast, precision: "tf32" });
  const run = await begin(dir, asked);
  assertEquals(await settings("--resume", run, "--precision", "tf32"), {});
  await assertRejects(
    () => settings("--resume", run, "--precision", "float32"),
    UsageError,
    `Cannot resume ${run} with --precision float32: the run has tf32; `,
  );
});

test("flags go before what a recipe's file says", async (dir) => {
  const path = await write(join(dir, "my.json"), { extends: "fast", training: { epochs: 3, batchSize: 64 } });
  const { recipe } = await settings("--recipe", path, "--epochs", "5");
  assertEquals([recipe?.name, recipe?.training.epochs, recipe?.training.batchSize], ["my", 5, 64]);
});

test("--scale-lr takes the recipe's own batch, whatever --batch says, or what its file has", async (dir) => {
  const flags = ["--batch", "1024", "--scale-lr"];
  const { recipe } = await settings("--recipe", "resnet20", ...flags);
  assertEquals(recipe!.training, { ...recipes.resnet20.training, batchSize: 1024, scheduleBatch: 128 });
  const run = await begin(dir, { recipe });
  assertEquals(await settings("--resume", run, ...flags), {});
  assertEquals(await settings("--resume", run, "--recipe", "resnet20", ...flags), {});

  const training = { batchSize: 256, scheduleBatch: 64 };
  const path = await write(join(dir, "my.json"), { extends: "resnet20", training });
  const own = await settings("--recipe", path, ...flags);
  assertEquals([own.recipe?.training.batchSize, own.recipe?.training.scheduleBatch], [1024, 64]);

  const plain = await begin(dir, await settings("--recipe", "resnet20", "--batch", "1024"));
  await assertRejects(
    () => settings("--resume", plain, ...flags),
    UsageError,
    `Cannot resume ${plain} with --scale-lr 1024: the run has none`,
  );
});

test("a printed recipe in a file is the recipe", async (dir) => {
  const path = await write(join(dir, "my.json"), recipeText(fast) + "\n");
  assertEquals(await settings("--recipe", path), await settings("--recipe", "fast"));
});

/** A run's record in a folder of `dir`. */
async function begin(dir: string, asked: Partial<RunSettings>): Promise<string> {
  const run = join(dir, "run");
  const info: RunInfo = {
    recipe: fast,
    seed: 0,
    precision: "float32",
    cpu: { model: "Abacus", instructions: "beads", cores: 2 },
    versions: {},
    started: "2026-11-25T09:30:00.000Z",
    ...asked,
  };
  await using folder = await ownFolder(run);
  await createRun(folder, info, { force: true });
  return run;
}

test("a resumed run has its own; all of them may be repeated", async (dir) => {
  const flags = ["--recipe", "fast", "--epochs", "3", "--batch", "64", "--lr", "0.05", "--seed", "7"];
  const more = [
    "--precision",
    "float32",
    "--limit",
    "200",
    "--init",
    "w",
    "--device",
    "cpu",
    "--threads",
    "2",
  ];
  const run = await begin(dir, await settings(...flags, ...more));
  assertEquals(await settings("--resume", run), {});
  assertEquals(await settings("--resume", run, ...flags, ...more), {});
  assertEquals(await settings("--resume", run, ...flags, "--quiet", "--no-test"), {});
  assertEquals(await settings("--resume", run, ...flags, "--data", "elsewhere"), { data: "elsewhere" });
  assertEquals(await settings("--resume", run, "--tensorboard", "logs"), { tensorboard: "logs" });
  for (let i = 0; i < more.length; i += 2) {
    assertEquals(await settings("--resume", run, ...more.slice(i, i + 2)), {});
  }

  const path = await write(join(dir, "my.json"), { extends: "fast", training: { epochs: 3 } });
  const own = await begin(dir, await settings("--recipe", path, "--batch", "64"));
  assertEquals(await settings("--resume", own, "--recipe", path, "--batch", "64"), {});
});

test("a resumed run's settings may not be changed: the line names the flag and both values", async (dir) => {
  const path = await write(join(dir, "my.json"), { extends: "fast", training: { epochs: 3 } });
  const run = await begin(dir, await settings("--recipe", path, "--seed", "7", "--limit", "200"));
  const refused = async (args: string[], problem: string): Promise<void> => {
    const { message } = await assertRejects(() => settings("--resume", run, ...args), UsageError);
    assertEquals(message, `Cannot resume ${run} with ${problem}; leave it out, or start a new run`);
  };
  await refused(["--seed", "8"], "--seed 8: the run has 7");
  await refused(["--seed", "7", "--limit", "100"], "--limit 100: the run has 200");
  await refused(["--epochs", "9"], "--epochs 9: the run has 3");
  await refused(["--batch", "64"], "--batch 64: the run has 512");
  await refused(["--lr", "0.5"], "--lr 0.5: the run has 0.12");
  await refused(["--precision", "bfloat16"], "--precision bfloat16: the run has float32");
  await refused(["--init", "w"], "--init w: the run has none");
  await refused(["--device", "cpu"], "--device cpu: the run has none");
  await refused(["--threads", "2"], "--threads 2: the run has none");
  await refused(["--recipe", "fast"], "--recipe fast: its name is fast, the run has my");
  await refused(["--recipe", "resnet20"], "--recipe resnet20: its name is resnet20, the run has my");
  await write(path, { extends: "fast", training: { epochs: 3, schedule: { knots: [[0, 1], [1, 0]] } } });
  await refused(
    ["--recipe", path],
    `--recipe ${path}: its training.schedule.knots.0.1 is 1, the run has 0.5`,
  );
  await write(path, { extends: "fast", training: { epochs: 4 } });
  await refused(["--recipe", path], `--recipe ${path}: its training.epochs is 4, the run has 3`);
  assertEquals(
    await settings("--resume", run, "--recipe", path, "--epochs", "3"),
    {},
    "a flag goes before the file",
  );

  const renamed = await begin(dir, await settings("--epochs", "3"));
  await assertRejects(
    () => settings("--resume", renamed, "--recipe", "fast"),
    UsageError,
    `Cannot resume ${renamed} with --recipe fast: its training.epochs is 9, the run has 3; `,
  );
});

test("a resumed run stays in its folder", async (dir) => {
  const run = await begin(dir, {});
  for (const more of [["--run", run], ["--force"]]) {
    await assertRejects(
      () => settings("--resume", run, ...more),
      UsageError,
      `Cannot resume ${run} with --run or --force: a resumed run stays in its folder`,
    );
  }
});

test("what is no recipe and no run is told before anything else", async (dir) => {
  const none = join(dir, "none");
  await assertRejects(
    () => settings("--recipe", "fst"),
    UsageError,
    'Unknown recipe "fst": did you mean fast? ',
  );
  await assertRejects(() => settings("--recipe", `${none}.json`), UserError, `Cannot read ${none}.json: `);
  await assertRejects(() => settings("--resume", none), UserError, `Cannot read ${join(none, "run.json")}: `);
  const run = await begin(dir, {});
  await assertRejects(
    () => settings("--resume", run, "--recipe", "fst"),
    UsageError,
    'Unknown recipe "fst": ',
  );
});
