/** Several workers train as one: the same gradients but for rounding, the same bits on each, every time. */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { apply, init, resnet } from "../../../layers/mod.ts";
import { batches, shuffledOrder } from "../../../pipeline/data/batches.ts";
import type { TestResults } from "../../../pipeline/training/test_results.ts";
import { applyTransforms } from "../../../pipeline/transforms/apply.ts";
import { imageTensor } from "../../../pipeline/transforms/batch_tensors.ts";
import { CIFAR10_STATS, normalize } from "../../../pipeline/transforms/transforms.ts";
import { tf, tree } from "../../../runtime/mod.ts";
import { workersJson } from "../../cluster.ts";
import { canLoadTensorFlow } from "../../needs.ts";
import { madeData } from "../../made_data.ts";
import { leakTest } from "../../runtime/harness.ts";
import { distance } from "../smooth.ts";

/** What a worker tells of a run: the numbers after the first step and at its end, as bytes, and the losses. */
interface Told {
  readonly first: { readonly gradients: number[]; readonly batchStats: number[] };
  readonly last: string;
  readonly weights: number[];
  readonly losses: number[];
  readonly correct: number[];
}

/** What programs begin with. */
const PROLOGUE = `
  import { resnet } from "./layers/mod.ts";
  import { split } from "./pipeline/data/split.ts";
  import { train } from "./pipeline/training/mod.ts";
  import { augment, CIFAR10_STATS, normalize } from "./pipeline/transforms/mod.ts";
  import { tf, tree, workers } from "./runtime/mod.ts";
  import { madeData } from "./tests/made_data.ts";
  import { smooth } from "./tests/pipeline/smooth.ts";
  import { smallModel, smallTraining } from "./tests/pipeline/small_run.ts";
`;

/** Trains and tells. `atEpoch` is done after each. */
const told = (setup: string, atEpoch = ""): string => `
  ${PROLOGUE}
  ${setup}
  const numbers = (part) => tree.tensors(part).flatMap((tensor) => [...tensor.dataSync()]);
  let first;
  const [losses, correct] = [[], []];
  const state = await train(model, data, training, {
    ...options,
    onStep: ({ loss }) => losses.push(loss),
    onEpoch({ validation }, { variables: { batchStats }, optState }) {
      first ??= { gradients: numbers(optState), batchStats: numbers(batchStats) };
      if (validation) correct.push(validation.correct);
      ${atEpoch}
    },
  });
  const { variables, optState, slow } = state;
  const all = Float32Array.from(numbers({ variables, optState, slow }));
  const last = [...new Uint8Array(await crypto.subtle.digest("SHA-256", all))].join();
  console.log(JSON.stringify({ first, last, weights: numbers(variables.params), losses, correct }));
`;

/** ResNet-20, 20 steps of 16 images at the rate 0.01. In the first step the velocity is the gradient. */
const resnet20 = (isSmooth: boolean): string =>
  told(`
  const plain = resnet([3, 3, 3], { stem: "cifar", inputSize: 16 });
  const model = ${isSmooth} ? smooth(plain) : plain;
  const data = normalize(CIFAR10_STATS)(
    augment({ flip: true, crop: 4, padding: "zero" })(madeData({ images: 16, size: 16, classes: 10 })),
  );
  const training = {
    ...smallTraining,
    epochs: ${isSmooth ? 1 : 20},
    batchSize: 16,
    optimizer: { kind: "sgd", momentum: 0.9, nesterov: true, weightDecay: 0, offsetScale: 1 },
    schedule: { kind: "linear", rate: 0.01, knots: [[0, 1], [1, 1]] },
    lookahead: undefined,
  };
  const options = { seed: 1, syncBatchNorm: true };
`);

Deno.test({
  name: "workers: ResNet-20 by 2 and 4 is as near to that by 1 as another number of threads",
  ignore: !canLoadTensorFlow,
  async fn(t): Promise<void> {
    for (const isSmooth of [true, false]) {
      await t.step(isSmooth ? "with smooth gradients, the first step" : "20 steps", async () => {
        const [one] = await workersJson<Told>(1, resnet20(isSmooth));
        const [twoThreads] = await workersJson<Told>(1, resnet20(isSmooth), { threads: 2 });
        const apart = (told: Told) => ({
          gradients: distance(one.first.gradients, told.first.gradients),
          batchStats: distance(one.first.batchStats, told.first.batchStats),
          weights: distance(one.weights, told.weights),
        });
        const noise = apart(twoThreads);
        // What float32 leaves of 20 layers of batch norm: more than that is a fault.
        if (isSmooth) assert(noise.gradients < 1e-5, `${noise.gradients}`);
        for (const count of [2, 4]) {
          const all = await workersJson<Told>(count, resnet20(isSmooth));
          for (const other of all) assertEquals(other.last, all[0].last, "all end in the same bits");
          const found = apart(all[0]);
          // Where a gradient jumps, how far it is apart is a matter of chance; what comes of 20 steps is not.
          for (const part of isSmooth ? ["gradients", "batchStats"] as const : ["weights"] as const) {
            assert(
              found[part] <= 3 * noise[part],
              `${count} workers, ${part}: ${found[part]}, not ${noise[part]}`,
            );
          }
        }
      });
    }
  },
});

/**
 * The small run with dropout, alternate flips and lookahead, smooth: 3 epochs of 34 images, in batches of 16, 16 and 2,
 * of which 3 workers have 6, 5 and 5, and 1, 1 and none.
 */
const smallRun = (options: string, { before = "", atEpoch = "", settings = "{}" } = {}): string =>
  told(
    `
  const model = smooth(smallModel);
  const data = split(6 / 40, { seed: 1 })(normalize(CIFAR10_STATS)(
    augment({ flip: "alternate", crop: 2, padding: "reflect" })(madeData({ images: 40, size: 8 })),
  ));
  const training = { ...smallTraining, ...${settings} };
  ${before}
  const options = { seed: 3, ...${options} };
`,
    atEpoch,
  );

Deno.test({
  name: "workers: uneven shares, none among them, with dropout, flips and lookahead are what one worker does",
  ignore: !canLoadTensorFlow,
  fn: () => asOneWorker("{}"),
});

Deno.test({
  name: "workers: so they are where the images of each class count for another",
  ignore: !canLoadTensorFlow,
  fn: () => asOneWorker("{ classWeights: [0.3, 1, 2, 5] }"),
});

async function asOneWorker(settings: string): Promise<void> {
  const code = smallRun("{ syncBatchNorm: true, testing: { statistics: 'batch', batchSize: 4 } }", {
    settings,
  });
  const [one] = await workersJson<Told>(1, code);
  const all = await workersJson<Told>(3, code);
  assertEquals(one.losses.length, 9);
  for (const { last, losses, correct } of all) {
    assertEquals(last, all[0].last);
    assertEquals(losses, all[0].losses);
    assertEquals(correct, one.correct);
  }
  assert(distance(one.first.gradients, all[0].first.gradients) < 1e-6);
  assert(distance(one.losses, all[0].losses) < 1e-6);
  assert(distance(one.weights, all[0].weights) < 1e-6);
  const again = await workersJson<Told>(3, code);
  assertEquals(again, all, "the same bits every time");
}

leakTest("workers: with statistics of their own the running ones are the workers' mean", async () => {
  const code = told(`
    const model = resnet([1, 1, 1], { stem: "cifar", inputSize: 8, widths: [4, 6, 8], numClasses: 4 });
    const data = normalize(CIFAR10_STATS)(madeData({ images: 16, size: 8 }));
    const training = { ...smallTraining, epochs: 1, lookahead: undefined };
    const options = { seed: 3 };
  `);
  const all = await workersJson<Told>(2, code);
  assertEquals(all[1], all[0]);

  const model = resnet([1, 1, 1], { stem: "cifar", inputSize: 8, widths: [4, 6, 8], numClasses: 4 });
  const { train } = normalize(CIFAR10_STATS)(madeData({ images: 16, size: 8 }));
  const variables = init(model, 3);
  tf.tidy(() => {
    const halves = Array.from(batches(train, 8, { order: shuffledOrder(16, 3, 0) }), (batch) => {
      const x = applyTransforms(train.transforms, imageTensor(batch, train.imageShape), { train: true });
      return apply(model, variables, x, { train: true })[1];
    });
    const mean = Object.keys(halves[0]).flatMap((name) => [
      ...tf.mean(tf.stack(halves.map((stats) => stats[name])), 0).dataSync(),
    ]);
    assert(distance(mean, all[0].first.batchStats) < 1e-6);
  });
  tree.dispose(variables);
});

Deno.test({
  name: "workers: what one is told to stop at stops all, at the same step",
  ignore: !canLoadTensorFlow,
  async fn(): Promise<void> {
    const code = smallRun("{ signal: stop.signal }", { before: "const stop = new AbortController();" })
      .replace(
        "losses.push(loss),",
        "{ if (losses.push(loss) === 2 && workers().index === 1) stop.abort(); },",
      );
    const all = await workersJson<Told>(2, code.replaceAll("{ first, last", "{ first: first ?? null, last"));
    assertEquals(all.map(({ losses }) => losses.length), [3, 3]);
    assertEquals(all[0].last, all[1].last);
  },
});

Deno.test({
  name:
    "workers: what worker 0 has decided after an epoch is so for all: how many there are, that it was the last",
  ignore: !canLoadTensorFlow,
  async fn(): Promise<void> {
    const fewer = smallRun("{ syncBatchNorm: true, epochs: () => workers().index === 0 ? epochs : 9 }", {
      before: "let epochs = 3;",
      atEpoch: "epochs = 2;",
    });
    const [one] = await workersJson<Told>(1, fewer);
    const all = await workersJson<Told>(2, fewer);
    for (const { losses, last } of all) {
      assertEquals([losses.length, last], [6, all[0].last]);
      assert(distance(one.losses, losses) < 1e-6, "the schedule is that of two epochs");
    }
    const stopped = smallRun("{ signal: stop.signal }", {
      before: "const stop = new AbortController();",
      atEpoch: "if (workers().index === 0) stop.abort();",
    });
    const ends = await workersJson<Told>(2, stopped);
    assertEquals(ends.map(({ losses }) => losses.length), [3, 3], "no step after the epoch");
    assertEquals(ends[1].last, ends[0].last);
  },
});

/** What a worker finds of 23 test images; each has weights of its own. */
const TESTED = `
  ${PROLOGUE}
  import { init } from "./layers/mod.ts";
  import { silent } from "./runtime/system/progress.ts";
  import { testResults } from "./pipeline/training/test_results.ts";
  const model = resnet([1, 1], { stem: "cifar", inputSize: 8, widths: [4, 8], numClasses: 4 });
  const { train: whole } = normalize(CIFAR10_STATS)(madeData({ images: 40, size: 8 }));
  const test = { ...whole, indices: whole.indices.slice(5, 28) };
  const found = ["running", "batch"].map((statistics) =>
    testResults(model, init(model, 5 + workers().index), test, { statistics, batchSize: 5, tta: true }, {
      precision: "float32", progress: silent, byClass: true,
    }));
  console.log(JSON.stringify(found));
`;

Deno.test({
  name: "workers: tested together, each image counts once, by class too, with the weights of worker 0",
  ignore: !canLoadTensorFlow,
  async fn(): Promise<void> {
    const [one] = await workersJson<TestResults[]>(1, TESTED);
    const classes = one[0].byClass!;
    assertEquals(classes.reduce((sum, { images }) => sum + images, 0), 23);
    assertEquals(classes.reduce((sum, { correct }) => sum + correct, 0), one[0].test.correct);
    assertEquals(one[1].byClass, classes, "with running statistics");
    assertEquals(one.map(({ running, tta }) => [running?.images, tta?.images]), [[undefined, 23], [23, 23]]);
    // 5 batches: of 3 workers one has a single one, of 6 one none.
    for (const count of [3, 6]) {
      for (const found of await workersJson<TestResults[]>(count, TESTED)) {
        assertEquals(found.map(({ byClass }) => byClass), one.map(({ byClass }) => byClass));
        for (const [i, { test, running, tta }] of found.entries()) {
          for (const [own, whole] of [[test, one[i].test], [running, one[i].running], [tta, one[i].tta]]) {
            assertEquals(own && { ...own, loss: 0 }, whole && { ...whole, loss: 0 });
            if (own && whole) assertAlmostEquals(own.loss, whole.loss, 1e-5 * whole.loss);
          }
        }
      }
    }
  },
});
