/** The command that does a run again, held against what such a command would train. */
import { assertEquals } from "@std/assert";
import { repetition } from "../../../pipeline/reports/repeat.ts";
import type { RunInfo } from "../../../pipeline/runs/folder.ts";
import { recipes } from "../../../pipeline/training/recipes.ts";
import { granted } from "../../needs.ts";

const { fast } = recipes;
const info: RunInfo = {
  recipe: fast,
  seed: 3,
  precision: "float32",
  cpu: { model: "a processor", instructions: "AVX-512", cores: 2 },
  versions: {},
  started: "2026-11-25T09:30:07.899Z",
};

function commandOf(changed: Partial<RunInfo>): string {
  const { command } = repetition({ ...info, ...changed });
  return command.replace(/^.* train/, "train");
}

Deno.test({
  name: "repetition: a named recipe by its name, what flags changed by flags, every setting of the run",
  ignore: !granted("read"),
  fn() {
    assertEquals(commandOf({}), "train --recipe fast --seed 3 --precision float32");
    const { training } = fast;
    const schedule = { ...training.schedule, rate: 0.25 };
    const more = { epochs: 2, batchSize: 64, schedule, classWeights: "balanced", freeze: "trunk" } as const;
    const changed = { ...fast, training: { ...training, ...more } };
    assertEquals(
      commandOf({
        ...{ recipe: changed, limit: 100, init: "my w.safetensors", data: "d", device: "cpu" },
        ...{ threads: 2, xla: "off", skipTest: true, syncBatchNorm: true },
      }),
      "train --no-test --sync-batch-norm --recipe fast --epochs 2 --batch 64 --lr 0.25 --class-weights balanced " +
        "--freeze trunk --seed 3 --precision float32 " +
        "--limit 100 --init 'my w.safetensors' --data d --device cpu --threads 2 --xla off",
    );
  },
});

Deno.test({
  name: "repetition: a rate that was scaled from the recipe's own batch is scaled again",
  ignore: !granted("read"),
  fn() {
    const { resnet20 } = recipes;
    const scaled = (scheduleBatch: number): Partial<RunInfo> => ({
      recipe: { ...resnet20, training: { ...resnet20.training, batchSize: 1024, scheduleBatch } },
    });
    const more = "--seed 3 --precision float32";
    assertEquals(commandOf(scaled(128)), `train --scale-lr --recipe resnet20 --batch 1024 ${more}`);
    assertEquals(commandOf(scaled(64)), `train --recipe recipe.json ${more}`);
  },
});

Deno.test({
  name: "repetition: any other recipe is a file, whatever it calls itself",
  ignore: !granted("read"),
  fn() {
    const training = { ...fast.training, labelSmoothing: 0.5 };
    const recipes = [
      ...["fast", "../$(my) net"].map((name) => ({ ...fast, name, training })),
      { ...fast, training: { ...fast.training, classWeights: [1, 2] } },
    ];
    for (const recipe of recipes) {
      const { recipeFile } = repetition({ ...info, recipe });
      assertEquals(commandOf({ recipe }), "train --recipe recipe.json --seed 3 --precision float32");
      assertEquals([recipeFile!.name, JSON.parse(recipeFile!.json)], ["recipe.json", recipe]);
    }
  },
});

Deno.test({
  name: "repetition: of a run on pictures, whose size and shares of the classes are no flags",
  ignore: !granted("read"),
  fn() {
    const [crop, ...rest] = recipes.photos.transforms;
    const photos = {
      ...recipes.photos,
      transforms: [{ ...crop, size: 96, shorter: 96 } as typeof crop, ...rest],
      stopping: { patience: 4, minutes: 2.5 },
    };
    const more = "--seed 3 --precision float32";
    assertEquals(
      commandOf({ recipe: photos, digest: "d" }),
      `train --recipe photos --patience 4 --minutes 2.5 ${more}`,
    );
    // Of CIFAR-10 the size would be the recipe's own.
    assertEquals(commandOf({ recipe: photos }), `train --recipe recipe.json ${more}`);
    const stratified = { ...fast, validation: { ...fast.validation!, stratify: true } };
    assertEquals(commandOf({ recipe: stratified, digest: "d" }), `train --recipe fast ${more}`);
    assertEquals(commandOf({ recipe: stratified }), `train --recipe recipe.json ${more}`);
    const patient = { ...stratified, stopping: { patience: 5 } };
    assertEquals(commandOf({ recipe: patient, digest: "d" }), `train --recipe fast --patience 5 ${more}`);
  },
});
