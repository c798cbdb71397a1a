/** `deno task report` as a person meets it, on a run that an earlier version wrote and on one of this version. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import type { Data } from "../../pipeline/data/mod.ts";
import { evaluate } from "../../pipeline/inference/mod.ts";
import { loadWeights, readRunInfo, runSession } from "../../pipeline/runs/mod.ts";
import { limit } from "../../pipeline/data/mod.ts";
import { modelFor, prepare, recipes } from "../../pipeline/training/mod.ts";
import { tf, tree } from "../../runtime/mod.ts";
import { UserError } from "../../runtime/system/errors.ts";
import { reportTask, writeReport } from "../../scripts/report.ts";
import { parseFlags } from "../../scripts/cli/task.ts";
import { inFolder } from "../in_folder.ts";
import { madeData } from "../made_data.ts";
import { leakTest } from "../runtime/harness.ts";
import { runScript } from "./run_script.ts";
import { canLoadTensorFlow } from "../needs.ts";

const EARLIER = fromFileUrl(new URL("../data/earlier_fast", import.meta.url));
const data = madeData({ images: 240, testImages: 70, classes: 10, size: 32 });

/** Runs the task on made data; what it prints, and the last line for whoever looks on. */
async function report(args: readonly string[], data: Data): Promise<{ said: string; last: string }> {
  const [printed, noted]: string[][] = [[], []];
  const { log, error } = console;
  console.log = (line: string) => void printed.push(line);
  console.error = (line: string) => void noted.push(line);
  try {
    await writeReport(parseFlags(reportTask, args), { load: () => Promise.resolve(data), start: tf.ready });
  } finally {
    Object.assign(console, { log, error });
  }
  return { said: printed.join("\n"), last: noted.at(-1)! };
}

/** What `evaluate` finds of a run. */
async function evaluated(run: string, part: "test" | "validation") {
  const info = await readRunInfo(run);
  const { train, ...parts } = prepare(info.limit === undefined ? data : limit(info.limit)(data), info.recipe);
  const model = modelFor(info.recipe.network, train);
  const variables = await loadWeights(join(run, "model.safetensors"), model);
  const found = evaluate(model, variables, parts[part]!);
  tree.dispose(variables);
  return found;
}

const figure = (accuracy: number) => `${(100 * accuracy).toFixed(2)} %`;

leakTest(
  "report: the page's numbers are those of evaluate, of a run of an earlier version too",
  () =>
    inFolder(async (dir) => {
      const run = join(dir, "run");
      await tf.ready();
      await runSession(data, {
        recipe: { ...recipes.fast, training: { ...recipes.fast.training, epochs: 1 } },
        precision: "float32",
        limit: 120,
      }, { dir: run });
      for (const source of [EARLIER, run]) {
        const out = join(dir, "page.html");
        const { said, last } = await report(["--run", source, "--out", out], data);
        assertEquals(last, `Try it: deno task predict --run ${source} photo.jpg`);
        const { accuracy, correct, loss } = await evaluated(source, "test");
        assert(said.startsWith(`Wrote ${out}: ${figure(accuracy)} of the 70 test images, `), said);
        const page = await Deno.readTextFile(out);
        assertStringIncludes(page, `of the 70 test images are right: ${correct}.`);
        assertStringIncludes(page, `The mean loss is ${loss.toFixed(4)} nats.`);
        const rights = [...page.matchAll(/>(\d+) of (\d+)<\/td>/g)];
        const sum = (place: number) => rights.reduce((sum, found) => sum + Number(found[place]), 0);
        assertEquals([rights.length, sum(1), sum(2)], [10, correct, 70]);
        // Ten classes and the mistakes, at most 24, each with its map.
        assertEquals([...page.matchAll(/<img /g)].length, 10 + 2 * Math.min(24, 70 - correct));
        assertStringIncludes(page, "from yellow to red: Grad-CAM.");
      }
      const { test: _, ...rest } = data;
      await report(["--run", run], rest);
      const { accuracy } = await evaluated(run, "validation");
      const page = await Deno.readTextFile(join(run, "report.html"));
      assertStringIncludes(page, `<p class="headline">${figure(accuracy)}</p>`);
      assertStringIncludes(page, "of the 12 validation images are right");

      const info = JSON.parse(await Deno.readTextFile(join(run, "run.json")));
      delete info.recipe.validation;
      await Deno.writeTextFile(join(run, "run.json"), JSON.stringify(info));
      await assertRejects(
        () => report(["--run", run], rest),
        UserError,
        `Cannot report on ${run}: its data set has neither test nor validation images`,
      );
    }),
);

Deno.test({
  name: "report: no run, no data, no such format: one line",
  ignore: !canLoadTensorFlow,
  fn: () =>
    inFolder(async (dir) => {
      const none = join(dir, "none");
      const cases: [args: string[], code: number, error: string][] = [
        [["--run", none], 1, `Cannot read ${join(none, "run.json")}: no such file`],
        [["--run", EARLIER, "--data", none], 1, `Cannot use --data ${none}: no such folder`],
        [
          ["--precision", "int8"],
          2,
          'Cannot use --precision "int8": expected one of float32, tf32, bfloat16',
        ],
      ];
      for (const [args, expected, error] of cases) {
        const { code, stdout, stderr } = await runScript("report.ts", args);
        assertEquals([code, stdout, stderr.trimEnd().split("\n").length], [expected, "", 1], stderr);
        assertEquals(stderr.slice(0, 7 + error.length), `error: ${error}`);
      }
    }),
});
