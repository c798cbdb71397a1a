/** The programs of docs/examples run as they are, in a folder of their own, one on what the other has written. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { decodeSafetensors, tf, tree } from "../../mod.ts";
import { loadModel } from "../../mod.ts";
import { runArgs } from "../child.ts";
import { inFolder } from "../in_folder.ts";
import { canLoadTensorFlow, granted } from "../needs.ts";

const EXAMPLES = fromFileUrl(new URL("../../docs/examples", import.meta.url));

/** The lines that a program prints. */
async function run(name: string, dir: string, ...args: string[]): Promise<string[]> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: runArgs(join(EXAMPLES, name), ...args),
    cwd: dir,
    env: { NO_COLOR: "1" },
  }).output();
  assertEquals([new TextDecoder().decode(stderr), code], ["", 0], name);
  return new TextDecoder().decode(stdout).trimEnd().split("\n");
}

/** What a weights file of PyTorch's names holds. */
async function tensorsOf(path: string) {
  return decodeSafetensors(await Deno.readFile(path)).tensors;
}

/** The numbers of a text. */
const numbers = (line: string): number[] => [...line.matchAll(/\d+(\.\d+)?/g)].map(([text]) => Number(text));

Deno.test({
  name: "docs/examples: each program has less than 40 lines, and imports the library alone",
  ignore: !granted("read"),
  async fn(): Promise<void> {
    const names = [...Deno.readDirSync(EXAMPLES)].map(({ name }) => name).sort();
    assertEquals(names, ["errors.ts", "fine_tune.ts", "predict.ts", "squeeze_excitation.ts", "train.ts"]);
    for (const name of names) {
      const text = await Deno.readTextFile(join(EXAMPLES, name));
      assert(text.trimEnd().split("\n").length < 40, name);
      const sources = [...text.matchAll(/ from "([^"]+)"/g)].map(([, source]) => source);
      assertEquals([...new Set(sources)], ["../../mod.ts"], name);
    }
  },
});

Deno.test({
  name: "docs/examples: trained, fine-tuned, predicted with, and its errors looked at",
  ignore: !canLoadTensorFlow,
  fn: () =>
    inFolder(async (dir) => {
      const trained = await run("train.ts", dir);
      assertEquals(trained.length, 5);
      const [epoch, loss, accuracy] = numbers(trained[3]);
      assertEquals(epoch, 4);
      assert(loss < 0.1 && accuracy >= 98, trained[3]);
      assertEquals(trained[4], "the network is brightness.safetensors");

      const tuned = await run("fine_tune.ts", dir);
      assertEquals(tuned.length, 11);
      assert(numbers(tuned[9])[2] >= 90, tuned[9]);
      const [before, after] = await Promise.all(
        ["brightness", "colours"].map((name) => tensorsOf(join(dir, `${name}.safetensors`))),
      );
      const isKept = (name: string): boolean => `${before[name].data}` === `${after[name].data}`;
      const trainable = Object.keys(after).filter((name) => /(weight|bias)$/.test(name)).sort();
      assertEquals(trainable.filter((name) => !isKept(name)), ["fc.bias", "fc.weight"]);
      assertEquals([before, after].map((file) => file["fc.weight"].shape), [[2, 16], [3, 16]]);

      // From the file by its name, and from a folder, as that of a run.
      await Deno.mkdir(join(dir, "run"));
      await Deno.copyFile(join(dir, "colours.safetensors"), join(dir, "run", "model.safetensors"));
      const [seen, colours] = [await run("predict.ts", dir), await run("predict.ts", dir, "run")];
      assertEquals(seen.length, 3);
      assertMatch(seen[0], /^image 0: dark \([\d.]+ %\), bright \([\d.]+ %\)$/);
      assertMatch(seen[2], /^image 2: bright \([\d.]+ %\), dark \([\d.]+ %\)$/);
      for (const line of [...seen, ...colours]) {
        const sum = [...line.matchAll(/([\d.]+) %/g)].reduce((sum, [, share]) => sum + Number(share), 0);
        assert(Math.abs(sum - 100) < 0.2, line);
      }
      assertMatch(colours[0], /^image 0: (red|green|blue) .*%\), (red|green|blue) .*, (red|green|blue) /);

      const [figure, ...errors] = await run("errors.ts", dir, "brightness.safetensors");
      assertMatch(figure, /^98.5 % of 200 images, loss \d/);
      const found = errors.map((line) => line.replace(/ \(\d.*/, "")).sort();
      assertEquals(found, [
        "image 11 is labelled dark, and taken for bright",
        "image 137 is labelled dark, and taken for bright",
        "image 42 is labelled bright, and taken for dark",
      ]);

      await tf.ready();
      const { variables, classes, transforms } = await loadModel(join(dir, "run"));
      tree.dispose(variables);
      assertEquals(classes, ["red", "green", "blue"]);
      assertEquals(transforms, [{ kind: "normalize", mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] }]);
    }),
});

Deno.test({
  name: "docs/examples: the layer of one's own trains",
  ignore: !canLoadTensorFlow,
  fn: () =>
    inFolder(async (dir) => {
      const lines = await run("squeeze_excitation.ts", dir);
      assertEquals(lines.filter((line) => /^ *Gate-\d+ /.test(line)).length, 2);
      const losses = lines.filter((line) => line.startsWith("step ")).map((line) => numbers(line)[1]);
      assertEquals(losses.length, 4);
      assert(losses[3] < losses[0] / 2, losses.join(" "));
    }),
});
