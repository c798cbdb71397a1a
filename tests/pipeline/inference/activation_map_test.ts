/** Maps whose mean gives the logit, and Grad-CAM where its gradients are known. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import {
  apply,
  defineModel,
  fastResnet,
  flatten,
  init,
  input,
  linear,
  type Model,
  parameters,
  resnet,
  scale,
  type Variables,
} from "../../../layers/mod.ts";
import { explainer } from "../../../pipeline/inference/activation_map.ts";
import type { TrainedModel } from "../../../pipeline/inference/predict.ts";
import { applyTransforms } from "../../../pipeline/transforms/apply.ts";
import { tf, tree } from "../../../runtime/mod.ts";
import { UsageError } from "../../../runtime/system/errors.ts";
import { leakTest } from "../../runtime/harness.ts";

/** A network with weights as drawn and statistics that are not those of any batch. */
function trainedOf(model: Model): TrainedModel {
  const { params, batchStats } = init(model, 3);
  const moved = tree.map(
    (tensor) => tf.tensor(Float32Array.from({ length: tensor.size }, (_, i) => 0.5 + 0.1 * i), tensor.shape),
    batchStats,
  );
  tree.dispose(batchStats);
  return {
    model,
    variables: { params, batchStats: moved },
    imageShape: [16, 16, 3],
    transforms: [{ kind: "normalize", mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] }],
    classes: ["ant", "bee", "cow"],
  };
}

const IMAGE = Uint8Array.from({ length: 16 * 16 * 3 }, (_, i) => (i * 37 + (i >> 5) * 11) % 256);

/** The output of a part of a network for the image, without folding and compiling. */
function outputOf(model: Model, { variables, transforms }: TrainedModel): number[] {
  const names = new Set(parameters(model).map(({ name }) => name));
  const of = (tensors: Variables["params"]) =>
    Object.fromEntries(Object.entries(tensors).filter(([name]) => names.has(name)));
  return tf.tidy(() => {
    const image = tf.tensor4d(Float32Array.from(IMAGE), [1, 16, 16, 3]);
    const x = applyTransforms(transforms, image, { train: false });
    const part = { params: of(variables.params), batchStats: of(variables.batchStats) };
    return [...apply(model, part, x, { train: false })[0].dataSync()];
  });
}

const mean = (values: Float32Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;

leakTest("explainer: the mean of a class activation map and the bias are the class's logit", () => {
  const cfg = { inputSize: 16, widths: [4, 8], numClasses: 3 } as const;
  const networks = [
    resnet([1, 1], { ...cfg, stem: "cifar", dropout: 0.5 }),
    resnet([1, 1], { ...cfg, naming: "torchvision" }),
    resnet([1, 1], { ...cfg, stem: "cifar", block: "preActivation" }),
    resnet([1, 1, 1, 1], { inputSize: 16, widths: [4, 4, 4, 8], numClasses: 3 }), // a last map of 1 x 1
  ];
  for (const model of networks) {
    const trained = trainedOf(model);
    const logits = outputOf(model, trained);
    assert(Math.abs(logits[0] - logits[1]) > 1e-3, "a test that tells something");
    const { kind, explain, dispose } = explainer(trained);
    assertEquals(kind, "class activation map");
    const bias = trained.variables.params["fc.bias"].dataSync();
    for (const label of [0, 1, 2]) {
      const { width, height, values } = explain(IMAGE, label);
      assertEquals([width, values.length], [height, width * height]);
      assertAlmostEquals(mean(values) + bias[label], logits[label], 1e-4);
    }
    dispose();
    tree.dispose(trained.variables);
  }
});

leakTest(
  "explainer: Grad-CAM of a scaled last layer is what is above 0 of its map, by the places' number",
  () => {
    const plain = resnet([1, 1], { stem: "cifar", inputSize: 16, widths: [4, 8], numClasses: 3 });
    const trained = trainedOf(plain);
    const scaled = {
      ...trained,
      model: defineModel(scale(plain.output, { name: "s", factor: -3 }), { name: "scaled" }),
    };
    const [map, gradCam] = [explainer(trained), explainer(scaled)];
    assertEquals(gradCam.kind, "Grad-CAM");
    for (const label of [0, 2]) {
      const [expected, found] = [map.explain(IMAGE, label), gradCam.explain(IMAGE, label)];
      assertEquals([found.width, found.height, found.values.length], [8, 8, 64]);
      // The gradient of -3 (mean(f) w + b) with respect to each place of f is -3 w / 64.
      found.values.forEach((value, i) => {
        assertAlmostEquals(value, Math.max(0, -3 * expected.values[i] / 64), 1e-5);
      });
    }
    map.dispose();
    gradCam.dispose();
    tree.dispose(trained.variables);
  },
);

leakTest("explainer: Grad-CAM through a maximum, whose gradient is 1 at one place", () => {
  const model = fastResnet({ inputSize: 16, widths: [4, 6], numClasses: 3, headScale: 0.5 });
  const trained = trainedOf(model);
  const features = model.nodes.find(({ name }) => name === "pool")!.inputs[0]!;
  const [height, width, channels] = features.shape as [number, number, number];
  const values = outputOf(defineModel(features, { name: "features" }), trained);
  const weights = trained.variables.params["fc.weight"].dataSync(); // [channels, 3]
  const { kind, explain, dispose } = explainer(trained);
  assertEquals(kind, "Grad-CAM");
  for (const label of [0, 1, 2]) {
    const found = explain(IMAGE, label);
    assertEquals([found.width, found.height], [width, height]);
    found.values.forEach((value, place) => {
      let sum = 0;
      for (let c = 0; c < channels; c++) {
        sum += 0.5 * weights[c * 3 + label] / (height * width) * values[place * channels + c];
      }
      assertAlmostEquals(value, Math.max(0, sum), 1e-5);
    });
  }
  dispose();
  tree.dispose(trained.variables);
});

leakTest("explainer refuses a network without a feature map", () => {
  const model = defineModel(
    linear(flatten(input([16, 16, 3]), { name: "flat" }), { name: "fc", features: 3 }),
    {
      name: "one layer",
    },
  );
  const trained = trainedOf(model);
  assertThrows(
    () => explainer(trained),
    UsageError,
    "Cannot explain one layer: it has no feature map that all of its logits are computed from",
  );
  tree.dispose(trained.variables);
});
