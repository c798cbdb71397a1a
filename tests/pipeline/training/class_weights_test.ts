/** Class weights: scikit-learn's, PyTorch's loss in a step of training, a run that goes on, refusals. */
import { assertAlmostEquals, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { apply, init, resnet } from "../../../layers/mod.ts";
import { createDataset } from "../../../pipeline/data/dataset.ts";
import { classWeightsOf } from "../../../pipeline/training/class_weights.ts";
import type { Training } from "../../../pipeline/training/recipe.ts";
import { disposeState, startState } from "../../../pipeline/training/state.ts";
import { trainStep } from "../../../pipeline/training/step.ts";
import { train } from "../../../pipeline/training/train.ts";
import { tf, tree } from "../../../runtime/mod.ts";
import { UsageError } from "../../../runtime/system/errors.ts";
import { leakTest } from "../../runtime/harness.ts";
import { bits, smallModel, smallRunData, smallTraining } from "../small_run.ts";

/** Images of one pixel with these labels. */
function labelled(labels: number[], classes: string[]) {
  return createDataset({ images: new Uint8Array(labels.length), labels, imageShape: [1, 1, 1], classes });
}

Deno.test("class weights: balanced ones are scikit-learn's, of the images that are trained on", () => {
  const dataset = labelled([1, 1, 1, 1, 0, 0], ["cat", "dog"]);
  assertEquals(classWeightsOf({}, dataset), undefined);
  // The example of sklearn.utils.class_weight.compute_class_weight.
  assertEquals(classWeightsOf({ classWeights: "balanced" }, dataset), [1.5, 0.75]);
  const half = { ...dataset, indices: Uint32Array.of(0, 4, 5) };
  assertEquals(classWeightsOf({ classWeights: "balanced" }, half), [0.75, 1.5]);
  assertEquals(classWeightsOf({ classWeights: [3, 5] }, dataset), [3, 5]);
});

Deno.test("class weights: refused where there is not one a class, or nothing to balance by", () => {
  const dataset = labelled([0, 2, 2], ["cat", "dog", "frog"]);
  const refused = (classWeights: Training["classWeights"]): string =>
    assertThrows(() => classWeightsOf({ classWeights }, dataset), UsageError).message;
  assertEquals(
    refused([1, 2]),
    "Cannot train: classWeights has 2 numbers, the training images are of 3 classes; give one a class",
  );
  assertEquals(
    refused("balanced"),
    'Cannot balance the classes: no training image is of the class "dog"; train on images of all classes, or give ' +
      "the weights as numbers, classWeights in a recipe's file",
  );
  assertEquals(classWeightsOf({ classWeights: [1, 2, 3] }, dataset), [1, 2, 3], "numbers need no images");
});

leakTest("class weights: the loss of a step is the weighted mean, worked out by hand", () => {
  const model = resnet([1, 1], { stem: "cifar", inputSize: 8, widths: [4, 8], numClasses: 3 });
  const [weights, labels, smoothing] = [[0.2, 1, 5], [0, 2, 1, 0], 0.1];
  const settings = { ...smallTraining, labelSmoothing: smoothing, classWeights: weights };
  tree.tidy(() => {
    const variables = init(model, 3);
    const images = tf.randomUniform<tf.Rank.R4>([4, 8, 8, 3], 0, 1, "float32", 5);
    const [logits] = apply(model, variables, images, { train: true });
    const rows = logits.arraySync();
    let [sum, total] = [0, 0];
    labels.forEach((label, i) => {
      const logSum = Math.log(rows[i].reduce((sum, logit) => sum + Math.exp(logit), 0));
      rows[i].forEach((logit, c) => {
        const target = (c === label ? 1 - smoothing : 0) + smoothing / 3;
        sum += weights[c] * target * (logSum - logit);
      });
      total += weights[label];
    });
    const step = trainStep(model, settings, [], "float32");
    const { optState } = startState(model, variables, { optimizer: settings.optimizer });
    const { loss } = step({ variables, optState }, {
      ...{ images, labels: tf.tensor1d(labels, "int32") },
      ...{ learningRate: tf.scalar(0), seed: tf.tensor1d([0, 0], "int32") },
    });
    assertAlmostEquals(loss.dataSync()[0], sum / total, 1e-5);
    step.dispose();
    return [];
  });
});

leakTest(
  "class weights: a run that goes on ends as one never stopped; balanced ones are their numbers",
  async () => {
    const data = smallRunData();
    const run = async (classWeights: Training["classWeights"], stopAfter?: number) => {
      const settings = { ...smallTraining, classWeights };
      const stop = new AbortController();
      const onStep = ({ step }: { step: number }) => step === stopAfter && stop.abort();
      const options = { seed: 7, signal: stop.signal, onStep };
      let state = await train(smallModel, data, settings, options);
      if (stopAfter !== undefined) state = await train(smallModel, data, settings, { seed: 7, state });
      const found = bits(state);
      disposeState(state);
      return found;
    };
    const balanced = await run("balanced");
    assertEquals(await run("balanced", 4), balanced);
    assertEquals(await run(classWeightsOf({ classWeights: "balanced" }, data.train)), balanced);
    assertNotEquals(await run(undefined), balanced);
  },
);

Deno.test("class weights: a step of its own knows no data to balance by", () => {
  assertThrows(
    () => trainStep(smallModel, { ...smallTraining, classWeights: "balanced" }, [], "float32"),
    TypeError,
    "trainStep: what balances the classes follows from the data; give one number a class",
  );
});
