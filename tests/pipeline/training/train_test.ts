/** Training: that it learns, that a run that was stopped ends as one that was not, and PyTorch's step. */
import { assert, assertAlmostEquals, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { fromPyTorch, init, type Model, resnet, toTensors } from "../../../layers/mod.ts";
import type { Data } from "../../../pipeline/data/dataset.ts";
import { evaluate } from "../../../pipeline/inference/evaluate.ts";
import { loadCheckpoint, saveCheckpoint } from "../../../pipeline/runs/checkpoint.ts";
import type { Optimizer } from "../../../pipeline/training/optimizer.ts";
import { buildModel, type Training } from "../../../pipeline/training/recipe.ts";
import { recipes } from "../../../pipeline/training/recipes.ts";
import {
  disposeState,
  initialVariables,
  pathName,
  startState,
  type TrainState,
} from "../../../pipeline/training/state.ts";
import { type StepState, trainStep } from "../../../pipeline/training/step.ts";
import { type EpochReport, type StepReport, stepsPerEpoch, train } from "../../../pipeline/training/train.ts";
import { whiteningKernel } from "../../../pipeline/training/whitening.ts";
import { augment, CIFAR10_STATS, normalize } from "../../../pipeline/transforms/transforms.ts";
import { choosePrecision, tf, tree } from "../../../runtime/mod.ts";
import { UserError } from "../../../runtime/system/errors.ts";
import golden from "../../data/golden/network.json" with { type: "json" };
import { madeData } from "../../made_data.ts";
import { assertClose, nchwToNhwc, oihwToHwio, permute, type Reference } from "../../reference.ts";
import { held, leakTest, toTensor } from "../../runtime/harness.ts";
import { bits, OPTIMIZERS, smallModel, smallRunData, smallTraining } from "../small_run.ts";
import { inFolder } from "../../in_folder.ts";

/** Runs `use` with the path of a file that may be written, and removes it. */
function withFile(use: (path: string) => Promise<void>): Promise<void> {
  return inFolder((dir) => use(join(dir, "checkpoint.safetensors")));
}

/** Trains and writes down what is reported; the state is the caller's. */
async function record(
  options: {
    training?: Training;
    seed?: number;
    state?: TrainState;
    stopAfter?: number;
    save?: { epoch: number; path: string };
  },
): Promise<{ state: TrainState; steps: StepReport[]; epochs: EpochReport[] }> {
  const { training = smallTraining, seed = 7, state, stopAfter, save } = options;
  const steps: StepReport[] = [];
  const epochs: EpochReport[] = [];
  const stop = new AbortController();
  const final = await train(smallModel, smallRunData(), training, {
    seed,
    state,
    testing: { statistics: "batch", batchSize: 4 },
    signal: stop.signal,
    onStep(report) {
      steps.push(report);
      if (report.step === stopAfter) stop.abort();
    },
    async onEpoch(report, state) {
      epochs.push(report);
      if (report.epoch === save?.epoch) await saveCheckpoint(save.path, state, { seconds: 0 });
    },
  });
  return { state: final, steps, epochs };
}

/** Settings that learn, by optimizer: rates are of another size for each. */
const LEARNING: [optimizer: Optimizer, rate: number][] = [
  [recipes.resnet20.training.optimizer, 0.1],
  [{ kind: "adamw", beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0.01 }, 0.01],
];

for (const [optimizer, rate] of LEARNING) {
  leakTest(
    `train: a tiny ResNet learns the made data to 95 % of images it has not seen, with ${optimizer.kind}`,
    async () => {
      const model = resnet([1, 1, 1], { stem: "cifar", inputSize: 16, widths: [8, 16, 32], numClasses: 4 });
      const training: Training = {
        ...recipes.resnet20.training,
        optimizer,
        epochs: 6,
        batchSize: 64,
        schedule: { kind: "linear", rate, knots: [[0, 0.1], [0.3, 1], [1, 0]] },
        precision: "float32",
      };
      const data = normalize({ mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] })(
        madeData({ images: 800, testImages: 400 }),
      );
      const losses: number[] = [];
      const untrained = startState(model, initialVariables(model, data.train, training, 0), training);
      const chance = evaluate(model, untrained.variables, data.test!).accuracy;
      const state = await train(model, data, training, {
        state: untrained,
        onEpoch: ({ loss, validation }) => {
          losses.push(loss);
          assertEquals(validation, undefined, "there are no validation images");
        },
      });
      const { accuracy } = evaluate(model, state.variables, data.test!);
      disposeState(state);
      assert(chance < 0.5, `accuracy before training is ${chance}`);
      assert(accuracy >= 0.95, `accuracy is ${accuracy}`);
      assert(losses[0] > 1 && losses[5] < 0.2, `losses are ${losses}`);
    },
  );
}

leakTest(
  "train: a schedule for smaller batches is scaled, in every step and in what is told of an epoch",
  async () => {
    const schedule = { kind: "steps", rate: 0.01, boundaries: [32], factor: 0.1 } as const;
    const training: Training = {
      ...smallTraining,
      epochs: 6,
      schedule,
      scheduleBatch: 8,
      lookahead: undefined,
    };
    const { state, steps, epochs } = await record({ training });
    disposeState(state);
    // 3 steps an epoch: from 0.01 to 0.02 over 15, and the boundary of step 32 at half of that.
    const rates = Array.from({ length: 18 }, (_, i) => i < 15 ? 0.01 * (1 + i / 15) : i < 16 ? 0.02 : 0.002);
    steps.forEach(({ learningRate }, i) => assertAlmostEquals(learningRate, rates[i], 1e-15, `step ${i}`));
    assertEquals(steps.length, 18);
    epochs.forEach(({ learningRate }, i) => assertEquals(learningRate, steps[3 * i + 2].learningRate));
  },
);

for (const optimizer of OPTIMIZERS) {
  leakTest(
    `train: stopped in an epoch, saved, loaded and gone on with is a run never stopped, bit for bit, with ${optimizer.kind}`,
    async () => {
      const training = { ...smallTraining, optimizer };
      await withFile(async (path) => {
        const whole = await record({ training, save: { epoch: 1, path: `${path}.epoch` } });
        assertEquals(whole.state.step, 9);
        const expected = bits(whole.state);

        const first = await record({ training, stopAfter: 5 });
        assertEquals(
          [first.state.step, first.epochs.length],
          [5, 1],
          "stopped after the second of three steps",
        );
        await saveCheckpoint(path, first.state, { seconds: 1 });
        disposeState(first.state);
        const { state: loaded } = await loadCheckpoint(path, smallModel, training);
        const rest = await record({ training, state: loaded });
        assertEquals(bits(rest.state), expected);
        assertEquals([...first.steps, ...rest.steps], whole.steps);
        assertEquals([...first.epochs, ...rest.epochs], whole.epochs);
        disposeState(rest.state);

        // What a process killed after the first epoch leaves behind.
        const { state } = await loadCheckpoint(`${path}.epoch`, smallModel, training);
        const later = await record({ training, state });
        assertEquals(bits(later.state), expected);
        assertEquals(later.steps, whole.steps.slice(3));
        assertEquals(later.epochs, whole.epochs.slice(1));
        for (const { state } of [whole, later]) disposeState(state);
      });
    },
  );
}

leakTest("train: fewer epochs after the first are a run gone on with so many, bit for bit", async () => {
  const first = await record({ stopAfter: 3 });
  assertEquals([first.state.step, first.epochs.length], [3, 1]);
  const then = await record({ state: first.state, training: { ...smallTraining, epochs: 2 } });
  const expected = bits(then.state);

  let epochs = smallTraining.epochs;
  const reports: EpochReport[] = [];
  const totals: number[] = [];
  const state = await train(smallModel, smallRunData(), smallTraining, {
    seed: 7,
    testing: { statistics: "batch", batchSize: 4 },
    epochs: () => epochs,
    onStep: ({ totalSteps }) => void totals.push(totalSteps),
    onEpoch(report) {
      reports.push(report);
      epochs = 2;
    },
  });
  assertEquals(bits(state), expected);
  assertEquals(totals, [9, 9, 9, 6, 6, 6]);
  assertEquals(reports, [first.epochs[0], then.epochs[0]]);
  assertEquals(reports.map(({ epochs }) => epochs), [3, 2]);
  disposeState(state);
  disposeState(then.state);
});

leakTest(
  "train: stopped with the last step of an epoch, the epoch is finished and the next not begun",
  async () => {
    const { state, steps, epochs } = await record({ stopAfter: 6 });
    assertEquals([state.step, state.lossSum, steps.length, epochs.length], [6, 0, 6, 2]);
    disposeState(state);
  },
);

leakTest("train: the fast recipe's frozen layer stays as it is, also in a run that goes on", async () => {
  await withFile(async (path) => {
    const training: Training = { ...recipes.fast.training, epochs: 1, batchSize: 8 };
    const network = { kind: "fast", cfg: { inputSize: 20, widths: [4, 4, 4] } } as const;
    const model = buildModel(network, { numClasses: 4 });
    const data = normalize(CIFAR10_STATS)(madeData({ images: 16, size: 20 }));
    const kernel = whiteningKernel(data.train);
    const begun = startState(model, initialVariables(model, data.train, training, 0), training);
    assertEquals(begun.variables.params["stem.0.weight"].dataSync(), kernel);
    assertEquals("stem.0.weight" in begun.optState.velocity, false);
    assertEquals([...new Set(begun.variables.params["stem.0.bias"].dataSync())], [0]);
    assertEquals("stem.0.bias" in begun.optState.velocity, false);

    const first = await train(model, data, training, {
      state: begun,
      signal: AbortSignal.abort(),
    });
    assertEquals(first.step, 0, "aborted before the first step");
    await saveCheckpoint(path, first, { seconds: 0 });
    disposeState(first);
    const { state } = await loadCheckpoint(path, model, training);
    const final = await train(model, data, training, { state });
    assertEquals(final.step, 2);
    assertEquals(final.variables.params["stem.0.weight"].dataSync(), kernel);
    disposeState(final);
  });
});

leakTest("train: every image counts, in the last, smaller batch too", async () => {
  const { state, steps, epochs } = await record({});
  assertEquals(stepsPerEpoch(40, 16), 3);
  assertEquals([stepsPerEpoch(32, 16), stepsPerEpoch(1, 16)], [2, 1]);
  assertEquals(steps.map(({ images }) => images), [16, 16, 8, 16, 16, 8, 16, 16, 8]);
  assertEquals(steps.map(({ epoch }) => epoch), [0, 0, 0, 1, 1, 1, 2, 2, 2]);
  assertEquals(steps.map(({ stepOfEpoch }) => stepOfEpoch), [1, 2, 3, 1, 2, 3, 1, 2, 3]);
  assertEquals(steps.map(({ step }) => step), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
  assertEquals([
    ...new Set(steps.map(({ stepsPerEpoch, totalSteps }) => `${stepsPerEpoch} of ${totalSteps}`)),
  ], [
    "3 of 9",
  ]);
  for (const [i, epoch] of epochs.entries()) {
    const [a, b, c] = steps.slice(3 * i, 3 * i + 3);
    assertAlmostEquals(epoch.loss, (16 * a.loss + 16 * b.loss + 8 * c.loss) / 40, 1e-12);
    assertEquals([epoch.epoch, epoch.epochs, epoch.step], [i + 1, 3, 3 * i + 3]);
    assertEquals(epoch.lastLoss, c.loss);
    assertEquals([epoch.validation?.images, epoch.validationRunning?.images], [10, 10]);
  }
  // Of steps 2, 5 and 8 of 9: up from 0.2 to 1 at 0.4, then down to 0.1 at 1, times 0.05.
  const rates = [0.2 + 0.8 * (2 / 9) / 0.4, 1 - 0.9 * (5 / 9 - 0.4) / 0.6, 1 - 0.9 * (8 / 9 - 0.4) / 0.6];
  for (const [i, rate] of rates.entries()) assertAlmostEquals(epochs[i].learningRate, 0.05 * rate, 1e-12);
  disposeState(state);
});

leakTest("train: from given weights it goes as from a state that has them", async () => {
  const variables = init(smallModel, 11);
  const state = startState(smallModel, init(smallModel, 11), smallTraining);
  const [weights, whole] = [{ seed: 3, variables }, { seed: 3, state }];
  const ends = [
    await train(smallModel, smallRunData(), smallTraining, weights),
    await train(smallModel, smallRunData(), smallTraining, whole),
    await train(smallModel, smallRunData(), smallTraining, { seed: 3 }),
  ];
  assertEquals(bits(ends[0]), bits(ends[1]));
  assertNotEquals(bits(ends[0]), bits(ends[2]));
  ends.forEach(disposeState);
});

leakTest("train: the same seed gives the same run, another seed another", async () => {
  const stopped = { stopAfter: 2 };
  const [a, b, c] = [
    await record({ ...stopped, seed: 1 }),
    await record({ ...stopped, seed: 1 }),
    await record({ ...stopped, seed: 2 }),
  ];
  assertEquals(bits(a.state), bits(b.state));
  assertEquals(a.steps, b.steps);
  assertNotEquals(c.steps.map(({ loss }) => loss), a.steps.map(({ loss }) => loss));

  // From the same weights the seed still decides order, augmentation and dropout.
  const from = (seed: number) => {
    const state = startState(smallModel, init(smallModel, 1), smallTraining);
    return record({ ...stopped, seed, state });
  };
  const [d, e] = [await from(1), await from(2)];
  assertEquals(bits(d.state), bits(a.state));
  assertNotEquals(e.steps[0].loss, d.steps[0].loss);
  for (const { state } of [a, b, c, d, e]) disposeState(state);
});

leakTest("train: every epoch has its own order, every step its own draws", async () => {
  // At a learning rate of 0 the weights stay, so that the losses differ by what is drawn alone.
  const still: Training = { ...smallTraining, epochs: 3, schedule: { ...smallTraining.schedule, rate: 0 } };
  const cfg = { stem: "cifar", inputSize: 8, widths: [4, 6, 8], numClasses: 4 } as const;
  const plain = resnet([1, 1, 1], cfg);
  const lossesOf = async (model: Model, data: Data): Promise<number[]> => {
    const losses: number[] = [];
    disposeState(await train(model, data, still, { onStep: ({ loss }) => void losses.push(loss) }));
    return losses;
  };
  const distinct = (values: readonly number[]) => new Set(values.map((value) => value.toFixed(5))).size;
  const many = madeData({ images: 32, size: 8 });
  assertEquals(distinct(await lossesOf(plain, many)), 6, "3 epochs of 2 batches, none like another");

  const one = madeData({ images: 1, size: 8 }); // of one image there is one order
  assertEquals(distinct(await lossesOf(plain, one)), 1);
  assertEquals(distinct(await lossesOf(plain, augment({ flip: false, crop: 4 })(one))), 3);
  assertEquals(distinct(await lossesOf(resnet([1, 1, 1], { ...cfg, dropout: 0.5 }), one)), 3);

  // The one image is mirrored in every second epoch, and the step draws nothing.
  const pixels = tf.tensor4d(one.train.images, [1, 8, 8, 3], "int32");
  const turned = tf.reverse(pixels, 2);
  const other = { train: { ...one.train, images: Uint8Array.from(turned.dataSync()) } };
  tf.dispose([pixels, turned]);
  const [[stored], [mirrored]] = [await lossesOf(plain, one), await lossesOf(plain, other)];
  assertNotEquals(mirrored, stored);
  const alternate = augment({ flip: "alternate", crop: 0 })(one);
  assertEquals(await lossesOf(plain, alternate), [stored, mirrored, stored]);
});

leakTest("train: a loss that is not finite ends the run with what to try", async () => {
  const training: Training = { ...smallTraining, schedule: { ...smallTraining.schedule, rate: 1e30 } };
  let steps = 0;
  const error = await assertRejects(
    () => train(smallModel, smallRunData(), training, { onStep: () => void steps++ }),
    UserError,
  );
  const [, found, step, rate] = error.message.match(
    /^Cannot go on training: the loss is (\S+) at step (\d+) \(epoch 1, learning rate (\S+)\); /,
  ) ??
    [];
  assertEquals([found, step], ["NaN", "2"], error.message);
  assertAlmostEquals(Number(rate), 1e30 * (0.2 + 0.8 * (1 / 9) / 0.4), 1e17);
  assertEquals(error.message.split("; ").slice(1), ["try a lower --lr, or --precision float32"]);
  assertEquals(steps, 1, "a step that failed is not reported");
});

leakTest("train: 200 steps hold no more tensors and handles than one", async () => {
  const training: Training = { ...smallTraining, epochs: 2, batchSize: 2 };
  const data = augment({ flip: true, crop: 2 })(madeData({ images: 203, size: 8 }));
  const counts: ReturnType<typeof held>[] = [];
  const state = await train(smallModel, data, training, { onStep: () => void counts.push(held()) });
  disposeState(state);
  assertEquals(counts.length, 204, "102 steps an epoch, the last one of a single image");
  assertEquals(counts[203], counts[1], "both after a pull");
  assertEquals(counts[202], counts[2], "both before one");
});

leakTest("trainStep: three steps on the small network are PyTorch's", async () => {
  const model = resnet([...golden.depths], {
    widths: golden.widths,
    inputSize: golden.x.shape[2],
    numClasses: golden.num_classes,
  });
  const training: Training = {
    ...recipes.tutorial.training,
    optimizer: { kind: "sgd", momentum: 0.9, nesterov: false, weightDecay: 1e-3, offsetScale: 1 },
  };
  const entries = Object.entries<Reference>(golden.before).map(([name, { shape, data }]) =>
    [name, { shape, data: Float32Array.from(data) }] as const
  );
  const variables = toTensors(fromPyTorch(model, Object.fromEntries(entries)));
  const batch = {
    images: toTensor<tf.Tensor4D>(nchwToNhwc(golden.x)),
    labels: tf.tensor1d(golden.labels, "int32"),
    learningRate: tf.scalar(0.01),
    seed: tf.tensor1d([0, 0], "int32"),
  };
  const step = trainStep(model, training, [], "float32");
  const { optState: zeros } = startState(model, variables, training);
  let state: StepState = { variables, optState: zeros };
  for (const expected of [golden.loss, ...golden.losses_steps_2_3]) {
    const { loss, ...next } = step(state, batch);
    tree.dispose(state);
    state = next;
    assertAlmostEquals(loss.dataSync()[0], expected, 1e-4 * expected);
    loss.dispose();
  }
  const after = { ...state.variables.params, ...state.variables.batchStats };
  assertEquals(Object.keys(after).sort(), Object.keys(golden.after_3_steps).sort());
  for (const [name, reference] of Object.entries<Reference>(golden.after_3_steps)) {
    const expected = reference.shape.length === 4
      ? oihwToHwio(reference)
      : reference.shape.length === 2
      ? permute(reference, [1, 0])
      : reference;
    assertClose(after[name], expected, { relative: 1e-4, absolute: 0 }, name);
  }
  step.dispose();
  tree.dispose([state, batch]);
  await Promise.resolve();
});

for (const optimizer of OPTIMIZERS) {
  leakTest(
    `train: in bfloat16 too, ${optimizer.kind} keeps parameters and its own state in float32`,
    async () => {
      const training: Training = {
        ...smallTraining,
        optimizer,
        lookahead: undefined,
        epochs: 1,
        precision: "bfloat16",
      };
      const state = await train(smallModel, smallRunData(), training);
      const { variables, optState: { count, ...kept } } = state;
      for (const [path, tensor] of tree.entries({ variables, kept })) {
        const words = new Uint32Array(tensor.dataSync().buffer);
        // A float32 whose lower 16 bits are zero is a bfloat16: one in 65,536 by chance, all of them after rounding.
        const rounded = words.filter((word) => (word & 0xffff) === 0).length;
        assert(
          rounded <= words.length / 2,
          `${pathName(path)}: ${rounded} of ${words.length} values are bfloat16`,
        );
      }
      if (optimizer.kind === "adamw") assertEquals([...count.steps.dataSync()], [3]);
      disposeState(state);
    },
  );
}

leakTest("train: the precision auto is that of the machine", async () => {
  const run = async (precision: Training["precision"]) => {
    const { state } = await record({ training: { ...smallTraining, precision }, stopAfter: 3 });
    const found = bits(state);
    disposeState(state);
    return found;
  };
  const chosen = choosePrecision("auto");
  assertEquals(await run("auto"), await run(chosen));
  assertNotEquals(await run("auto"), await run(chosen === "float32" ? "bfloat16" : "float32"));
});

for (const optimizer of OPTIMIZERS) {
  leakTest(
    `train: a frozen trunk stays bit for bit while the head learns, with ${optimizer.kind}`,
    async () => {
      const model = resnet([1, 1], { stem: "cifar", inputSize: 8, widths: [4, 8], numClasses: 4 });
      const frozen = ["conv1", "layer0", "layer1.0.conv1.0.weight", "layer1.0"];
      const training: Training = { ...smallTraining, epochs: 10, optimizer, frozen };
      const begun = startState(model, init(model, 7), training);
      const before = bits(begun);
      const losses: number[] = [];
      const state = await train(
        model,
        normalize(CIFAR10_STATS)(madeData({ images: 40, size: 8 })),
        training,
        {
          state: begun,
          onEpoch: ({ loss }) => void losses.push(loss),
        },
      );
      const after = bits(state);
      assertEquals(Object.keys(after), Object.keys(before));
      for (const [name, value] of Object.entries(after)) {
        const [kept, collection, of] = name.split("/");
        if (kept === "optState") {
          assert(["fc.weight", "fc.bias", "steps"].includes(of), `${name} is of no use`);
        } else if (collection === "params" && !of.startsWith("fc.")) {
          assertEquals(value, before[name], `${name} stays`);
        } else if (collection !== undefined) {
          assertNotEquals(value, before[name], `${name} goes on`);
        }
      }
      assert(losses[9] < losses[0] - 0.1, `the losses are ${losses}`);
      disposeState(state);
    },
  );
}
