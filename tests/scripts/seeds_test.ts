/** `deno task train --seeds` as a process: its runs, its table, its end by a signal. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
import { readRunInfo, RUN_FILES } from "../../pipeline/runs/folder.ts";
import { inFolder } from "../in_folder.ts";
import { canLoadTensorFlow } from "../needs.ts";
import { names, Training } from "./training.ts";

const FLAGS = ["--epochs", "2", "--limit", "200", "--batch", "50"];

Deno.test({
  name: "train --seeds",
  ignore: !canLoadTensorFlow,
  fn: (t) =>
    inFolder(async (root) => {
      const run = join(root, "a");
      const weights = (name: string) => Deno.readFile(join(root, name, RUN_FILES.weights));

      await t.step("trains each in a folder of its own, and ends with mean and deviation", async () => {
        const { code, stdout, stderr } = await new Training("--run", run, "--seeds", "3..4,1", ...FLAGS)
          .end();
        assertEquals(code, 0, stderr.join("\n"));
        assertEquals(names(root), ["a-1", "a-3", "a-4"]);
        const infos = await Promise.all([3, 4, 1].map((seed) => readRunInfo(`${run}-${seed}`)));
        assertEquals(infos.map(({ seed }) => seed), [3, 4, 1]);
        assertEquals(
          stderr.filter((line) => line.startsWith("Seed ")),
          ["Seed 3, 1 of 3", "Seed 4, 2 of 3", "Seed 1, 3 of 3"],
        );
        const [one, two, three] = infos.map(({ test }) => 100 * test!.accuracy);
        const mean = (one + two + three) / 3;
        const deviation = Math.sqrt(((one - mean) ** 2 + (two - mean) ** 2 + (three - mean) ** 2) / 2);
        const lines = stdout.slice(-5);
        assertMatch(lines[0], /^run +recipe +seed +epochs +loss +validation +test +time$/);
        [3, 4, 1].forEach((seed, i) => assertEquals(lines[i + 1].split(/ {2,}/)[0], `${run}-${seed}`));
        const last = `fast, n = 3 (seeds 3, 4, 1): test ${mean.toFixed(2)} %, deviation ${
          deviation.toFixed(2)
        }; `;
        assertEquals(lines[4].slice(0, last.length), last);
        assertEquals(stderr.at(-1), `Look: deno task compare ${run}-3 ${run}-4 ${run}-1`);
      });

      await t.step("each is what --seed trains, bit for bit", async () => {
        const { code } = await new Training("--run", join(root, "alone"), "--seed", "1", ...FLAGS).end();
        assertEquals(code, 0);
        assertEquals(await weights("alone"), await weights("a-1"));
      });

      await t.step("stopped, it says what is done, how to go on, and what is left to begin", async () => {
        const dir = join(root, "b");
        const flags = ["--run", dir, "--seeds", "3,4,1", ...FLAGS, "--no-test"];
        const training = new Training(...flags);
        await training.line(/^Seed 4, 2 of 3$/);
        const { code, stdout } = await training.signal(/^Run folder: .*b-4$/, "SIGINT");
        assertEquals(code, 130);
        const lines = stdout.slice(-3);
        assertMatch(lines[0], /^Stopped at step [0-7] of 8; go on with: deno task train --resume .*b-4$/);
        assertEquals(lines.slice(1), [
          "Done: seeds 3",
          "Not begun: seeds 1; train them with: deno task train --no-test --epochs 2 --batch 50 --seeds 1 " +
          `--limit 200 --run ${dir}`,
        ]);
        assertEquals(names(root).filter((name) => name.startsWith("b-")), ["b-3", "b-4"]);
        const resumed = await new Training("--resume", `${dir}-4`).end();
        assertEquals(resumed.code, 0, resumed.stderr.join("\n"));
        assertEquals(await weights("b-4"), await weights("a-4"));
      });

      await t.step("is refused with --seed, --resume, and where a run is", async () => {
        const cases: [line: string, args: string[]][] = [
          ["Cannot use --seed and --seeds: leave one of them out", ["--seed", "1", "--seeds", "2"]],
          [
            "Cannot resume a run with --seeds: it has one; leave --seeds out",
            ["--resume", `${run}-3`, "--seeds", "2"],
          ],
          [
            "Cannot train several seeds by several workers: give one --seed",
            ["--seeds", "1,2", "--workers", "2"],
          ],
          [`Cannot start a run in ${run}-1: it holds one; `, ["--run", run, "--seeds", "0..4"]],
        ];
        for (const [line, args] of cases) {
          const { code, stdout, stderr } = await new Training(...args).end();
          assertEquals([code, stdout, stderr.length], [2, [], 1], stderr.join("\n"));
          assert(stderr[0].startsWith(`error: ${line}`), stderr[0]);
        }
        assertEquals(names(root).includes("a-0"), false, "none is begun");
      });
    }),
});
