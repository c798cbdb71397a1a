/** LayersModels: what their files hold, and what TensorFlow.js computes from them. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { encodeLayersModel, type LayersModelOptions } from "../../../layers/formats/layers_model.ts";
import { defineModel, type Model } from "../../../layers/model.ts";
import { customLayer } from "../../../layers/nodes/custom.ts";
import { conv, flatten, input, linear, maxPool } from "../../../layers/nodes/nodes.ts";
import type { Arrays, FloatArray } from "../../../layers/readers/arrays.ts";
import { initArrays } from "../../../layers/readers/init.ts";
import { tf, UserError } from "../../../runtime/mod.ts";
import { inFolder } from "../../in_folder.ts";
import { leakTest } from "../../runtime/harness.ts";
import {
  EXPORTED_MODELS,
  logitsOf,
  relativeDifference,
  someImages,
  trainedArrays,
} from "./exported_models.ts";

interface Weight {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly quantization?: { readonly dtype: string };
}

interface ModelJson {
  readonly format: string;
  readonly userDefinedMetadata?: Record<string, string>;
  readonly modelTopology: { readonly config: { readonly layers: { class_name: string; name: string }[] } };
  readonly weightsManifest: readonly [{ readonly paths: string[]; readonly weights: readonly Weight[] }];
}

function jsonOf(files: Readonly<Record<string, Uint8Array>>): ModelJson {
  return JSON.parse(new TextDecoder().decode(files["model.json"]));
}

/** Writes a model into a folder, loads it from there, and runs it. */
async function predicted(
  model: Model,
  arrays: Arrays,
  images: FloatArray,
  options: LayersModelOptions = {},
): Promise<Float32Array> {
  let found = new Float32Array();
  await inFolder(async (dir) => {
    for (const [name, bytes] of Object.entries(encodeLayersModel(model, arrays, options))) {
      await Deno.writeFile(`${dir}/${name}`, bytes);
    }
    const loaded = await tf.loadLayersModel(`file://${dir}/model.json`);
    found = tf.tidy(() => {
      const y = loaded.predict(tf.tensor(images.data, [...images.shape])) as tf.Tensor;
      return y.dataSync<"float32">() as Float32Array<ArrayBuffer>;
    });
    loaded.dispose();
  });
  return found;
}

Deno.test("encodeLayersModel: shards of 4 MiB, texts, layers by name", () => {
  const row = flatten(input([16, 16, 5]), { name: "row" });
  const model = defineModel(linear(row, { name: "fc", features: 1000 }), { name: "wide" }); // 1,281,000 numbers
  const arrays = initArrays(model, 0);
  const files = encodeLayersModel(model, arrays, { about: { classes: "[]" } });
  assertEquals(Object.entries(files).slice(1).map(([name, { length }]) => [name, length]), [
    ["group1-shard1of2.bin", 4_194_304],
    ["group1-shard2of2.bin", 4 * 1_281_000 - 4_194_304],
  ]);
  const { format, userDefinedMetadata, modelTopology, weightsManifest: [{ paths, weights }] } = jsonOf(files);
  assertEquals([format, userDefinedMetadata], ["layers-model", { classes: "[]" }]);
  assertEquals(paths, ["group1-shard1of2.bin", "group1-shard2of2.bin"]);
  assertEquals(weights, [
    { name: "fc/kernel", shape: [1280, 1000], dtype: "float32" },
    { name: "fc/bias", shape: [1000], dtype: "float32" },
  ]);
  assertEquals(modelTopology.config.layers.map(({ class_name, name }) => `${class_name} ${name}`), [
    ...["InputLayer images", "Permute row.chw", "Flatten row", "Dense fc"],
  ]);
});

Deno.test("encodeLayersModel: float16 halves kernels; vectors and what half floats do not hold stay as they are", () => {
  const row = flatten(conv(input([1, 1, 2]), { name: "conv", filters: 2, kernelSize: 1 }), { name: "row" });
  const model = defineModel(linear(row, { name: "fc", features: 2 }), { name: "small" });
  const array = (shape: number[], ...values: number[]) => ({ shape, data: Float32Array.from(values) });
  const files = encodeLayersModel(model, {
    params: {
      "conv.weight": array([1, 1, 2, 2], 1, 65504, -0.5, 2 ** -24), // the smallest of half floats
      "conv.bias": array([2], 0.1, 0.2),
      "fc.weight": array([2, 2], 1, 65536, 3, 4),
      "fc.bias": array([2], 0, 0),
    },
    batchStats: {},
  }, { float16: true });
  const { weights } = jsonOf(files).weightsManifest[0];
  assertEquals(weights.map(({ name, quantization }) => [name, quantization?.dtype]), [
    ["conv/kernel", "float16"],
    ["conv/bias", undefined],
    ["fc/kernel", undefined],
    ["fc/bias", undefined],
  ]);
  const bytes = files["group1-shard1of1.bin"];
  assertEquals([...new Uint16Array(bytes.slice(0, 8).buffer)], [0x3c00, 0x7bff, 0xb800, 0x0001]);
  assertEquals(bytes.length, 8 + 8 + 16 + 8);
});

Deno.test("encodeLayersModel: a layer of one's own is named, with what to do", () => {
  const own = customLayer({ kind: "Swish", run: ([x]) => tf.mul(x, tf.sigmoid(x)) });
  const model = defineModel(own(input([2, 2, 1]), { name: "act" }), { name: "own" });
  assertThrows(
    () => encodeLayersModel(model, initArrays(model, 0)),
    UserError,
    'Cannot write a LayersModel: layer "act" is a Swish, a layer of one\'s own',
  );
});

leakTest(
  "encodeLayersModel: TensorFlow.js computes what apply does, for networks of every family",
  async () => {
    for (const [family, model] of Object.entries(EXPORTED_MODELS)) {
      const arrays = trainedArrays(model);
      const images = someImages(model, 3);
      const expected = logitsOf(model, arrays, images);
      const cases: [options: LayersModelOptions, limit: number][] = [
        [{}, 1e-5],
        [{ foldBatchNorm: false }, 1e-5],
        [{ float16: true }, 2e-3], // half floats have 11 bits
      ];
      for (const [options, limit] of cases) {
        const difference = relativeDifference(await predicted(model, arrays, images, options), expected);
        assert(
          difference < limit,
          `${family} ${JSON.stringify(options)}: off by ${difference} of the largest logit`,
        );
      }
    }
  },
);

leakTest("encodeLayersModel: raw pixels in, probabilities out", async () => {
  const normalize = { mean: [0.5, 0.4, 0.3], std: [0.25, 0.2, 0.3] };
  const model = EXPORTED_MODELS["fast"];
  const arrays = trainedArrays(model);
  const shape = [2, ...model.input.shape];
  const data = Float32Array.from({ length: 2 * 32 * 32 * 3 }, (_, i) => (7 * i) % 256);
  const normalized = data.map((pixel, i) => (pixel / 255 - normalize.mean[i % 3]) / normalize.std[i % 3]);
  const logits = logitsOf(model, arrays, { shape, data: normalized });
  const expected = tf.tidy(() => tf.softmax(tf.tensor2d(logits, [2, 10])).dataSync<"float32">());
  for (const float16 of [false, true]) {
    const options = { normalize, softmax: true, float16 };
    const difference = relativeDifference(
      await predicted(model, arrays, { shape, data }, options),
      expected,
    );
    assert(difference < (float16 ? 2e-3 : 1e-5), `off by ${difference}`);
  }
});

leakTest("encodeLayersModel: padding of a maximum never wins, by hand", async () => {
  const model = defineModel(
    maxPool(input([2, 2, 1]), { name: "pool", kernelSize: 3, stride: 2, padding: 1 }),
    {
      name: "pool",
    },
  );
  const images = { shape: [1, 2, 2, 1], data: Float32Array.of(-4, -3, -2, -5) };
  assertEquals([...await predicted(model, { params: {}, batchStats: {} }, images)], [-2]);
});
