/** `deno task train` as a process: what it prints and writes, how it stops and goes on, what it refuses. */
import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { join } from "@std/path";
import { decodeSafetensors, encodeSafetensors } from "../../layers/formats/safetensors.ts";
import { parameterCount } from "../../layers/mod.ts";
import {
  type EpochMetrics,
  readMetrics,
  readRunInfo,
  RUN_FILES,
  writeMetrics,
} from "../../pipeline/runs/folder.ts";
import { buildModel } from "../../pipeline/training/recipe.ts";
import { recipes } from "../../pipeline/training/recipes.ts";
import { canLoadTensorFlow } from "../needs.ts";
import { type Ended, FILES, names, outcome, Training } from "./training.ts";

/** 180 training and 20 validation images: 3 epochs of 8 steps, the last one of an epoch with 12 images. */
const FLAGS = ["--epochs", "3", "--limit", "200", "--batch", "24", "--seed", "3"];
const STEPS = 24;

/** The shell's exit codes for processes that a signal ended. */
const EXIT = { SIGINT: 130, SIGTERM: 143 };

Deno.test({
  name: "train",
  ignore: !canLoadTensorFlow,
  async fn(t): Promise<void> {
    const root = await Deno.makeTempDir();
    const whole = join(root, "whole");
    try {
      await t.step("prints the tutorial's lines and writes the run folder", async () => {
        const { code, stdout, stderr } = await new Training("--run", whole, ...FLAGS).end();
        assertEquals(code, 0, stderr.join("\n"));
        const expected = [
          ...[1, 2, 3].flatMap((epoch) => [
            new RegExp(String.raw`^Epoch \[${epoch}/3\], Loss: \d+\.\d{4}$`),
            /^Accuracy of the network on the 20 validation images: \d+\.\d{2} %$/,
          ]),
          /^Accuracy of the network on the 60 test images: \d+\.\d{2} %$/,
        ];
        assertEquals(stdout.length, expected.length, stdout.join("\n"));
        for (const [i, line] of expected.entries()) assertMatch(stdout[i], line);
        const model = buildModel(recipes.fast.network);
        const about = `${model.name}, ${parameterCount(model).toLocaleString("en")} parameters, ` +
          "180 training images, 3 epochs of 8 steps, ";
        assertEquals(stderr[0].slice(0, about.length), about);
        assertEquals(stderr.slice(1, 3), [`Run folder: ${whole}`, "Training: 540 images"]);
        assertEquals(stderr.at(-1), `Look: deno task report --run ${whole}`);
        // deno-lint-ignore no-control-regex
        for (const line of [...stdout, ...stderr]) assertEquals(line.match(/[\x00-\x1f\x7f]/), null, line);

        assertEquals(names(whole), FILES);
        const metrics = await readMetrics(whole);
        assertEquals(metrics.map(({ epoch, step }) => [epoch, step]), [[1, 8], [2, 16], [3, 24]]);
        const keys: (keyof EpochMetrics)[] = [
          "epoch",
          "step",
          "seconds",
          "imagesPerSecond",
          "loss",
          "lastLoss",
          "validationAccuracy",
          "learningRate",
        ];
        for (const [i, line] of metrics.entries()) {
          assertEquals(Object.keys(line), keys);
          assertEquals(stdout[2 * i], `Epoch [${i + 1}/3], Loss: ${line.lastLoss.toFixed(4)}`);
          const percent = (100 * line.validationAccuracy!).toFixed(2);
          assertEquals(
            stdout[2 * i + 1],
            `Accuracy of the network on the 20 validation images: ${percent} %`,
          );
        }
        const { recipe, seed, limit, test, versions } = await readRunInfo(whole);
        const { epochs, batchSize } = recipe.training;
        assertEquals([recipe.name, epochs, batchSize, seed, limit], ["fast", 3, 24, 3, 200]);
        assertEquals(versions.deno, Deno.version.deno);
        const percent = (100 * test!.correct / 60).toFixed(2);
        assertEquals(stdout[6], `Accuracy of the network on the 60 test images: ${percent} %`);
      });

      await t.step(
        "stopped by SIGINT, by SIGTERM, by both at once, then gone on with: the same run",
        async () => {
          const dir = join(root, "stopped");
          const resume = ["--resume", dir];
          const stops: [args: string[], ...signals: (keyof typeof EXIT)[]][] = [
            [["--run", dir, ...FLAGS], "SIGINT"],
            [resume, "SIGTERM"],
            [resume, "SIGINT", "SIGTERM"], // as `deno task` passes a Ctrl-C on: one wish, not the wish to end at once
          ];
          let before = 0;
          for (const [args, ...signals] of stops) {
            const { code, stdout, stderr } = await new Training(...args).signal(
              /^Training: \d+ images$/,
              ...signals,
            );
            const heard = signals.filter((name) =>
              stderr.includes(`${name}: finishing the step under way, then saving`)
            );
            assertEquals([heard.length, code], [1, EXIT[heard[0]]], stderr.join("\n"));
            const last = stdout.at(-1)!;
            const [, step] =
              last.match(/^Stopped at step (\d+) of 24; go on with: deno task train --resume /) ?? [];
            assertEquals(last.endsWith(` --resume ${dir}`), true, last);
            assert(Number(step) > before && Number(step) < STEPS, last);
            if (before > 0) assertEquals(stderr[1], `Resumed at step ${before} of ${dir}`);
            before = Number(step);
          }
          // Flags that repeat the run's settings are fine.
          const { code, stderr } = await new Training("--resume", dir, "--seed", "3", "--epochs", "3").end();
          assertEquals([code, stderr[1]], [0, `Resumed at step ${before} of ${dir}`]);
          assertEquals(await outcome(dir), await outcome(whole));
          assertEquals(names(dir), FILES);
        },
      );

      await t.step(
        "killed before the first checkpoint, and after one, then gone on with: the same run",
        async () => {
          const dir = join(root, "killed");
          const { signal } = await new Training("--run", dir, ...FLAGS).signal(
            /^Training: \d+ images$/,
            "SIGKILL",
          );
          assertEquals([signal, names(dir)], ["SIGKILL", [".lock", "run.json"]]);
          const { stderr } = await new Training("--resume", dir).signal(/^Epoch \[1\/3\]/, "SIGKILL");
          assertEquals(stderr[1], `Resumed at step 0 of ${dir}`);
          // As if the second process had been killed between an epoch's line and its checkpoint.
          const lines = await readMetrics(dir);
          await writeMetrics(dir, [...lines, { ...lines[0], epoch: 3, step: 24, loss: 99 }]);
          const last = await new Training("--resume", dir).end();
          assertEquals(last.code, 0, last.stderr.join("\n"));
          assertMatch(last.stderr[1], /^Resumed at step (8|16|24) of /);
          assertEquals(await outcome(dir), await outcome(whole));
        },
      );

      await t.step(
        "refuses what cannot be meant or read in one line, and leaves every folder as it is",
        async () => {
          const before = await outcome(whole);
          const file = async (name: string, content: unknown): Promise<string> => {
            const path = join(root, name);
            await Deno.writeTextFile(path, typeof content === "string" ? content : JSON.stringify(content));
            return path;
          };
          /** The run again, with something else in its record. */
          const copied = async (name: string, edit: (record: string) => string): Promise<string> => {
            const dir = join(root, name);
            await Deno.mkdir(dir);
            for (const file of FILES) await Deno.copyFile(join(whole, file), join(dir, file));
            const record = await Deno.readTextFile(join(whole, RUN_FILES.info));
            await Deno.writeTextFile(join(dir, RUN_FILES.info), edit(record));
            return dir;
          };
          const fresh = join(root, "fresh");
          const none = join(root, "none.json");
          const garbage = await file("garbage.safetensors", "<html>not found</html>");
          const misspelt = await file("misspelt.json", { extends: "fast", training: { epoch: 3 } });
          const large = await file("large.json", { extends: "fast", network: { cfg: { inputSize: 224 } } });
          // After four stages there is one pixel left.
          const deep = await file("deep.json", {
            extends: "fast",
            network: { cfg: { widths: [4, 4, 4, 4] } },
          });
          const changed = await file("changed.json", {
            extends: "fast",
            name: "fast",
            training: { whiten: false },
          });
          const edited = await copied("edited", (record) => record.replace(/"b?float\d+"/, '"float16"'));
          const other = await copied("other", (record) => record.replace(/"lookahead": \{[^}]*\},/, ""));
          const start = ["--limit", "200", "--epochs", "3", "--batch", "24"];
          const cases: [code: number, line: string, args: string[]][] = [
            [
              2,
              `Cannot resume ${whole} with --seed 4: the run has 3; leave it out, or start a new run`,
              ["--resume", whole, "--seed", "4"],
            ],
            [
              2,
              `Cannot start a run in ${whole}: it holds one; go on with --resume ${whole}, ` +
              "start over with --force, or name another",
              ["--run", whole, ...FLAGS],
            ],
            [1, `Cannot read ${garbage}: `, ["--run", fresh, "--init", garbage, ...FLAGS]],
            [
              2,
              "Cannot freeze the trunk of FastResNet-8: it would stay as it is drawn at random; give weights to start " +
              "from, with --init FILE",
              ["--run", fresh, "--freeze", "trunk", ...FLAGS],
            ],
            [2, 'Unknown recipe "fst": did you mean fast? there are ', ["--run", fresh, "--recipe", "fst"]],
            [2, 'Unknown flag --epoch: did you mean --epochs? see "', ["--run", fresh, "--epoch", "3"]],
            [
              1,
              `Cannot read ${none}: no such file or directory; give the name of a recipe, or the path of a JSON file`,
              ["--run", fresh, "--recipe", none],
            ],
            [
              1,
              `Cannot use the recipe ${misspelt}: training.epoch is not a field: did you mean "epochs"? there are `,
              ["--run", whole, "--force", "--recipe", misspelt],
            ],
            [
              2,
              "Cannot train FastResNet-8: the training images are [32,32,3] after their transforms, the network takes " +
              "[224,224,3]; resize them, or build it with that inputSize",
              ["--run", whole, "--force", "--recipe", large, ...start],
            ],
            [
              2,
              "Cannot train FastResNet-10: the last step has one of the 180 training images, and of that the batch " +
              'norm "stages.3.conv1.2" sees one pixel, which has no variance; use another batch size, or ',
              ["--run", fresh, "--recipe", deep, "--limit", "200", "--batch", "179"],
            ],
            [
              2,
              `Cannot limit the training images to 500: there are 240; give a whole number from 1 to 240`,
              ["--run", fresh, "--limit", "500"],
            ],
            [1, `Cannot read ${garbage}: `, ["--run", whole, "--force", "--init", garbage, ...FLAGS]],
            [
              2,
              `Cannot resume ${whole} with --recipe ${changed}: its training.whiten is false, the run has true; `,
              ["--resume", whole, "--recipe", changed, ...start],
            ],
            [
              1,
              `Cannot read ${
                join(edited, RUN_FILES.info)
              }: precision is "float16": did you mean "bfloat16"? ` +
              "expected one of float32, tf32, bfloat16; mend the file, or name another run",
              ["--resume", edited],
            ],
            [
              1,
              `Cannot resume from ${
                join(other, RUN_FILES.checkpoint)
              }: it has "slow/batchStats/stages.0.conv1.2.` +
              'running_mean", for which the settings have no use; it is not a checkpoint of this run',
              ["--resume", other],
            ],
          ];
          const ended: Ended[] = [];
          // Five at once; of those that may get as far as to take a folder, one a folder.
          for (let i = 0; i < cases.length; i += 5) {
            const some = cases.slice(i, i + 5).map(([, , args]) => new Training(...args).end());
            ended.push(...await Promise.all(some));
          }
          for (const [i, [code, line]] of cases.entries()) {
            assertEquals(
              [ended[i].code, ended[i].stdout, ended[i].stderr.length],
              [code, [], 1],
              ended[i].stderr.join("\n"),
            );
            assertEquals(ended[i].stderr[0].slice(0, line.length + 7), `error: ${line}`);
          }
          assertEquals(await outcome(whole), before, "the run that was there is as it was");
          assertEquals((await outcome(other)).weights, before.weights);
          assertEquals(names(root).includes("fresh"), false, "no folder for a run that did not begin");
        },
      );

      await t.step("starts over with --force, from given weights with --init", async () => {
        const dir = join(root, "killed");
        const init = join(whole, RUN_FILES.weights);
        const flags = ["--epochs", "1", "--limit", "200", "--batch", "50"];
        const { code, stderr } = await new Training("--run", dir, "--force", "--init", init, ...flags).end();
        assertEquals(code, 0, stderr.join("\n"));
        assertEquals(names(dir), FILES);
        const { seed, init: recorded } = await readRunInfo(dir);
        assertEquals([seed, recorded, (await readMetrics(dir)).length], [0, init, 1]);
        const [from, to] = [await outcome(whole), await outcome(dir)];
        const weight = (layer: string): string => `variables/params/${layer}.weight`;
        // The first layer is frozen: it is the given one still, though the whitening of these images is another.
        assertEquals(to.tensors[weight("stem.0")], from.tensors[weight("stem.0")]);
        assertNotEquals(to.tensors[weight("fc")], from.tensors[weight("fc")]);
        assertEquals(to.notes.step, "4");
      });

      await t.step(
        "says so when the weights of --init are for other classes, and begins a last layer",
        async () => {
          const dir = join(root, "tuned");
          const init = join(root, "seven.safetensors");
          const { tensors } = decodeSafetensors(await Deno.readFile(join(whole, RUN_FILES.weights)), "whole");
          const [, width] = tensors["fc.weight"].shape;
          const seven = { shape: [7, width], data: new Float32Array(7 * width) };
          await Deno.writeFile(init, encodeSafetensors({ ...tensors, "fc.weight": seven }));
          const flags = ["--epochs", "1", "--limit", "200", "--batch", "50"];
          const { code, stderr } = await new Training("--run", dir, "--init", init, ...flags).end();
          assertEquals(code, 0, stderr.join("\n"));
          const line = `${init} tells 7 classes apart: the last layer starts anew, with 10`;
          assertEquals(stderr.includes(line), true, stderr.join("\n"));
        },
      );

      await t.step(
        "ends with what to try when the loss is not finite; the last checkpoint stays",
        async () => {
          const dir = join(root, "diverged");
          // One step an epoch: the first is always good.
          const flags = ["--epochs", "9", "--limit", "200", "--batch", "180", "--lr", "1e9"];
          const { code, stdout, stderr } = await new Training("--run", dir, ...flags).end();
          const epochs = stdout.filter((line) => line.startsWith("Epoch")).length;
          assert(epochs >= 1 && epochs < 9, stdout.join("\n"));
          assertEquals(code, 1);
          assertMatch(
            stderr.at(-1)!,
            new RegExp(
              "^error: Cannot go on training: (the loss is \\S+ at|weights, running statistics or what the optimizer " +
                `keeps are not finite after) step ${epochs + 1} \\(epoch ${epochs + 1}, ` +
                `learning rate \\d+\\S*\\); try a lower --lr, or --precision float32; ` +
                `the weights of epoch ${epochs} are in ${dir}$`,
            ),
          );
          assertEquals(stderr.filter((line) => line.startsWith("error")).length, 1);
          const { notes, metrics, tensors } = await outcome(dir);
          assertEquals([notes.step, metrics.length], [String(epochs), epochs]);
          for (const [name, { data }] of Object.entries(tensors)) {
            assertEquals((data as Float32Array).findIndex((value) => !Number.isFinite(value)), -1, name);
          }
          assertEquals(Number.isFinite(Number(notes.lastLoss)), true);
        },
      );

      await t.step(
        "the tutorial's recipe says both accuracies; --no-test leaves the test images alone",
        async () => {
          const dir = join(root, "tutorial");
          const flags = [
            "--recipe",
            "tutorial",
            "--epochs",
            "1",
            "--limit",
            "10",
            "--batch",
            "9",
            "--no-test",
            "--quiet",
          ];
          const { code, stdout, stderr } = await new Training("--run", dir, ...flags).end();
          assertEquals([code, stderr], [0, []]);
          assertEquals(stdout.length, 3, stdout.join("\n"));
          assertMatch(stdout[0], /^Epoch \[1\/1\], Loss: \d+\.\d{4}$/);
          assertMatch(stdout[1], /^Accuracy of the network on the 1 validation images: \d+\.\d{2} %$/);
          assertMatch(
            stdout[2],
            /^Accuracy of the network on the 1 validation images: \d+\.\d{2} % \(with running statistics\)$/,
          );
          assertEquals((await readRunInfo(dir)).test, undefined);
          const [line] = await readMetrics(dir);
          assertEquals(typeof line.validationAccuracyRunning, "number");
        },
      );
    } finally {
      await Deno.remove(root, { recursive: true });
    }
  },
});
