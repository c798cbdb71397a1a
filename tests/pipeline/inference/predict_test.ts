/** Predictions against the softmax of the logits in plain JavaScript, and against what `evaluate` counts. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import {
  apply,
  customLayer,
  defineModel,
  flatten,
  init,
  input,
  linear,
  resnet,
  type Variables,
} from "../../../layers/mod.ts";
import type { Dataset } from "../../../pipeline/data/dataset.ts";
import { evaluate } from "../../../pipeline/inference/evaluate.ts";
import {
  type Images,
  predict,
  type Prediction,
  predictor,
  type PredictorOptions,
  type TrainedModel,
} from "../../../pipeline/inference/predict.ts";
import { applyTransforms } from "../../../pipeline/transforms/apply.ts";
import { augment, CIFAR10_STATS, normalize } from "../../../pipeline/transforms/transforms.ts";
import { tf, tree } from "../../../runtime/mod.ts";
import { TensorFlowError, UsageError, UserError } from "../../../runtime/system/errors.ts";
import { madeData } from "../../made_data.ts";
import { held, leakTest } from "../../runtime/harness.ts";

const model = resnet([1, 1], { stem: "cifar", inputSize: 8, widths: [4, 8], numClasses: 4, dropout: 0.5 });

/** 23 images in an order of their own, with transforms of which prediction leaves one out. */
function dataset(): Dataset {
  const data = normalize(CIFAR10_STATS)(augment({ flip: true, crop: 2 })(madeData({ images: 40, size: 8 })));
  return {
    ...data.train,
    indices: data.train.indices.filter((i) => i % 5 !== 1).toReversed().subarray(0, 23),
  };
}

/** A network of images of 2 x 2 with a layer of its own, and weights that are the caller's to dispose. */
function trainedWith(own: ReturnType<typeof customLayer>): TrainedModel {
  const x = flatten(own(input([2, 2, 3]), { name: "own" }), { name: "flatten" });
  const model = defineModel(linear(x, { name: "fc", features: 2 }), { name: "with a layer of its own" });
  return { model, variables: init(model, 1), imageShape: [2, 2, 3], transforms: [], classes: ["a", "b"] };
}

/** Weights as drawn, and running statistics that are not those of any batch. */
function drawn(): Variables {
  const { params, batchStats } = init(model, 3);
  const moved = tree.map((tensor) => {
    const values = Float32Array.from({ length: tensor.size }, (_, i) => 0.5 + 0.1 * i);
    return tf.tensor(values, tensor.shape);
  }, batchStats);
  tree.dispose(batchStats);
  return { params, batchStats: moved };
}

/** The members' pixels, `[n, 8, 8, 3]`. */
function pixelsOf({ images, indices }: Dataset): number[] {
  return [...indices].flatMap((index) => [...images.subarray(index * 192, (index + 1) * 192)]);
}

/** The softmax of the logits of images, by its definition, without folding and compiling. */
function softmaxes(
  variables: Variables,
  pixels: readonly number[],
  transforms: Dataset["transforms"],
): number[][] {
  const logits = tf.tidy(() => {
    const images = tf.tensor4d([...pixels], [pixels.length / 192, 8, 8, 3]);
    const x = applyTransforms(transforms, images, { train: false });
    return apply(model, variables, x, { train: false })[0].arraySync();
  });
  return logits.map((row) => {
    const powers = row.map(Math.exp);
    const sum = powers.reduce((sum, power) => sum + power);
    return powers.map((power) => power / sum);
  });
}

/** A test with the model, trained on such images, that leaves nothing behind. */
function test(name: string, fn: (trained: TrainedModel, images: Dataset) => void): void {
  leakTest(`predict: ${name}`, () => {
    const [images, variables] = [dataset(), drawn()];
    const { imageShape, transforms, classes } = images;
    try {
      fn({ model, variables, imageShape, transforms, classes }, images);
    } finally {
      tree.dispose(variables);
    }
  });
}

function assertRows(found: number[][], expected: number[][], tolerance = 1e-5): void {
  assertEquals(found.map(({ length }) => length), expected.map(({ length }) => length));
  found.flat().forEach((value, i) => assertAlmostEquals(value, expected.flat()[i], tolerance));
}

function probabilities(trained: TrainedModel, images: Images, options?: PredictorOptions): number[][] {
  const { probabilities, dispose } = predictor(trained, options);
  const tensor = probabilities(images);
  assertEquals(tensor.dtype, "float32");
  const rows = tensor.arraySync();
  tensor.dispose();
  dispose();
  return rows;
}

test("a data set's members, bytes and a tensor give the softmax of the logits", (trained, images) => {
  const pixels = pixelsOf(images);
  const expected = softmaxes(trained.variables, pixels, trained.transforms);
  assert(expected.flat().every((value) => value > 0.001 && value < 0.999), "a test that tells something");
  const float = tf.tensor4d(pixels, [23, 8, 8, 3]);
  const whole = tf.cast<tf.Tensor4D>(float, "int32");
  // The data set's own transforms are not looked at: as loaded it gives the same.
  const asLoaded = { ...images, transforms: [] };
  for (const given of [images, asLoaded, Uint8Array.from(pixels), float, whole]) {
    for (const options of [{}, { batchSize: 7 }, { batchSize: 1 }, { batchSize: 23 }]) {
      assertRows(probabilities(trained, given, options), expected);
    }
  }
  tf.dispose([float, whole]);
});

test("what evaluate counts, with and without test-time augmentation", (trained, images) => {
  for (const tta of [false, true]) {
    const { correct, loss } = evaluate(model, trained.variables, images, { tta });
    const predictions = predict(trained, images, { tta, top: 4 });
    const truths = [...images.indices].map((index) => images.labels[index]);
    assertEquals(predictions.filter(([best], i) => best.label === truths[i]).length, correct);
    const losses = predictions.map((classes, i) =>
      -Math.log(classes.find(({ label }) => label === truths[i])!.probability)
    );
    assertAlmostEquals(losses.reduce((sum, one) => sum + one) / 23, loss, 1e-5 * loss);
  }
  assert(
    evaluate(model, trained.variables, images).loss !==
      evaluate(model, trained.variables, images, { tta: true }).loss,
  );
});

test(
  "the most probable classes come first, with their names, as many as are asked for",
  (trained, images) => {
    const rows = probabilities(trained, images);
    const best: Prediction[][] = predict(trained, images, { top: 2 });
    for (const [i, classes] of best.entries()) {
      const order = [0, 1, 2, 3].sort((a, b) => rows[i][b] - rows[i][a]).slice(0, 2);
      assertEquals(classes.map(({ label }) => label), order);
      assertEquals(classes.map(({ className }) => className), order.map((label) => `direction ${label}`));
      assertEquals(classes.map(({ probability }) => probability), order.map((label) => rows[i][label]));
    }
    assertEquals(predict(trained, images).map(({ length }) => length), new Array(23).fill(4));
    const unnamed = predict({ ...trained, classes: ["one", "two"] }, images)[0];
    assertEquals(unnamed.map(({ className }) => className).sort(), ["class 2", "class 3", "one", "two"]);
  },
);

test("images of any size, where the transforms resize", (trained) => {
  const transforms = [{ kind: "resize", size: 8, quantize: true }, ...trained.transforms] as const;
  const given = { ...trained, transforms };
  const large = tf.tensor4d(Array.from({ length: 2 * 12 * 10 * 3 }, (_, i) => i * 37 % 256), [2, 12, 10, 3]);
  const small = tf.tidy(() => applyTransforms([transforms[0]], large, { train: false }));
  assertRows(
    probabilities(given, large),
    softmaxes(trained.variables, [...small.dataSync()], trained.transforms),
  );
  tf.dispose([large, small]);
});

leakTest("predict: compiled for a few numbers of images, whatever numbers come, and run from then on", () => {
  let runs = 0;
  const counted = customLayer({
    kind: "Counted",
    run: ([x]) => {
      runs++;
      return tf.mul(x, 1);
    },
  });
  const trained = trainedWith(counted);
  const { predict, dispose } = predictor(trained, { batchSize: 8 });
  tree.dispose(trained.variables); // it has its own
  const images = (count: number) => Uint8Array.from({ length: count * 12 }, (_, i) => i * 31 % 256);
  const first = predict(images(20));
  const before = held();
  for (const count of [5, 6, 7, 8, 9, 16, 17, 20]) {
    assertEquals(predict(images(count)), first.slice(0, count));
  }
  assertEquals([runs, held()], [1, before]); // 8 a step
  predict(images(1));
  predict(images(3));
  predict(images(4));
  assertEquals(runs, 3); // 1 and 4 a step
  dispose();
});

test("images that it cannot take are refused, and nothing is left", (trained, images) => {
  predict(trained, images); // uploads the variables
  const refused = (images: Images, options: PredictorOptions = {}) => {
    const before = held();
    const { message } = assertThrows(() => predict(trained, images, options), UsageError);
    assertEquals(held(), before);
    return message;
  };
  const [none, wide] = [tf.zeros<tf.Rank.R4>([0, 8, 8, 3]), tf.zeros<tf.Rank.R4>([2, 8, 9, 3])];
  assertEquals(
    refused(wide),
    "Cannot predict with ResNet-6: the images are [8,9,3] after their transforms, the network takes [8,8,3]; " +
      "resize them, or build it with that inputSize",
  );
  assertEquals(
    refused(none),
    "Cannot predict with ResNet-6: there are no images; give some, or leave that part out",
  );
  assertEquals(
    refused(new Uint8Array(192), { batchSize: 0 }),
    "Cannot predict with ResNet-6: the batch size is 0; give a whole number of at least 1",
  );
  assertThrows(
    () => predict(trained, new Uint8Array(200)),
    TypeError,
    "predict: 200 bytes are no whole number of images [8,8,3]",
  );
  const flat = tf.zeros([8, 8, 3]) as unknown as tf.Tensor4D;
  assertThrows(
    () => predict(trained, flat),
    TypeError,
    "predict: images must be float32 or int32 [n, H, W, C], 0 to 255, found float32 [8,8,3]",
  );
  tf.dispose([none, wide, flat]);
});

leakTest("predict: memory that runs out is told with the images of a step, and half of them to try", () => {
  const full = customLayer({
    kind: "Full",
    run: () => {
      throw new TensorFlowError("TFE_Execute(predictStep_0)", 8, "OOM when allocating tensor");
    },
  });
  const trained = trainedWith(full);
  assertThrows(
    () => predict(trained, new Uint8Array(24 * 12), { batchSize: 16 }),
    UserError,
    "Cannot predict: out of memory with 16 images a step; try batchSize 8",
  );
  tree.dispose(trained.variables);
});
