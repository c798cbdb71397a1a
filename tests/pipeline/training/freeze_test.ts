/** A frozen trunk: what of it stays, what the head learns, what is refused. */
import { assert, assertAlmostEquals, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import {
  apply,
  conv,
  defineModel,
  flatten,
  init,
  input,
  linear,
  type Model,
  resnet,
} from "../../../layers/mod.ts";
import { batches } from "../../../pipeline/data/batches.ts";
import type { Sgd } from "../../../pipeline/training/optimizer.ts";
import type { Training } from "../../../pipeline/training/recipe.ts";
import {
  disposeState,
  initialVariables,
  startState,
  trainedNames,
} from "../../../pipeline/training/state.ts";
import { trainStep } from "../../../pipeline/training/step.ts";
import { train } from "../../../pipeline/training/train.ts";
import { batchTensors, unpackImages } from "../../../pipeline/transforms/batch_tensors.ts";
import { CIFAR10_STATS } from "../../../pipeline/transforms/transforms.ts";
import { tf, tree } from "../../../runtime/mod.ts";
import { UsageError } from "../../../runtime/system/errors.ts";
import { leakTest } from "../../runtime/harness.ts";
import { bits, OPTIMIZERS, smallModel, smallRunData, smallTraining } from "../small_run.ts";

const HEAD = ["fc.weight", "fc.bias"];

/** Weights as a trained network may have them: statistics that are no longer those of the start, -0, denormal numbers. */
function trainedVariables(model: Model) {
  const { params, batchStats } = init(model, 7);
  const odd = Float32Array.of(-0, 1e-40, -1e-45, 0.5);
  const set = (name: string, of: Record<string, tf.Tensor>) => {
    of[name].dispose();
    of[name] = tf.tensor1d(odd);
  };
  set("conv1.1.bias", params);
  set("conv1.1.running_mean", batchStats);
  return { params, batchStats };
}

for (const optimizer of OPTIMIZERS) {
  leakTest(
    `a frozen trunk and its statistics stay bit for bit, with ${optimizer.kind} and lookahead`,
    async () => {
      const training: Training = { ...smallTraining, epochs: 6, optimizer, freeze: "trunk" };
      const begun = startState(smallModel, trainedVariables(smallModel), training);
      const before = bits(begun);
      const run = async (state = begun, stopAfter = Infinity) => {
        const stop = new AbortController();
        const losses: number[] = [];
        const end = await train(smallModel, smallRunData(), training, {
          ...{ seed: 7, state, signal: stop.signal },
          onStep: ({ step }) => step === stopAfter && stop.abort(),
          onEpoch: ({ loss }) => void losses.push(loss),
        });
        return { end, losses };
      };
      const { variables, optState, slow } = begun;
      const copy = {
        ...begun,
        ...tree.map((tensor) => tf.clone(tensor), { variables, optState, slow: slow! }),
      };
      const { end, losses } = await run();
      const after = bits(end);
      assertEquals(Object.keys(after), Object.keys(before));
      for (const [name, value] of Object.entries(after)) {
        const [kept, collection, of] = name.split("/");
        if (collection === undefined) continue;
        if (HEAD.includes(of ?? collection)) assertNotEquals(value, before[name], `${name} learns`);
        else if (kept === "optState") assertEquals(of, "steps", `${name} is of no use`);
        else assertEquals(value, before[name], `${name} stays`);
      }
      assert(losses[5] < losses[0], `the losses are ${losses}`);

      const { end: stopped } = await run(copy, 7);
      const { end: whole } = await run(stopped);
      assertEquals(bits(whole), after, "a run that goes on ends as one never stopped");
      [end, whole].forEach(disposeState);
    },
  );
}

leakTest(
  "a frozen trunk's head is a linear layer trained on the trunk's features in evaluation, worked out by hand",
  () => {
    const model = resnet([1, 1], { stem: "cifar", inputSize: 8, widths: [4, 8], numClasses: 4 });
    const sgd: Sgd = { kind: "sgd", momentum: 0.9, nesterov: false, weightDecay: 0.01, offsetScale: 1 };
    const settings = { ...smallTraining, optimizer: sgd, labelSmoothing: 0, freeze: "trunk" as const };
    const { train: dataset } = smallRunData();
    const rates = [0.5, 0.1, 0.3];
    tree.tidy(() => {
      const start = trainedVariables(model);
      const step = trainStep(model, settings, [{ kind: "normalize", ...CIFAR10_STATS }], "float32");
      let { variables, optState } = startState(model, start, settings);
      const weight = start.params["fc.weight"].arraySync() as number[][];
      const bias = start.params["fc.bias"].arraySync() as number[];
      const velocity = { weight: weight.map((row) => row.map(() => 0)), bias: bias.map(() => 0) };
      for (const [i, batch] of [...batches(dataset, 12)].slice(0, rates.length).entries()) {
        const { pixels, labels } = batchTensors(batch);
        const images = unpackImages(pixels, dataset.imageShape);
        const next = step({ variables, optState }, {
          ...{ images, labels, learningRate: tf.scalar(rates[i]), seed: tf.tensor1d([0, i], "int32") },
        });

        // What comes out of the whole network in evaluation, but for its last layer: that is made to hand the features on.
        const [mean, std] = [CIFAR10_STATS.mean, CIFAR10_STATS.std].map((values) => tf.tensor1d([...values]));
        const x = images.div(255).sub(mean).div(std) as tf.Tensor4D;
        const handing = resnet([1, 1], { stem: "cifar", inputSize: 8, widths: [4, 8], numClasses: 8 });
        const { batchStats, params } = start;
        const given = { ...params, "fc.weight": tf.eye(8), "fc.bias": tf.zeros([8]) };
        const features = apply(handing, { params: given, batchStats }, x, { train: false })[0].arraySync();
        const classes = [...batch.labels];
        const gradient = { weight: weight.map((row) => row.map(() => 0)), bias: bias.map(() => 0) };
        let loss = 0;
        features.forEach((row, n) => {
          const logits = bias.map((b, c) => row.reduce((sum, f, k) => sum + f * weight[k][c], b));
          const total = logits.reduce((sum, logit) => sum + Math.exp(logit), 0);
          loss -= Math.log(Math.exp(logits[classes[n]]) / total) / features.length;
          logits.forEach((logit, c) => {
            const error = (Math.exp(logit) / total - (c === classes[n] ? 1 : 0)) / features.length;
            gradient.bias[c] += error;
            row.forEach((f, k) => gradient.weight[k][c] += error * f);
          });
        });
        const moved = (value: number, grad: number, before: number): [value: number, velocity: number] => {
          const v = 0.9 * before + grad + 0.01 * value;
          return [value - rates[i] * v, v];
        };
        bias.forEach((b, c) => [bias[c], velocity.bias[c]] = moved(b, gradient.bias[c], velocity.bias[c]));
        weight.forEach((row, k) =>
          row.forEach((w, c) =>
            [row[c], velocity.weight[k][c]] = moved(w, gradient.weight[k][c], velocity.weight[k][c])
          )
        );
        assertAlmostEquals(next.loss.dataSync()[0], loss, 1e-5, `loss of step ${i}`);
        const { "fc.weight": w, "fc.bias": b } = next.variables.params;
        w.dataSync().forEach((value, at) =>
          assertAlmostEquals(value, weight.flat()[at], 1e-5, `weight, step ${i}`)
        );
        b.dataSync().forEach((value, at) => assertAlmostEquals(value, bias[at], 1e-5, `bias, step ${i}`));
        ({ variables, optState } = next);
      }
      step.dispose();
      return [];
    });
  },
);

Deno.test("trainedNames: of a frozen trunk those of the last layer, and not those frozen besides", () => {
  assertEquals(trainedNames(smallModel, { freeze: "trunk" }), HEAD);
  assertEquals(trainedNames(smallModel, { freeze: "trunk", frozen: ["conv1", "fc.bias"] }), ["fc.weight"]);
});

Deno.test("freeze: refused where there is no trunk, no head, or no weights to start from", () => {
  const refused = (model: Model): string =>
    assertThrows(() => trainedNames(model, { freeze: "trunk" }), UsageError).message;
  const pixels = input([2, 2, 3]);
  const softmax = defineModel(linear(flatten(pixels, { name: "flatten" }), { name: "fc", features: 2 }), {
    name: "one layer",
  });
  assertEquals(
    refused(softmax),
    "Cannot freeze the trunk of one layer: there are no weights before its last layer",
  );
  const maps = defineModel(conv(pixels, { name: "conv", filters: 2, kernelSize: 2 }), { name: "maps" });
  assertEquals(
    refused(maps),
    "Cannot freeze the trunk of maps: it does not end in a map and a linear layer that tells the classes apart by that",
  );
  const hidden = linear(flatten(pixels, { name: "flatten" }), { name: "fc1", features: 3 });
  const one = "it does not end in a map and a linear layer that tells the classes apart by that";
  assertEquals(
    refused(defineModel(linear(hidden, { name: "fc2", features: 2 }), { name: "two layers" })),
    `Cannot freeze the trunk of two layers: ${one}`,
  );
  const { train: dataset } = smallRunData();
  const { message } = assertThrows(
    () => initialVariables(smallModel, dataset, { whiten: false, freeze: "trunk" }, 1),
    UsageError,
  );
  assertEquals(
    message,
    "Cannot freeze the trunk of ResNet-8: it would stay as it is drawn at random; give weights to start from, " +
      "with --init FILE",
  );
});
