/** `deno task summary` as a process. */
import { assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { summary } from "../../layers/mod.ts";
import { buildModel, recipes } from "../../pipeline/recipes.ts";
import { granted } from "../needs.ts";

/** Runs the task. */
async function run(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const config = fromFileUrl(new URL("../../deno.json", import.meta.url));
  const script = fromFileUrl(new URL("../../scripts/summary.ts", import.meta.url));
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "--config", config, script, ...args],
    env: { RESNET_DEBUG: "" },
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

Deno.test({
  name: "summary prints the table of a recipe's network",
  ignore: !granted("run", "read", "env"),
  async fn(): Promise<void> {
    const expected = await Deno.readTextFile(new URL("../data/torchsummary_resnet34.txt", import.meta.url));
    const [tutorial, standard, unknown] = await Promise.all([
      run("--recipe", "tutorial"),
      run(),
      run("--recipe", "resnet21"),
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
