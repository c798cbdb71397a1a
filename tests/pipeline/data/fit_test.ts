/** Whether a network and a data set go together; and that class numbers above 255 stay what they are. */
import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import {
  batchNorm,
  conv,
  defineModel,
  flatten,
  input,
  linear,
  type Model,
  resnet,
  type Variables,
} from "../../../layers/mod.ts";
import { batches } from "../../../pipeline/data/batches.ts";
import { classCounts, createDataset, type Dataset } from "../../../pipeline/data/dataset.ts";
import { checkFit, type Use } from "../../../pipeline/data/fit.ts";
import { evaluate } from "../../../pipeline/inference/evaluate.ts";
import { recipes } from "../../../pipeline/training/recipes.ts";
import { disposeState, startState } from "../../../pipeline/training/state.ts";
import { train } from "../../../pipeline/training/train.ts";
import { resize } from "../../../pipeline/transforms/transforms.ts";
import { tf } from "../../../runtime/mod.ts";
import { UsageError } from "../../../runtime/system/errors.ts";
import { leakTest } from "../../runtime/harness.ts";
import { smallDataset } from "../small_data.ts";

/** For images of 4 x 4: after the first stage 4 x 4, after the second 2 x 2. */
const model = resnet([1, 1], { stem: "cifar", inputSize: 4, widths: [4, 8], numClasses: 3 });

const use: Use = { action: "Cannot train", part: "training images", batchSize: 2, statistics: "batch" };

/** A data set of so many classes, with one image of each of the labels. */
function labelled(labels: ArrayLike<number>, numClasses: number, size = 4): Dataset {
  return createDataset({
    images: new Uint8Array(labels.length * size * size * 3),
    labels,
    imageShape: [size, size, 3],
    classes: Array.from({ length: numClasses }, (_, label) => `class ${label}`),
  });
}

/** Asserts the one line of a refusal. */
function assertRefused(model: Model, dataset: Dataset, use: Use, message: string): void {
  assertEquals(assertThrows(() => checkFit(model, dataset, use), UsageError).message, message);
}

Deno.test("checkFit: images that the network takes, of all its classes or fewer", () => {
  checkFit(model, smallDataset(7), { ...use, batchSize: 3 });
  checkFit(model, smallDataset(1), use);
  checkFit(model, smallDataset(7), { action: "Cannot test", batchSize: 100, statistics: "running" });
  checkFit(model, labelled([0, 1], 2), use);
  checkFit(model, resize(4)({ train: smallDataset(3, 5, 7) }).train, use);
});

Deno.test("checkFit: a batch size that is none", () => {
  for (const batchSize of [0, 1.5, NaN, -1, Infinity]) {
    assertRefused(
      model,
      smallDataset(3),
      { ...use, batchSize },
      `Cannot train ResNet-6: the batch size is ${batchSize}; give a whole number of at least 1`,
    );
  }
});

Deno.test("checkFit: no images", () => {
  const none = { ...smallDataset(3), indices: new Uint32Array() };
  assertRefused(
    model,
    none,
    use,
    "Cannot train ResNet-6: there are no training images; give some, or leave that part out",
  );
  const { part: _, ...unnamed } = use;
  assertRefused(
    model,
    none,
    { ...unnamed, action: "Cannot evaluate" },
    "Cannot evaluate ResNet-6: there are no images; give some, or leave that part out",
  );
});

Deno.test("checkFit: images of another shape than the network takes, after their transforms", () => {
  const end =
    "after their transforms, the network takes [4,4,3]; resize them, or build it with that inputSize";
  assertRefused(
    model,
    smallDataset(3, 5, 4),
    use,
    `Cannot train ResNet-6: the training images are [5,4,3] ${end}`,
  );
  assertRefused(
    model,
    resize(8)({ train: smallDataset(3, 4) }).train,
    use,
    `Cannot train ResNet-6: the training images are [8,8,3] ${end}`,
  );
  const gray = createDataset({
    images: new Uint8Array(32),
    labels: [0, 1],
    imageShape: [4, 4, 1],
    classes: ["a", "b"],
  });
  assertRefused(
    model,
    gray,
    { ...use, part: "validation images" },
    `Cannot train ResNet-6: the validation images are [4,4,1] ${end}`,
  );
});

Deno.test("checkFit: a network that does not end in a row", () => {
  const map = defineModel(conv(input([4, 4, 3]), { name: "conv", filters: 3, kernelSize: 1 }), {
    name: "map",
  });
  assertRefused(
    map,
    smallDataset(3),
    use,
    "Cannot train map: it ends in [4,4,3], not in one number a class",
  );
});

Deno.test("checkFit: more classes than the network tells apart", () => {
  const hundred = resnet([1], { stem: "cifar", inputSize: 4, widths: [4], numClasses: 100 });
  checkFit(hundred, labelled([0, 99], 100), use);
  assertRefused(
    hundred,
    labelled([0, 99], 101),
    use,
    "Cannot train ResNet-4: the training images are of 101 classes, the network tells 100 apart; " +
      "build it with numClasses: 101",
  );
});

Deno.test("checkFit: a label that is no class of the network, and an image that is not in memory", () => {
  // createDataset would have refused the label: an object of one's own may have it.
  const own = { ...smallDataset(6), labels: Uint32Array.of(0, 1, 2, 0, 3, 4) };
  assertRefused(
    model,
    own,
    use,
    "Cannot train ResNet-6: label 3 (image 4 of the training images) is none of 0 to 2",
  );
  assertRefused(
    model,
    { ...own, indices: Uint32Array.of(0, 5, 4) },
    use,
    "Cannot train ResNet-6: label 4 (image 5 of the training images) is none of 0 to 2",
  );
  checkFit(model, { ...own, indices: Uint32Array.of(3, 1) }, use); // not of those that are looked at
  assertRefused(
    model,
    { ...smallDataset(6), indices: Uint32Array.of(5, 6) },
    use,
    "Cannot train ResNet-6: of 6 training images in memory, number 6 is asked for",
  );
});

Deno.test("checkFit: a batch norm that would see one pixel of one image", () => {
  // 2 x 2, and 1 x 1 after the second stage.
  const one = resnet([1, 1], { stem: "cifar", inputSize: 2, widths: [4, 8], numClasses: 3 });
  const images = (count: number) => smallDataset(count, 2);
  const message = (count: number) =>
    `Cannot train ResNet-6: the last step has one of the ${count} training images, and of that the batch norm ` +
    `"layer1.0.conv1.1" sees one pixel, which has no variance; use another batch size, or another number of images`;
  assertRefused(one, images(7), { ...use, batchSize: 3 }, message(7));
  assertRefused(one, images(1), { ...use, batchSize: 3 }, message(1));
  assertRefused(one, images(4), { ...use, batchSize: 1 }, message(4));
  checkFit(one, images(8), { ...use, batchSize: 3 }); // the last two
  checkFit(one, images(6), { ...use, batchSize: 3 }); // none is left over
  checkFit(one, images(2), { ...use, batchSize: 3 });
  checkFit(one, images(7), { ...use, batchSize: 3, statistics: "running" });
  checkFit(model, smallDataset(7), { ...use, batchSize: 3 }); // its last map is 2 x 2
  const tall = defineModel(
    linear(flatten(batchNorm(input([2, 1, 3]), { name: "bn" }), { name: "flatten" }), {
      name: "fc",
      features: 3,
    }),
    { name: "tall" },
  );
  checkFit(tall, smallDataset(1, 2, 1), use);
});

leakTest(
  "checkFit: what it refuses training refuses, leaving nothing, and what it takes is trained",
  async () => {
    const one = resnet([1, 1], { stem: "cifar", inputSize: 2, widths: [4, 8], numClasses: 3 });
    const settings = { ...recipes.resnet20.training, epochs: 1, batchSize: 3 };
    const trained = async (count: number): Promise<number> => {
      const state = await train(one, { train: smallDataset(count, 2) }, settings);
      disposeState(state);
      return state.step;
    };
    assertEquals(await trained(8), 3);
    let message = "";
    await trained(7).catch((error) => message = `${error}`);
    assertEquals(
      message.split(",")[0],
      "UsageError: Cannot train ResNet-6: the last step has one of the 7 training images",
    );
  },
);

/** As many classes as a byte cannot number. */
const CLASSES = 300;

/** One image of each class, in an order of their own; its first two pixel values add up to the class number. */
function oneOfEach(): Dataset {
  const labels = Array.from({ length: CLASSES }, (_, image) => (image * 7 + 290) % CLASSES);
  return createDataset({
    images: Uint8Array.from(labels.flatMap((label) => [Math.min(label, 255), Math.max(label - 255, 0), 0])),
    labels,
    imageShape: [1, 1, 3],
    classes: Array.from({ length: CLASSES }, (_, label) => `class ${label}`),
  });
}

/** One linear layer on the pixels. */
function rowOf(features: number): Model {
  const pixels = flatten(input([1, 1, 3]), { name: "flatten" });
  return defineModel(linear(pixels, { name: "fc", features }), { name: "row" });
}

const row = rowOf(CLASSES);

/** Its variables by formulas. */
function rowVariables(weight: (pixel: number, k: number) => number, bias: (k: number) => number): Variables {
  const ks = Array.from({ length: CLASSES }, (_, k) => k);
  return {
    params: {
      "fc.weight": tf.tensor2d([0, 1, 2].map((pixel) => ks.map((k) => weight(pixel, k)))),
      "fc.bias": tf.tensor1d(ks.map(bias)),
    },
    batchStats: {},
  };
}

Deno.test("300 classes: every label is kept and handed on as it is", () => {
  const dataset = oneOfEach();
  const labels = [...batches(dataset, 64)].flatMap(({ labels }) => [...labels]);
  assertEquals(labels, Array.from({ length: CLASSES }, (_, image) => (image * 7 + 290) % CLASSES));
  assertEquals([...labels].sort((a, b) => a - b), [...dataset.indices]);
  assertEquals(new Set(classCounts(dataset)), new Set([1]));
  checkFit(row, dataset, { ...use, batchSize: 64 });
  assertRefused(
    rowOf(299),
    dataset,
    use,
    "Cannot train row: the training images are of 300 classes, the network tells 299 apart; " +
      "build it with numClasses: 300",
  );
});

leakTest(
  "300 classes: a network that knows them all is right about each, and as sure as the formula says",
  () => {
    // The logit of class k is -(x - k)^2, but for what all have in common, where x is the class that the pixels tell.
    const variables = rowVariables((pixel, k) => pixel < 2 ? 2 * k : 0, (k) => -k * k);
    const { accuracy, correct, images, loss } = evaluate(row, variables, oneOfEach(), { batchSize: 64 });
    tf.dispose(variables.params);
    assertEquals([accuracy, correct, images], [1, 300, 300]);
    let expected = 0;
    for (let x = 0; x < CLASSES; x++) {
      let sum = 0;
      for (let k = 0; k < CLASSES; k++) sum += Math.exp(-((x - k) ** 2));
      expected += Math.log(sum) / CLASSES;
    }
    assertAlmostEquals(loss, expected, 1e-5); // the logits are whole numbers that float32 has
  },
);

for (const labelSmoothing of [0, 0.2]) {
  leakTest(
    `300 classes: one step of training, labels smoothed by ${labelSmoothing}, moves the class that is meant`,
    async () => {
      const black = { ...labelled([299, 256, 43, 299], CLASSES, 1) };
      const settings = {
        ...recipes.resnet20.training,
        epochs: 1,
        batchSize: 4,
        optimizer: { kind: "sgd", momentum: 0, nesterov: false, weightDecay: 0, offsetScale: 1 },
        schedule: { kind: "steps", rate: 1, boundaries: [], factor: 1 },
        labelSmoothing,
        precision: "float32",
      } as const;
      const start = startState(row, rowVariables(() => 0, () => 0), settings);
      const state = await train(row, { train: black }, settings, { state: start });
      const bias = await state.variables.params["fc.bias"].data();
      disposeState(state);
      assertAlmostEquals(state.lastLoss, Math.log(300), 1e-5);
      // Every class has the probability 1 / 300: a bias moves by the share of its labels, less that.
      const share = (k: number) => (k === 299 ? 0.5 : k === 256 || k === 43 ? 0.25 : 0);
      for (let k = 0; k < CLASSES; k++) {
        const target = (1 - labelSmoothing) * share(k) + labelSmoothing / CLASSES;
        assertAlmostEquals(bias[k], target - 1 / CLASSES, 1e-7, `bias of class ${k}`);
      }
    },
  );
}
