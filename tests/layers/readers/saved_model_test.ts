/** Networks as SavedModels: `tf.node` computes what `apply` does. */
import { assert, assertEquals } from "@std/assert";
import { dirname, join } from "@std/path";
import { defineModel } from "../../../layers/model.ts";
import { customLayer } from "../../../layers/nodes/custom.ts";
import { conv, flatten, input, linear } from "../../../layers/nodes/nodes.ts";
import type { ExportOptions } from "../../../layers/readers/export.ts";
import { savedModelFiles } from "../../../layers/readers/saved_model.ts";
import type { Arrays, FloatArray } from "../../../layers/readers/arrays.ts";
import type { Model } from "../../../layers/model.ts";
import { tf } from "../../../runtime/mod.ts";
import { inFolder } from "../../in_folder.ts";
import { leakTest } from "../../runtime/harness.ts";
import {
  EXPORTED_MODELS,
  logitsOf,
  relativeDifference,
  someImages,
  trainedArrays,
} from "../formats/exported_models.ts";

/** Writes a SavedModel, loads it, and runs it on images; with the name of what comes out. */
async function predicted(
  model: Model,
  arrays: Arrays,
  images: FloatArray,
  options: ExportOptions = {},
): Promise<[output: string, values: Float32Array]> {
  let found: [string, Float32Array] = ["", new Float32Array()];
  await inFolder(async (dir) => {
    for (const [path, bytes] of Object.entries(savedModelFiles(model, arrays, options))) {
      await Deno.mkdir(dirname(join(dir, path)), { recursive: true });
      await Deno.writeFile(join(dir, path), bytes);
    }
    const loaded = await tf.node.loadSavedModel(dir);
    tf.tidy(() => {
      const x = tf.tensor(images.data, [...images.shape]);
      const [[output, y]] = Object.entries(loaded.predict({ images: x }) as tf.NamedTensorMap);
      found = [output, y.dataSync<"float32">()];
    });
    loaded.dispose();
  });
  return found;
}

leakTest("savedModelFiles: networks of every family, folded and not", async () => {
  for (const [family, model] of Object.entries(EXPORTED_MODELS)) {
    const arrays = trainedArrays(model);
    const images = someImages(model, 4);
    const expected = logitsOf(model, arrays, images);
    for (const foldBatchNorm of [true, false]) {
      const [output, found] = await predicted(model, arrays, images, { foldBatchNorm });
      const difference = relativeDifference(found, expected);
      assert(
        output === "logits" && difference < 1e-5,
        `${family}: off by ${difference} of the largest logit`,
      );
    }
  }
});

leakTest("savedModelFiles: a layer of one's own, raw pixels in, probabilities out, one image", async () => {
  const swish = customLayer({ kind: "Swish", run: ([x]) => tf.mul(x, tf.sigmoid(x)) });
  const x = conv(input([4, 4, 3]), { name: "conv", filters: 2, kernelSize: 3 });
  const row = flatten(swish(x, { name: "act" }), { name: "row" });
  const model = defineModel(linear(row, { name: "fc", features: 3 }), { name: "own" });
  const arrays = trainedArrays(model);
  const normalize = { mean: [0.5, 0.4, 0.3], std: [0.25, 0.2, 0.3] };
  const data = Float32Array.from({ length: 48 }, (_, i) => (7 * i) % 256);
  const normalized = data.map((pixel, i) => (pixel / 255 - normalize.mean[i % 3]) / normalize.std[i % 3]);
  const logits = logitsOf(model, arrays, { shape: [1, 4, 4, 3], data: normalized });
  const expected = tf.tidy(() => tf.softmax(tf.tensor2d(logits, [1, 3])).dataSync<"float32">());
  const [output, found] = await predicted(model, arrays, { shape: [1, 4, 4, 3], data }, {
    normalize,
    softmax: true,
  });
  assertEquals(output, "probabilities");
  assert(relativeDifference(found, expected) < 1e-5);
});

leakTest("savedModelFiles: texts are a JSON file beside the graph", () => {
  const model = EXPORTED_MODELS["CIFAR"];
  const files = savedModelFiles(model, trainedArrays(model), { about: { classes: '["cat"]' } });
  assertEquals(Object.keys(files), ["saved_model.pb", "assets.extra/about.json"]);
  assertEquals(JSON.parse(new TextDecoder().decode(files["assets.extra/about.json"])), {
    classes: '["cat"]',
  });
});
