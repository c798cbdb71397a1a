/** `deno task train` by several workers: as processes, on this machine, with what becomes of them. */
import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { join } from "@std/path";
import { RUN_FILES } from "../../pipeline/runs/folder.ts";
import { recipes } from "../../pipeline/training/recipes.ts";
import { exists } from "../../runtime/system/files.ts";
import { VERSION } from "../../runtime/system/package.ts";
import { clusterEnv } from "../cluster.ts";
import { canLoadTensorFlow } from "../needs.ts";
import { FILES, names, outcome, Training } from "./training.ts";

/** A network that trains in no time: ResNet-8 of few channels. */
const recipe = {
  ...recipes.resnet20,
  name: "small",
  network: { kind: "resnet", depths: [1, 1, 1], cfg: { stem: "cifar", widths: [4, 6, 8] } },
  training: { ...recipes.resnet20.training, precision: "float32" },
};

/** 180 training and 20 validation images: 8 steps an epoch, the last with 12 images. */
const FLAGS = ["--limit", "200", "--batch", "24", "--lr", "0.05", "--seed", "3"];

/** The process that has a run's folder. */
async function owner(dir: string): Promise<number> {
  return JSON.parse(await Deno.readTextFile(join(dir, ".lock"))).pid;
}

Deno.test({
  name: "train by workers",
  ignore: !canLoadTensorFlow,
  async fn(t): Promise<void> {
    const root = await Deno.makeTempDir();
    const file = join(root, "small.json");
    await Deno.writeTextFile(file, JSON.stringify(recipe));
    const flags = ["--recipe", file, ...FLAGS];
    const whole = join(root, "whole");
    const two = ["--workers", "2", "--sync-batch-norm"];
    try {
      await t.step("two workers print and write what one does", async () => {
        const { code, stdout, stderr } = await new Training("--run", whole, ...flags, ...two, "--epochs", "3")
          .end();
        assertEquals(code, 0, stderr.join("\n"));
        assertEquals(stdout.length, 7);
        assertMatch(stdout[4], /^Epoch \[3\/3\], Loss: \d+\.\d{4}$/);
        assertMatch(stderr[0], /^2 workers; the output of all but worker 0 goes to /);
        assertEquals(names(whole), FILES);
        assertEquals([...Deno.readDirSync(root)].length, 2, "one run");
      });

      await t.step(
        "a trunk that is frozen stays that of the weights to start from, by two workers too",
        async () => {
          const dir = join(root, "frozen");
          const init = ["--init", join(whole, RUN_FILES.weights), "--freeze", "trunk"];
          const more = ["--class-weights", "balanced", "--epochs", "2"];
          const { code, stderr } = await new Training("--run", dir, ...flags, ...two, ...init, ...more).end();
          assertEquals(code, 0, stderr.join("\n"));
          const [{ tensors: from }, { tensors: to }] = [await outcome(whole), await outcome(dir)];
          const trunk = Object.keys(from).filter((name) => /^variables\/(?!params\/fc)/.test(name));
          assertEquals(trunk.map((name) => to[name]), trunk.map((name) => from[name]));
          assertNotEquals(to["variables/params/fc.weight"], from["variables/params/fc.weight"]);
        },
      );

      await t.step("killed, started again by itself: the same bits", async () => {
        const dir = join(root, "killed");
        const run = new Training(
          ...["--run", dir, ...flags, ...two, "--epochs", "3", "--max-restarts", "1"],
        );
        await run.line(/^Epoch \[1\/3\]/);
        Deno.kill(await owner(dir), "SIGKILL");
        const { code, stderr } = await run.end();
        assertEquals(code, 0, stderr.join("\n"));
        assert(
          stderr.includes("Worker 0 ended with exit code 137; starting all again (1 of 1)"),
          stderr.join("\n"),
        );
        assert(stderr.some((line) => /^Resumed at step (8|16|24) of /.test(line)), stderr.join("\n"));
        assertEquals(await outcome(dir), await outcome(whole));
      });

      await t.step("stopped by SIGINT at the same step, then gone on with by three and by one", async () => {
        const dir = join(root, "stopped");
        const stopped = await new Training("--run", dir, ...flags, ...two, "--epochs", "200")
          .signal(/^Epoch \[1\/200\]/, "SIGINT");
        assertEquals(stopped.code, 130, stopped.stderr.join("\n"));
        assertMatch(stopped.stdout.at(-1)!, /^Stopped at step \d+ of 1600; go on with: /);
        for (const workers of [["--workers", "3"], []]) {
          const { code, stderr } = await new Training("--resume", dir, ...workers)
            .signal(/^Epoch \[/, "SIGINT");
          assertEquals(code, 130, stderr.join("\n"));
          assert(stderr.some((line) => /^Resumed at step \d+ of /.test(line)), stderr.join("\n"));
        }
      });

      await t.step(
        "minutes that are over in an epoch end it for all, at the same step, and all test",
        async () => {
          const dir = join(root, "short");
          // 90 steps an epoch, which a slow machine does not come to the end of, compiling included.
          const short = ["--epochs", "900", "--batch", "2", "--minutes", "0.01"];
          const { code, stdout, stderr } = await new Training("--run", dir, ...flags, ...two, ...short).end();
          assertEquals(code, 0, stderr.join("\n"));
          assertMatch(stdout.at(-1)!, /^Accuracy of the network on the 60 test images: /);
          const { notes, test, metrics } = await outcome(dir);
          const epochs = Math.floor(Number(notes.step) / 90);
          assertEquals([metrics.length, stdout.length, test?.images], [epochs, 2 * epochs + 1, 60]);
          assert(Number(notes.step) > 0 && epochs < 900, notes.step);
          const again = await new Training("--resume", dir, "--workers", "2").end();
          assertEquals([again.code, again.stdout], [0, stdout.slice(-1)], again.stderr.join("\n"));
          assertEquals((await outcome(dir)).notes.step, notes.step);
        },
      );

      await t.step(
        "TF_CONFIG: a worker that is not like worker 0 ends all, before the first step",
        async () => {
          const cases: [given: (string | Record<string, string>)[], problem: string][] = [
            [["--epochs", "2"], "recipe.training.epochs is 2 on worker 1, 1 on worker 0"],
            [["--seed", "4"], "seed is 4 on worker 1, 3 on worker 0"],
            [["--sync-batch-norm"], "syncBatchNorm is true on worker 1, not given on worker 0"],
            [
              [{ MADE_SEED: "1" }],
              "data.train is 240 images (XXXXXXXX) on worker 1, 240 images (XXXXXXXX) on worker 0",
            ],
            [[{ MADE_VERSION: "0.0.9" }], `versions.resnet is 0.0.9 on worker 1, ${VERSION} on worker 0`],
          ];
          for (const [given, problem] of cases) {
            const dir = join(root, "other");
            const all = clusterEnv(2).map((env, i) =>
              new Training(
                ...["--run", dir, ...flags, "--epochs", "1"],
                { ...env, TF_NUM_INTRAOP_THREADS: "1" },
                ...(i === 1 ? given : []),
              )
            );
            for (const { code, stderr } of await Promise.all(all.map((worker) => worker.end()))) {
              assertEquals([code, stderr.at(-1)?.replaceAll(/\([0-9a-f]{8}\)/g, "(XXXXXXXX)")], [
                1,
                `error: Cannot train together: ${problem}; ` +
                "start all with the same command, the same data and the same version",
              ]);
            }
            assertEquals(await exists(dir), false);
          }
        },
      );

      await t.step(
        "TF_CONFIG: a worker that never comes, and a port that is taken, are said in a line",
        async () => {
          const patience = { RESNET_WORKER_START_SECONDS: "0.5" };
          const [env] = clusterEnv(2);
          const [own, other] = JSON.parse(env.TF_CONFIG).cluster.worker;
          const alone = await new Training("--run", join(root, "alone"), ...flags, { ...env, ...patience })
            .end();
          assertEquals(alone.code, 1);
          assert(
            alone.stderr.at(-1)!.startsWith(
              `error: Cannot train together: worker 1 (${other}) has not come in 0.5 s; `,
            ),
            alone.stderr.join("\n"),
          );
          const [hostname, port] = own.split(":");
          using _ = Deno.listen({ hostname, port: Number(port) });
          const taken = await new Training("--run", join(root, "taken"), ...flags, { ...env, ...patience })
            .end();
          assertEquals(taken.code, 1);
          assert(
            taken.stderr.at(-1)!.startsWith(`error: Cannot listen at ${own} as worker 0: `),
            taken.stderr.join("\n"),
          );
        },
      );

      for (const signal of ["SIGKILL", "SIGSTOP"] as const) {
        await t.step(
          `TF_CONFIG: ${signal} of a worker ends the other in a line, and the checkpoint stands`,
          async () => {
            const dir = join(root, signal);
            const [first, second] = clusterEnv(2).map((env) =>
              new Training("--run", dir, ...flags, "--epochs", "1000", {
                ...env,
                TF_NUM_INTRAOP_THREADS: "1",
                RESNET_WORKER_ANSWER_SECONDS: "1",
              })
            );
            await first.line(/^Epoch \[2\//);
            Deno.kill(second.pid, signal);
            const { code, stderr } = await first.end();
            if (signal === "SIGSTOP") Deno.kill(second.pid, "SIGKILL");
            await second.end();
            assertEquals(code, 1);
            assertMatch(
              stderr.at(-1)!,
              signal === "SIGKILL"
                ? /^error: Cannot go on training: worker 1 \(127\.0\.0\.1:\d+\) (is gone|does not answer)/
                : /^error: Cannot go on training: worker 1 \(127\.0\.0\.1:\d+\) does not answer within 1 s;/,
            );
            assertEquals(names(dir).filter((name) => name.endsWith(".safetensors")).length, 2);
          },
        );
      }
    } finally {
      await Deno.remove(root, { recursive: true });
    }
  },
});
