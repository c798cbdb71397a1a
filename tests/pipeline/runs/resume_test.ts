import { assertThrows } from "@std/assert";
import type { RunInfo } from "../../../pipeline/runs/folder.ts";
import { checkResumed, type RunFlags } from "../../../pipeline/runs/resume.ts";
import { changeRecipe } from "../../../pipeline/training/prepare.ts";
import { recipes } from "../../../pipeline/training/recipes.ts";
import { UsageError } from "../../../runtime/system/errors.ts";

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
