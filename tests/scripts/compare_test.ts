/** `deno task compare` as a person meets it. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { inFolder } from "../in_folder.ts";
import { granted } from "../needs.ts";
import { runScript } from "./run_script.ts";

const RESULTS = fromFileUrl(new URL("../../docs/results", import.meta.url));
const FLOAT32 = [0, 1, 2].map((seed) => join(RESULTS, "fast", "float32", `seed${seed}`));
const GPU = join(RESULTS, "gpu", "h100", "fast", "seed0");

Deno.test({
  name: "compare: a line a run, one of mean and deviation, a picture; JSON without one",
  ignore: !granted("read", "write", "run"),
  fn: () =>
    inFolder(async (dir) => {
      const out = join(dir, "compare.svg");
      // A run named twice is one.
      const { code, stdout, stderr } = await runScript("compare.ts", [
        ...FLOAT32,
        GPU,
        FLOAT32[0],
        "--out",
        out,
      ]);
      // Seeds 0 and 1 have 91.00 %, seed 2 90.92 and the GPU's run 90.88: the first of the best.
      assertEquals([code, stderr], [0, `Look: deno task report --run ${FLOAT32[0]}\n`]);
      const lines = stdout.trimEnd().split("\n");
      assertEquals(lines[0].split(/ {2,}/), [
        ...["run", "recipe", "seed", "epochs", "loss", "validation", "test", "time"],
      ]);
      assertEquals(lines[2].split(/ {2,}/), [
        ...[FLOAT32[1], "fast", "1", "9", "1.0213", "91.16 %", "91.00 %", "11 min 11 s"],
      ]);
      assertEquals(lines.slice(5), [
        "fast, n = 3 (seeds 0, 1, 2): test 90.97 %, deviation 0.05; validation 91.33 %, deviation 0.16",
        `Wrote ${out}`,
      ]);
      assertStringIncludes(lines[4], "fast, precision bfloat16");
      assertStringIncludes(await Deno.readTextFile(out), ">fast, precision bfloat16</text>");

      const asked = await runScript("compare.ts", ["--json", ...FLOAT32]);
      assertEquals(asked.stderr, "");
      const { groups } = JSON.parse(asked.stdout);
      assertEquals(groups.length, 1);
      assertEquals(groups[0].runs[2].test, 0.9092);
      assert(Math.abs(groups[0].mean.test - (0.91 + 0.91 + 0.9092) / 3) < 1e-12);
    }),
});

Deno.test({
  name: "compare: without an epoch no picture; without a run, or with none in the folder, one line",
  ignore: !granted("read", "write", "run"),
  fn: () =>
    inFolder(async (dir) => {
      await Deno.copyFile(join(GPU, "run.json"), join(dir, "run.json"));
      const begun = await runScript("compare.ts", [dir, "--out", join(dir, "c.svg")]);
      assertEquals(begun.code, 0);
      assertEquals(
        begun.stderr,
        `There is nothing to draw in ${join(dir, "c.svg")}: no epoch of them is done\n`,
      );
      assertStringIncludes(begun.stdout, "0 of 9");

      const none = join(dir, "none");
      const cases: [args: string[], code: number, error: string][] = [
        [[], 2, "Missing RUN: compare takes one or more"],
        [[GPU, none], 1, `Cannot read ${join(none, "run.json")}: no such file`],
        [[GPU, "--out", dir], 1, `Cannot write ${dir}: `],
      ];
      for (const [args, expected, error] of cases) {
        const { code, stderr } = await runScript("compare.ts", args);
        assertEquals([code, stderr.trimEnd().split("\n").length], [expected, 1], stderr);
        assertEquals(stderr.slice(0, 7 + error.length), `error: ${error}`);
      }
    }),
});
