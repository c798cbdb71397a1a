/** Every recipe, its network made small, by the task's flags and by the library: the same weights and figures, bit for bit. */
import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import {
  disposeState,
  type EpochReport,
  loadRecipe,
  modelFor,
  prepare,
  type Recipe,
  recipes,
  runSession,
  saveModel,
  train,
} from "../../mod.ts";
import { settingsOf } from "../../scripts/cli/settings.ts";
import { parseFlags } from "../../scripts/cli/task.ts";
import { trainTask } from "../../scripts/train.ts";
import { madeData } from "../made_data.ts";
import { leakTest } from "../runtime/harness.ts";

/** 23 images to train on and 2 to validate with make 12 steps of 2, the last of 1; `accurate` trains on all 25. */
const images = madeData({ images: 25, classes: 10, size: 32 });

/** What takes the time out of a recipe's network and leaves everything else. */
function small({ network }: Recipe): unknown {
  if (network.kind === "fast") return { cfg: { widths: [2, 4, 4] } };
  const depths = network.depths.map(() => 1);
  return { depths, cfg: { widths: depths.map((_, stage) => 2 + 2 * stage) } };
}

for (const [name, recipe] of Object.entries(recipes)) {
  leakTest(`${name}: by the task and by the library`, async () => {
    const dir = await Deno.makeTempDir();
    try {
      const file = join(dir, "my.json");
      await Deno.writeTextFile(file, JSON.stringify({ extends: name, network: small(recipe) }));

      const args = ["--recipe", file, "--epochs", "1", "--batch", "2", "--seed", "3", "--no-test"];
      const flags = parseFlags(trainTask, [...args, "--run", join(dir, "run")]);
      const byTask: EpochReport[] = [];
      await runSession(images, await settingsOf(trainTask.flags, flags), {
        dir: flags.run,
        test: !flags["no-test"],
        onEvent: (event) => event.kind === "epoch" && byTask.push(event.report),
      });

      const own = await loadRecipe(file);
      const data = prepare(images, own);
      const model = modelFor(own.network, data.train);
      const settings = { ...own.training, epochs: 1, batchSize: 2 };
      const byLibrary: EpochReport[] = [];
      const state = await train(model, data, settings, {
        seed: 3,
        testing: own.testing,
        onEpoch: (report) => void byLibrary.push(report),
      });
      await saveModel(join(dir, "by_library"), model, state.variables, data.train, {
        batchesTracked: state.step,
      });
      disposeState(state);

      // All 25, but a tenth, or with the recipe photos a fifth.
      const [steps, kept] = recipe.validation === undefined ? [13] : name === "photos" ? [10, 5] : [12, 2];
      assertEquals(state.step, steps);
      assertEquals(byLibrary.map(({ validation }) => validation?.images), [kept]);
      assertEquals(byTask, byLibrary);
      const [one, other] = await Promise.all(
        ["run/model.safetensors", "by_library"].map((path) => Deno.readFile(join(dir, path))),
      );
      assertEquals(one, other);
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  });
}
