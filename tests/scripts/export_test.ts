/** `deno task export` as a person meets it. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
import { fastResnet } from "../../layers/networks/fast_resnet.ts";
import { toTensors } from "../../layers/readers/variables.ts";
import { saveModel } from "../../pipeline/runs/model_file.ts";
import { tf } from "../../runtime/mod.ts";
import { inFolder } from "../in_folder.ts";
import { trainedArrays } from "../layers/formats/exported_models.ts";
import { canLoadTensorFlow } from "../needs.ts";
import { runScript } from "./run_script.ts";

const CHECKED = /checked on 200 images of noise, same answer on \d+, largest difference \d\.\de[+-]\d\d\n$/;

/** The folder of a run that has a small network. */
async function writeRun(dir: string): Promise<void> {
  await tf.ready();
  const model = fastResnet({ inputSize: 16, widths: [8, 16], numClasses: 3 });
  const variables = toTensors(trainedArrays(model));
  const network = { kind: "fast", cfg: { inputSize: 16, widths: [8, 16] } } as const;
  await saveModel(join(dir, "model.safetensors"), { ...model, network }, variables, {
    imageShape: [20, 20, 3],
    transforms: [
      { kind: "resize", size: 16, quantize: false },
      { kind: "normalize", mean: [0.5, 0.4, 0.3], std: [0.25, 0.2, 0.3] },
    ],
    classes: ["cat", "dog", "eel"],
  });
  tf.dispose([variables.params, variables.batchStats]);
}

Deno.test({
  name: "export: each format is written beside the weights, checked, and says what is in it",
  ignore: !canLoadTensorFlow,
  fn: () =>
    inFolder(async (dir) => {
      await writeRun(dir);
      const run = ["--run", dir];
      const text = (path: string): Promise<string> => Deno.readTextFile(join(dir, path));
      const about = (shape: string, input: string) => ({
        network: "FastResNet-6",
        classes: '["cat","dog","eel"]',
        input: `float32 [n, ${shape}], RGB, ${input}`,
      });
      const normalized = "(pixel / 255 - mean) / std with mean [0.5, 0.4, 0.3] and std [0.25, 0.2, 0.3]";

      const onnx = await runScript("export.ts", run);
      const path = join(dir, "model.onnx");
      const use = `Use: onnxruntime.InferenceSession("${path}") in Python\n`;
      assertEquals([onnx.code, onnx.stderr], [0, use]);
      assertEquals(onnx.stdout.split(", ")[0], `onnx: ${path} 28 kB`);
      assertMatch(
        onnx.stdout,
        /, (checked on 200 images of noise, same answer on 200,|not checked, as onnxruntime-web is not)/,
      );
      const bytes = await text("model.onnx");
      for (const value of Object.values(about("3, 16, 16", normalized))) assert(bytes.includes(value), value);

      const tfjs = await runScript("export.ts", [...run, "--to", "tfjs", "--float16", "--raw-pixels"]);
      assertMatch(tfjs.stdout, CHECKED);
      assertEquals(
        tfjs.stderr,
        `Use: tf.loadLayersModel("file://${join(dir, "model-tfjs", "model.json")}")\n`,
      );
      const { userDefinedMetadata } = JSON.parse(await text("model-tfjs/model.json"));
      assertEquals(userDefinedMetadata, about("16, 16, 3", "pixels from 0 to 255"));

      const page = await runScript("export.ts", [...run, "--to", "page", "--float16"]);
      assertEquals([page.code, page.stderr], [0, `Use: open ${join(dir, "model.html")} in a browser\n`]);
      assertEquals(page.stdout.split(", ")[0], `page: ${join(dir, "model.html")} 1.8 MB`);
      assertMatch(page.stdout, CHECKED);
      const html = await text("model.html");
      assertMatch(html, /<td>FastResNet-6, [\d,]+ parameters, images of 20 x 20 pixels<\/td>/);
      assertEquals(html.includes("Pictures to try"), false);

      const out = join(dir, "new", "saved");
      const flags = ["--to", "savedmodel", "--softmax", "--no-fold", "--out", out];
      const saved = await runScript("export.ts", [...run, ...flags]);
      assertEquals(saved.stdout.split(", ")[0].replace(/ \d+ kB/, ""), `savedmodel: ${out}`);
      assertMatch(saved.stdout, CHECKED);
      assertEquals(saved.stderr, `Use: tf.saved_model.load("${out}") in Python\n`);
      assertEquals(
        JSON.parse(await text("new/saved/assets.extra/about.json")),
        about("16, 16, 3", normalized),
      );
    }),
});

Deno.test({
  name: "export: a page of a run whose data are not there has no pictures to try, and says so",
  ignore: !canLoadTensorFlow,
  fn: () =>
    inFolder(async (dir) => {
      await writeRun(dir);
      const earlier = new URL("../data/earlier_fast/run.json", import.meta.url);
      const info = JSON.parse(await Deno.readTextFile(earlier));
      const test = { accuracy: 0.8125, correct: 13, images: 16, loss: 0.5 };
      await Deno.writeTextFile(join(dir, "run.json"), JSON.stringify({ ...info, test }));
      const [page, none] = [join(dir, "page.html"), join(dir, "none")];
      const flags = ["--run", dir, "--data", none, "--to", "page", "--out", page];
      const { code, stdout, stderr } = await runScript("export.ts", flags);
      assertEquals(code, 0, stderr);
      assertMatch(stderr, /^Cannot read \S+none\/data_batch_1\.bin: no such file/m);
      assertMatch(stdout, CHECKED);
      const html = await Deno.readTextFile(page);
      assert(html.includes(`<td>${info.recipe.name}: ${info.recipe.about}</td>`));
      assert(html.includes("<td>81.25 % of 16 test images</td>"));
    }),
});

Deno.test({
  name: "export: flags of another format, no model, no place to write: one line",
  ignore: !canLoadTensorFlow,
  fn: () =>
    inFolder(async (dir) => {
      await writeRun(dir);
      const weights = join(dir, "model.safetensors");
      const cases: [args: string[], code: number, error: string][] = [
        [["--to", "tfjs", "--int8"], 2, "Cannot use --int8 with --to tfjs: it is for onnx"],
        [["--to", "onnx", "--float16"], 2, "Cannot use --float16 with --to onnx: it is for tfjs and page"],
        [["--to", "page", "--softmax"], 2, "Cannot use --softmax with --to page: a page takes pictures and"],
        [["--to", "tflite"], 2, 'Cannot use --to "tflite": expected one of onnx, tfjs, savedmodel, page'],
        [["--run", join(dir, "none")], 1, `Cannot read ${join(dir, "none")}: no such file`],
        [["--run", weights, "--out", dir], 1, `Cannot write ${dir}: `],
        [["--run", weights, "--to", "page", "--out", dir], 1, `Cannot write ${dir}: `],
        [["--run", weights, "--to", "tfjs", "--out", weights], 1, `Cannot write ${weights}: `],
      ];
      for (const [args, expected, error] of cases) {
        const { code, stdout, stderr } = await runScript("export.ts", args);
        assertEquals([code, stdout, stderr.trimEnd().split("\n").length], [expected, "", 1], stderr);
        assertEquals(stderr.slice(0, 7 + error.length), `error: ${error}`);
      }
    }),
});
