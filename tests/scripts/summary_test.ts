/** `deno task summary` as a process. */
import { assertEquals } from "@std/assert";
import { summary } from "../../layers/mod.ts";
import { buildModel, recipes } from "../../pipeline/training/recipes.ts";
import { granted } from "../needs.ts";
import { runScript } from "./run_script.ts";

Deno.test({
  name: "summary prints the table of a recipe's network",
  ignore: !granted("run", "read", "env"),
  async fn(): Promise<void> {
    const expected = await Deno.readTextFile(new URL("../data/torchsummary_resnet34.txt", import.meta.url));
    const [tutorial, standard, unknown] = await Promise.all([
      runScript("summary.ts", ["--recipe", "tutorial"]),
      runScript("summary.ts"),
      runScript("summary.ts", ["--recipe", "resnet21"]),
    ]);
    assertEquals(tutorial, { code: 0, stdout: expected, stderr: "" });
    assertEquals(standard, { code: 0, stdout: summary(buildModel(recipes.fast.model)) + "\n", stderr: "" });
    assertEquals(unknown, {
      code: 2,
      stdout: "",
      stderr: `error: Cannot use --recipe "resnet21": expected one of ${Object.keys(recipes).join(", ")}\n`,
    });
  },
});
