/** `deno task summary` as a process. */
import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { resnet, summary } from "../../layers/mod.ts";
import { buildModel } from "../../pipeline/training/recipe.ts";
import { recipes } from "../../pipeline/training/recipes.ts";
import { granted } from "../needs.ts";
import { runScript } from "./run_script.ts";

Deno.test({
  name: "summary prints the table of a recipe's network",
  ignore: !granted("run", "read", "write", "env"),
  async fn(): Promise<void> {
    const expected = await Deno.readTextFile(new URL("../data/torchsummary_resnet34.txt", import.meta.url));
    const dir = await Deno.makeTempDir();
    try {
      const [mine, wrong] = [join(dir, "mine.json"), join(dir, "wrong.json")];
      // The images are resized, and the network leaves their size open.
      const resize = { kind: "resize", size: 64, quantize: false };
      const network = { kind: "resnet", depths: [1, 1, 1, 1], cfg: { dropout: 0.5 } };
      await Deno.writeTextFile(mine, JSON.stringify({ extends: "tutorial", network, transforms: [resize] }));
      await Deno.writeTextFile(wrong, "{}");
      const [tutorial, standard, own, unknown, refused] = await Promise.all([
        runScript("summary.ts", ["--recipe", "tutorial"]),
        runScript("summary.ts"),
        runScript("summary.ts", ["--recipe", mine]),
        runScript("summary.ts", ["--recipe", "resnet21"]),
        runScript("summary.ts", ["--recipe", wrong]),
      ]);
      const train = (recipe: string) => `Train: deno task train --recipe ${recipe}\n`;
      assertEquals(tutorial, { code: 0, stdout: expected, stderr: train("tutorial") });
      const table = summary(buildModel(recipes.fast.network));
      assertEquals(standard, { code: 0, stdout: table + "\n", stderr: train("fast") });
      const model = resnet([1, 1, 1, 1], { inputSize: 64, dropout: 0.5 });
      assertEquals(own, { code: 0, stdout: summary(model) + "\n", stderr: train(mine) });
      assertEquals(unknown, {
        code: 2,
        stdout: "",
        stderr: 'error: Unknown recipe "resnet21": did you mean resnet20? ' +
          `there are ${Object.keys(recipes).join(", ")}, or give a .json file\n`,
      });
      assertEquals(refused, {
        code: 1,
        stdout: "",
        stderr: `error: Cannot use the recipe ${wrong}: about is missing; ` +
          'mend the file, or name in "extends" the recipe that it changes\n',
      });
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  },
});
