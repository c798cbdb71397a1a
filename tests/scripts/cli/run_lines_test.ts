/** The lines of a run, event by event. */
import { assertEquals } from "@std/assert";
import type { SessionStart } from "../../../pipeline/runs/events.ts";
import { buildModel } from "../../../pipeline/training/recipe.ts";
import { recipes } from "../../../pipeline/training/recipes.ts";
import type { EpochReport } from "../../../pipeline/training/train.ts";
import { eventLines } from "../../../scripts/cli/run_lines.ts";

const recipe = recipes.resnet20;
const start: SessionStart = {
  dir: "runs/a",
  model: buildModel(recipe.network),
  recipe,
  precision: "float32",
  images: 45_000,
  classes: 10,
  stepsPerEpoch: 352,
  devices: ["CPU:0"],
  cpu: { model: "Abacus", instructions: "AVX2" },
  hasBfloat16: false,
  xla: false,
};

/** The lines of a start, all of them for whoever looks on. */
function startLines(changes: Partial<SessionStart>): string[] {
  const { results, notes } = eventLines({ kind: "start", start: { ...start, ...changes } });
  assertEquals(results, []);
  return notes;
}

// He et al. 2015, table 6: 0.27 million parameters.
const about = "ResNet-20, 269,722 parameters, 45000 training images, 182 epochs of 352 steps";

Deno.test("eventLines: a start says what is trained, on what, and where it is kept", () => {
  assertEquals(startLines({}), [`${about}, float32, CPU:0, Abacus (AVX2)`, "Run folder: runs/a"]);
  assertEquals(startLines({ devices: ["CPU:0", "GPU:0"], xla: true, resumedAt: 352 }), [
    `${about}, float32, CPU:0 and GPU:0, Abacus (AVX2)`,
    "XLA compiles the first steps, which may take a minute; on a GPU that is kept for later runs",
    "Resumed at step 352 of runs/a",
  ]);
  assertEquals(startLines({ resumedAt: 0 }).at(-1), "Resumed at step 0 of runs/a");
});

Deno.test("eventLines: a start says what may surprise: a slow precision, a last layer that begins anew", () => {
  const slow = "There are no bfloat16 instructions here: expect a tenth of the speed of float32";
  assertEquals(startLines({ precision: "bfloat16" })[0], slow);
  assertEquals(
    startLines({ precision: "bfloat16", hasBfloat16: true })[0],
    `${about}, bfloat16, CPU:0, Abacus (AVX2)`,
  );
  assertEquals(
    startLines({ replacedHead: { file: "w.safetensors", classes: 1000 } })[1],
    "w.safetensors tells 1000 classes apart: the last layer starts anew, with 10",
  );
  assertEquals(
    startLines({ replacedHead: { file: "w.safetensors", classes: 0 } })[1],
    "w.safetensors has no last layer: the last layer starts anew, with 10",
  );
  const frozen = { ...recipe, training: { ...recipe.training, freeze: "trunk" as const } };
  assertEquals(
    startLines({ recipe: frozen })[1], // 64 channels, 10 classes
    "The head is trained, 650 parameters; the trunk stays as it is, and runs as in evaluation",
  );
});

Deno.test("eventLines: a start says which rates of a fixed schedule are never reached", () => {
  const fixed =
    "and those of its schedule are fixed, whatever the epochs, the batch and the number of images";
  // Batches of 256: 176 steps an epoch. The schedule of He et al. 2015, section 4.2: 32,000 and 48,000 steps.
  assertEquals(
    startLines({ stepsPerEpoch: 176 })[1],
    `The learning rate never gets to 0.001 (from step 48000): the run has 32032 steps, ${fixed}`,
  );
  // 4,500 images: 36 steps an epoch.
  assertEquals(
    startLines({ stepsPerEpoch: 36 })[1],
    `The learning rate never gets to 0.01 (from step 32000), 0.001 (from step 48000): the run has 6552 steps, ${fixed}`,
  );
  for (const name of Object.keys(recipes)) {
    const { training } = recipes[name];
    const perEpoch = Math.ceil(45_000 / training.batchSize);
    assertEquals(startLines({ recipe: recipes[name], stepsPerEpoch: perEpoch }).length, 2, name);
  }
  assertEquals(
    startLines({ recipe: recipes.fast, stepsPerEpoch: 1 }).length,
    2,
    "shares of the run follow it",
  );
});

Deno.test("eventLines: a start says from what to what the learning rate is scaled, and in how many steps", () => {
  const scaled = (batchSize: number) => ({
    recipe: { ...recipe, training: { ...recipe.training, batchSize, scheduleBatch: 128 } },
    stepsPerEpoch: Math.ceil(45_000 / batchSize),
  });
  assertEquals(startLines(scaled(1024)).slice(1, -1), [
    "The learning rate is scaled from 0.1 for 128 images a step to 0.8 for 1024, which it rises to in the first 220 steps",
  ]);
  assertEquals(startLines(scaled(64)).slice(1, -1), [
    "The learning rate is scaled from 0.1 for 128 images a step to 0.05 for 64",
  ]);
  assertEquals(
    startLines({ ...scaled(1024), stepsPerEpoch: 30 })[2],
    "The learning rate never gets to 0.008 (from step 6000): the run has 5460 steps, and those of its schedule are " +
      "fixed, whatever the epochs and the number of images",
  );
});

const evaluation = { accuracy: 0.5668, correct: 2834, images: 5000, loss: 1.2 };
const report: EpochReport = {
  epoch: 2,
  epochs: 20,
  step: 704,
  loss: 1.5,
  lastLoss: 0.97066,
  learningRate: 0.01,
};

Deno.test("eventLines: an epoch's loss is that of its last step, as the tutorial prints it; then what was measured", () => {
  const loss = "Epoch [2/20], Loss: 0.9707";
  assertEquals(eventLines({ kind: "epoch", report }), { results: [loss], notes: [] });
  assertEquals(eventLines({ kind: "epoch", report: { ...report, validation: evaluation } }).results, [
    loss,
    "Accuracy of the network on the 5000 validation images: 56.68 %",
  ]);
  const running = { ...evaluation, accuracy: 0.5 };
  assertEquals(
    eventLines({ kind: "epoch", report: { ...report, validation: evaluation, validationRunning: running } }),
    {
      results: [
        loss,
        "Accuracy of the network on the 5000 validation images: 56.68 %",
        "Accuracy of the network on the 5000 validation images: 50.00 % (with running statistics)",
      ],
      notes: [],
    },
  );
});

Deno.test("eventLines: the end says how long it took, then what the test images say", () => {
  const weights = "runs/a/model.safetensors";
  assertEquals(eventLines({ kind: "trained", seconds: 333, firstLoss: 4.2, weights }), {
    results: [],
    notes: [
      "Trained for 5 min 33 s, 4.2 s of it to the first loss; the weights are runs/a/model.safetensors",
    ],
  });
  assertEquals(eventLines({ kind: "trained", seconds: 333, firstLoss: 4.2 }).notes, [
    "Trained for 5 min 33 s, 4.2 s of it to the first loss; the weights are not saved yet",
  ]);
  const problem = "Cannot save epoch 2 in runs/a: no space left on device";
  assertEquals(eventLines({ kind: "unsaved", problem }), { results: [], notes: [problem] });
  const test = { accuracy: 0.9301, correct: 9301, images: 10_000, loss: 0.4 };
  assertEquals(eventLines({ kind: "tested", results: { test, tta: { ...test, accuracy: 0.9389 } } }), {
    results: [
      "Accuracy of the network on the 10000 test images: 93.01 %",
      "Accuracy of the network on the 10000 test images: 93.89 % (test-time augmentation: mean of six views)",
    ],
    notes: [],
  });
});
