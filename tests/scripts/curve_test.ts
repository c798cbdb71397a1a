/** `deno task curve` as a person meets it. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { granted } from "../needs.ts";
import { runScript } from "./run_script.ts";

const RUN = fromFileUrl(new URL("../../docs/results/fast/seed0", import.meta.url));

Deno.test({
  name: "curve",
  ignore: !granted("read", "write", "run"),
  async fn(t): Promise<void> {
    const dir = await Deno.makeTempDir();
    try {
      await t.step("draws a run", async () => {
        const out = join(dir, "curve.svg");
        assertEquals(await runScript("curve.ts", ["--run", RUN, "--out", out]), {
          code: 0,
          stdout: `Wrote ${out}: 9 epochs\n`,
          stderr: `Look: deno task report --run ${RUN}\n`,
        });
        assertStringIncludes(await Deno.readTextFile(out), "fast, seed 0, bfloat16");
      });

      await t.step("says what is wrong with the folder or the file, in one line", async () => {
        const begun = join(dir, "begun");
        await Deno.mkdir(begun);
        await Deno.copyFile(join(RUN, "run.json"), join(begun, "run.json"));
        const cases: [string[], string][] = [
          [["--run", join(dir, "none")], `error: Cannot read ${join(dir, "none", "run.json")}: no such file`],
          [["--run", begun], `error: Cannot draw ${begun}: no epoch of it is done; go on with`],
          [["--run", RUN, "--out", join(dir, "begun")], `error: Cannot write ${begun}: `],
        ];
        for (const [flags, start] of cases) {
          const { code, stdout, stderr } = await runScript("curve.ts", flags);
          assertEquals([code, stdout, stderr.trimEnd().split("\n").length], [1, "", 1], stderr);
          assertEquals(stderr.slice(0, start.length), start);
        }
      });
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  },
});
