/** A process that is killed at any moment loses nothing: gone on with, the run ends as if it had never been stopped. */
import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { exists } from "../../runtime/system/files.ts";
import { RUN_FILES } from "../../pipeline/runs/folder.ts";
import { inFolder } from "../in_folder.ts";
import { canLoadTensorFlow } from "../needs.ts";
import { FILES, names, outcome, Training } from "../scripts/training.ts";
import { shortRun } from "./short_run.ts";

/** What a run says before its first step. */
const TRAINING = /^Training: \d+ images$/;

/** So many kills unless `RESNET_KILLS` asks for more. */
const KILLS = 5;

Deno.test({
  name: "kill -9 at random moments of a run, gone on with: the same run, bit for bit",
  ignore: !canLoadTensorFlow,
  fn: () =>
    inFolder(async (root) => {
      const kills = Number(Deno.env.get("RESNET_KILLS") ?? KILLS);
      const flags = await shortRun(root);
      const whole = join(root, "whole");
      const times = [performance.now()];
      const process = new Training("--run", whole, ...flags);
      await process.line(TRAINING);
      times.push(performance.now());
      const { code, stderr } = await process.end();
      assertEquals(code, 0, stderr.join("\n"));
      const [starting, training] = [times[1] - times[0], performance.now() - times[1]];
      const expected = await outcome(whole);

      /** How many kills found which files. */
      const found = new Map<string, number>();
      for (let killed = 0, run = 0; killed < kills; run++) {
        const dir = join(root, `run${run}`);
        // Killed anew each time that a coin says so, at first always.
        for (let again = true; again;) {
          const hasBegun = await exists(join(dir, RUN_FILES.info));
          const process = new Training(...(hasBegun ? ["--resume", dir] : ["--run", dir, ...flags]));
          // One in five while it starts, the others while it trains, saves and tests.
          const early = Math.random() < 0.2;
          if (!early) await process.line(TRAINING);
          const ended = await process.signalAfter(Math.random() * (early ? starting : training), "SIGKILL");
          if (ended.signal === "SIGKILL") {
            killed++;
            const files = await exists(dir) ? names(dir).map((name) => name.replace(/\.\d.*\./, ".*.")) : [];
            found.set(files.join(" "), (found.get(files.join(" ")) ?? 0) + 1);
          } else assertEquals(ended.code, 0, ended.stderr.join("\n"));
          again = ended.signal === "SIGKILL" && killed < kills && Math.random() < 0.5;
        }
        const last = await exists(join(dir, RUN_FILES.info)) ? ["--resume", dir] : ["--run", dir, ...flags];
        const { code, stderr } = await new Training(...last).end();
        assertEquals(code, 0, stderr.join("\n"));
        assertEquals(await outcome(dir), expected);
        assertEquals(names(dir), FILES, "nothing is left of what was written when it was killed");
        await Deno.remove(dir, { recursive: true });
      }
      if (kills > KILLS) console.log(found);
    }),
});
