/** Evaluation against the definition: plain JavaScript on the logits. */
import { assert, assertAlmostEquals, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { apply, init, resnet, type Variables } from "../../../layers/mod.ts";
import { batches } from "../../../pipeline/data/batches.ts";
import type { Dataset } from "../../../pipeline/data/dataset.ts";
import {
  evaluate,
  type EvaluateOptions,
  type Evaluation,
  evaluator,
  type Testing,
} from "../../../pipeline/inference/evaluate.ts";
import { recipes } from "../../../pipeline/training/recipes.ts";
import { applyTransforms } from "../../../pipeline/transforms/apply.ts";
import { augment, CIFAR10_STATS, normalize } from "../../../pipeline/transforms/transforms.ts";
import { runtimeInfo, tf } from "../../../runtime/mod.ts";
import { TensorFlowError, UsageError, UserError } from "../../../runtime/system/errors.ts";
import { madeData } from "../../made_data.ts";
import { canLoadTensorFlow } from "../../needs.ts";
import { held } from "../../runtime/harness.ts";

/** 23 images: batches of 7, 7, 7 and 2. */
const IMAGES = 23;
const BATCH = 7;

const model = resnet([1, 1], { stem: "cifar", inputSize: 8, widths: [4, 8], numClasses: 4, dropout: 0.5 });

/** Test images that are in an order of their own, with a transform that evaluation must leave out. */
function dataset(): Dataset {
  const data = normalize(CIFAR10_STATS)(augment({ flip: true, crop: 2 })(madeData({ images: 40, size: 8 })));
  return {
    ...data.train,
    indices: data.train.indices.filter((i) => i % 5 !== 1).toReversed().subarray(0, IMAGES),
  };
}

/** Weights as drawn, and running statistics that are not those of any batch. */
function variables(): Variables {
  const { params, batchStats } = init(model, 3);
  for (const [name, drawn] of Object.entries(batchStats)) {
    const { size, shape } = drawn;
    const value = (i: number) => name.endsWith("mean") ? 0.1 * i - 0.3 : 0.5 + 0.1 * i;
    batchStats[name] = tf.tensor(Array.from({ length: size }, (_, i) => value(i)), shape);
    drawn.dispose();
  }
  return { params, batchStats };
}

/** The logits of every image, eagerly, batch by batch. */
function logitsOf(
  variables: Variables,
  { batchSize, train = false, mirrored = false, shift = 0 }: {
    batchSize: number;
    train?: boolean;
    mirrored?: boolean;
    shift?: number;
  },
): number[][] {
  const { transforms, imageShape, ...rest } = dataset();
  const seed = tf.tensor1d([0, 0], "int32");
  try {
    return [...batches({ ...rest, imageShape }, batchSize)].flatMap(({ images, size }) =>
      tf.tidy(() => {
        const pixels = tf.tensor4d(images, [size, ...imageShape], "float32");
        const [, height, width] = pixels.shape;
        const padded = tf.mirrorPad(pixels, [[0, 0], [1, 1], [1, 1], [0, 0]], "reflect");
        const moved = tf.slice(padded, [0, 1 + shift, 1 + shift, 0], [size, height, width, 3]) as tf.Tensor4D;
        const x = applyTransforms(transforms, mirrored ? tf.reverse(moved, 2) : moved, { train: false });
        const [logits] = train
          ? apply(model, variables, x, { train: true, seed })
          : apply(model, variables, x, { train: false });
        return logits.arraySync();
      })
    );
  } finally {
    seed.dispose();
  }
}

/** Accuracy and loss of logits, by their definitions. */
function score(logits: readonly number[][]): Evaluation {
  const { labels, indices } = dataset();
  let [correct, loss] = [0, 0];
  for (const [i, row] of logits.entries()) {
    const label = labels[indices[i]];
    if (row.every((value, k) => k === label || value < row[label])) correct++;
    loss += Math.log(row.reduce((sum, value) => sum + Math.exp(value), 0)) - row[label];
  }
  return { correct, images: logits.length, accuracy: correct / logits.length, loss: loss / logits.length };
}

function assertScore(found: Evaluation, expected: Evaluation): void {
  assertEquals({ ...found, loss: 0 }, { ...expected, loss: 0 });
  assertAlmostEquals(found.loss, expected.loss, 1e-5 * expected.loss);
}

/** A test that leaves no tensor and no handle behind, nor changes a variable. */
function test(
  name: string,
  fn: (variables: Variables, evaluated: (options: EvaluateOptions) => Evaluation) => void,
): void {
  Deno.test({
    name: `evaluate: ${name}`,
    ignore: !canLoadTensorFlow,
    async fn(): Promise<void> {
      await tf.ready();
      const before = held();
      const given = variables();
      const numbers = () =>
        Object.entries({ ...given.params, ...given.batchStats }).map((
          [name, tensor],
        ) => [name, tensor.dataSync()]);
      const [values, { tensors }] = [numbers(), held()];
      fn(given, (options) => evaluate(model, given, dataset(), options));
      assertEquals(numbers(), values, "variables stay");
      assertEquals(held().tensors, tensors, "nothing else is held");
      tf.dispose([given.params, given.batchStats]);
      assertEquals(held(), before);
    },
  });
}

test("every image counts, whatever the batch size", (variables, evaluated) => {
  const expected = score(logitsOf(variables, { batchSize: IMAGES }));
  assertEquals(expected.images, IMAGES);
  assert(
    expected.correct > 0 && expected.correct < IMAGES,
    `${expected.correct} correct: the test tells nothing`,
  );
  for (const batchSize of [BATCH, 1, IMAGES, 100]) assertScore(evaluated({ batchSize }), expected);
  assertScore(evaluated({}), expected);
});

test("tells after each batch how many images are done", (_, evaluated) => {
  const done: number[] = [];
  evaluated({ batchSize: BATCH, onBatch: (images) => void done.push(images) });
  assertEquals(done, [7, 14, 21, 23]);
});

test("batch statistics are those of each batch, and the running ones stay", (variables, evaluated) => {
  const found = evaluated({ batchSize: BATCH, statistics: "batch" });
  // Dropout is at work in both, with the same seed: nothing in evaluation draws another.
  assertScore(found, score(logitsOf(variables, { batchSize: BATCH, train: true })));
  assertNotEquals(found.loss, evaluated({ batchSize: BATCH }).loss);
  assertNotEquals(found.loss, evaluated({ batchSize: IMAGES, statistics: "batch" }).loss);
});

test("test-time augmentation is the weighted mean of the logits of six views", (variables, evaluated) => {
  // Weights of arXiv:2404.00498: 1/4 for image and mirror image, 1/8 for each of them moved by a pixel, twice.
  const views = [
    [1 / 4, 0, false],
    [1 / 4, 0, true],
    ...[-1, 1].flatMap((shift) => [[1 / 8, shift, false], [1 / 8, shift, true]]),
  ] as [number, number, boolean][];
  const rows = views.map(([weight, shift, mirrored]) =>
    logitsOf(variables, { batchSize: IMAGES, mirrored, shift }).map((row) =>
      row.map((value) => weight * value)
    )
  );
  const mean = rows[0].map((row, i) => row.map((_, k) => rows.reduce((sum, view) => sum + view[i][k], 0)));
  assertScore(evaluated({ batchSize: BATCH, tta: true }), score(mean));
  assertNotEquals(score(mean).loss, evaluated({ batchSize: BATCH }).loss);
});

test("of images on the device in one call, with what comes of them from the host", (_, evaluated) => {
  const done: number[] = [];
  for (const batchSize of [BATCH, IMAGES, 100, 2]) {
    for (const way of [{}, { tta: true }, { statistics: "batch" }] as const) {
      const onBatch = (images: number) => void done.push(images);
      assertScore(
        evaluated({ ...way, batchSize, onDevice: true, onBatch }),
        evaluated({ ...way, batchSize }),
      );
    }
  }
  // Batches of 7, 7, 7 and 2 at once, or with batch statistics the last one alone.
  const first = [23, 23, 21, 23, 23, 23, 23, 23, 23, 23];
  // 12 batches of 2, six a call; or 11 of them, and one image.
  assertEquals(done, [...first, 12, 23, 12, 23, 12, 22, 23]);
});

test("compiled once, for one set of variables after the other", (variables, evaluated) => {
  const moved = tf.tidy(() => ({
    params: Object.fromEntries(Object.entries(variables.params).map(([name, x]) => [name, tf.add(x, 0.01)])),
    batchStats: variables.batchStats,
  }));
  for (const onDevice of [false, true]) {
    const { evaluate: again, dispose } = evaluator(model, dataset(), { batchSize: BATCH, onDevice });
    const [first, other] = [again(variables), again(moved)];
    const before = held();
    assertEquals(again(variables), first);
    assertEquals(held(), before);
    assertScore(first, evaluated({}));
    assertScore(other, evaluate(model, moved, dataset()));
    assertNotEquals(first.loss, other.loss);
    dispose();
  }
  tf.dispose(moved.params);
});

test("a recipe says how", (_, evaluated) => {
  const { tutorial, accurate, resnet20 } = recipes;
  // What each of them says is what was given by hand above.
  const batch: Testing = { statistics: "batch", batchSize: 64, tta: false };
  const views: Testing = { statistics: "running", batchSize: 500, tta: true };
  assertEquals([tutorial.testing, accurate.testing], [batch, views]);
  assertScore(evaluated(tutorial.testing), evaluated({ batchSize: 64, statistics: "batch" }));
  assertScore(evaluated(accurate.testing), evaluated({ tta: true }));
  assertScore(evaluated(resnet20.testing), evaluated({}));
  const losses = [tutorial, accurate, resnet20].map(({ testing }) => evaluated(testing).loss);
  assertEquals(new Set(losses).size, 3);
});

test("refuses images that the network cannot be measured on", (variables, evaluated) => {
  const refused = (fn: () => unknown) => assertThrows(fn, UsageError).message;
  const none = { ...dataset(), indices: new Uint32Array() };
  assertEquals(
    refused(() => evaluate(model, variables, none)),
    "Cannot evaluate ResNet-6: there are no images; give some, or leave that part out",
  );
  assertEquals(
    refused(() => evaluate(model, variables, madeData({ images: 8, size: 16 }).train)),
    "Cannot evaluate ResNet-6: the images are [16,16,3] after their transforms, the network takes [8,8,3]; " +
      "resize them, or build it with that inputSize",
  );
  assertEquals(
    refused(() => evaluate(model, variables, madeData({ images: 8, size: 8, classes: 5 }).train)),
    "Cannot evaluate ResNet-6: the images are of 5 classes, the network tells 4 apart; " +
      "build it with numClasses: 5",
  );
  for (const batchSize of [0, 1.5, NaN]) {
    assertEquals(
      refused(() => evaluated({ batchSize })),
      `Cannot evaluate ResNet-6: the batch size is ${batchSize}; give a whole number of at least 1`,
    );
  }
});

test("one image at a time with batch statistics, unless a map of it is one pixel", (variables, evaluated) => {
  // The maps of this network are 4 x 4 at the least.
  assertScore(
    evaluated({ batchSize: 1, statistics: "batch" }),
    score(logitsOf(variables, { batchSize: 1, train: true })),
  );
  const small = resnet([1, 1], { stem: "cifar", inputSize: 2, widths: [4, 8], numClasses: 4 });
  const { train } = madeData({ images: 7, size: 2 });
  const drawn = init(small, 1);
  assertThrows(
    () => evaluate(small, drawn, train, { batchSize: 3, statistics: "batch" }),
    UsageError,
    "Cannot evaluate ResNet-6: the last step has one of the 7 images, and of that the batch norm " +
      '"layer1.0.conv1.1" sees one pixel',
  );
  assert(Number.isFinite(evaluate(small, drawn, train, { batchSize: 7, statistics: "batch" }).loss));
  assert(Number.isFinite(evaluate(small, drawn, train, { batchSize: 3 }).loss));
  tf.dispose([drawn.params, drawn.batchStats]);
});

test("an error of the caller's own goes through, and nothing is left", (_, evaluated) => {
  evaluated({}); // uploads the variables
  const before = held();
  for (const way of [{}, { tta: true }, { statistics: "batch" }, { onDevice: true }] as const) {
    const onBatch = (images: number): void => {
      if (images === 14 || "onDevice" in way) throw new UserError("enough");
    };
    assertThrows(() => evaluated({ ...way, batchSize: BATCH, onBatch }), UserError, "enough");
    assertEquals(held(), before);
  }
});

test("tf32 where nothing has it is refused", (_, evaluated) => {
  if ((runtimeInfo().gpuCapability ?? 0) >= 80) return;
  assertThrows(() => evaluated({ precision: "tf32" }), UsageError, "Cannot compute in tf32: ");
});

test("memory that runs out is told with the batch, and half of it to try", (_, evaluated) => {
  evaluated({}); // uploads the variables
  const before = held();
  const onBatch = (): void => {
    throw new TensorFlowError("TFE_Execute(evalStep_0)", 8, "OOM when allocating tensor");
  };
  assertThrows(
    () => evaluated({ batchSize: 8, onBatch }),
    UserError,
    "Cannot evaluate: out of memory with 8 images a step; try testing.batchSize 4",
  );
  assertEquals(held(), before);
});
