/** `deno task train --lr-find` as a process. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
import { inFolder } from "../in_folder.ts";
import { canLoadTensorFlow } from "../needs.ts";
import { runScript } from "./run_script.ts";
import { names } from "./training.ts";

/** `train` on made data, in a folder. */
const train = (cwd: string, ...args: string[]) => runScript("../tests/scripts/made_train.ts", args, {}, cwd);

Deno.test({
  name: "train --lr-find: a picture, a rate, the command to train with it, and no run",
  ignore: !canLoadTensorFlow,
  fn: () =>
    inFolder(async (dir) => {
      const recipe = { extends: "fast", network: { cfg: { widths: [4, 8] } }, training: { batchSize: 16 } };
      await Deno.writeTextFile(join(dir, "my.json"), JSON.stringify(recipe));
      const { code, stdout, stderr } = await train(dir, "--lr-find", "--recipe", "my.json", "--seed", "3");
      assertEquals(code, 0, stderr);
      const [wrote, proposed] = stdout.trimEnd().split("\n");
      assertMatch(wrote, /^Wrote runs\/my-lr-find.svg: \d+ steps$/);
      const [, rate, command] = proposed.match(/^Learning rate (\S+); train with: deno run -A \S+ (.*)$/) ??
        [];
      assertEquals(command, `train --recipe my.json --lr ${rate} --seed 3`);
      assertEquals([names(dir), names(join(dir, "runs"))], [["my.json", "runs"], ["my-lr-find.svg"]]);
      const svg = await Deno.readTextFile(join(dir, "runs", "my-lr-find.svg"));
      for (const text of ["my: loss by learning rate", rate]) assert(svg.includes(`>${text}</text>`), text);

      const cases: [args: string[], line: string][] = [
        ...["--run", "--resume"].map((flag): [string[], string] => [
          [flag, "a"],
          `Cannot use ${flag} with --lr-find: that begins no run; leave one of them out`,
        ]),
        [["--seeds", "0..2"], "Cannot use --seeds with --lr-find: that begins no run; leave one of them out"],
        [["--force"], "Cannot use --force with --lr-find: that begins no run; leave one of them out"],
        [["--workers", "2"], "Cannot use --lr-find with several workers: one looks for the rate"],
        [["--lr", "0"], "Cannot look for a rate from 0 to 0 in 150 steps: give rising rates above 0"],
      ];
      for (const [args, line] of cases) {
        const { code, stderr } = await train(dir, "--lr-find", "--quiet", ...args);
        assertEquals([code, stderr], [2, `error: ${line}\n`]);
      }
    }),
});
