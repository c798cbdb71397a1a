/**
 * Weights both ways: a file that PyTorch wrote of the tutorial's classes (at a sixteenth of their width) gives the same
 * logits here, trains on with the same losses, and comes out again byte for byte. tests/data/torch_reference.py made it.
 */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { decodeSafetensors } from "../../../layers/formats/safetensors.ts";
import { apply, resnet } from "../../../layers/mod.ts";
import { loadWeights, saveWeights } from "../../../pipeline/runs/weights.ts";
import { recipes } from "../../../pipeline/training/recipes.ts";
import { disposeState, startState } from "../../../pipeline/training/state.ts";
import { trainStep } from "../../../pipeline/training/step.ts";
import { jit, tf, tree } from "../../../runtime/mod.ts";
import golden from "../../data/tutorial_narrow.json" with { type: "json" };
import { assertClose } from "../../reference.ts";
import { leakTest } from "../../runtime/harness.ts";

const FILE = fromFileUrl(new URL("../../data/tutorial_narrow.safetensors", import.meta.url));

const BATCH = 8;
const SIDE = 224;

/** The tutorial's network, narrow and with one block a stage. */
const model = resnet([1, 1, 1, 1], { widths: [4, 8, 16, 32] });

/** The bound for logits in float32, relative to the largest. */
const LOGITS = { relative: 1e-4, absolute: 0 };

/**
 * The largest relative difference of ten losses. PyTorch itself is 4e-6 apart in float32 and float64 from these
 * weights, which it had trained for 60 steps. (From weights just drawn it is 7e-3: there, ten steps multiply a rounding
 * by ten thousand.)
 */
const LOSSES = 1e-4;

/** The images that the reference script makes for a step: noise, and a class is a brightness. */
function batch(step: number): { x: tf.Tensor4D; labels: tf.Tensor1D } {
  const each = SIDE * SIDE * 3;
  const labels = Int32Array.from({ length: BATCH }, (_, i) => (i * 7 + step) % 10);
  const x = Float32Array.from({ length: BATCH * each }, (_, n) => {
    const pixel = finalize(n + step * BATCH * each) >>> 24;
    return pixel * (1 + labels[Math.floor(n / each)]) / 2550;
  });
  return { x: tf.tensor4d(x, [BATCH, SIDE, SIDE, 3]), labels: tf.tensor1d(labels, "int32") };
}

/** MurmurHash3's finalizer of 32 bits. */
function finalize(hash: number): number {
  hash = Math.imul(hash ^ hash >>> 16, 0x85EBCA6B);
  hash = Math.imul(hash ^ hash >>> 13, 0xC2B2AE35);
  return hash ^ hash >>> 16;
}

leakTest(
  "weights both ways: a state_dict of the tutorial's class gives PyTorch's logits, in evaluation and training",
  async () => {
    const variables = await loadWeights(FILE, model);
    const { x, labels } = batch(0);
    const evaluation = jit((v: typeof variables, x: tf.Tensor4D) => apply(model, v, x, { train: false })[0]);
    const training = jit((v: typeof variables, x: tf.Tensor4D) => apply(model, v, x, { train: true })[0]);
    const [logits, trainLogits] = [evaluation(variables, x), training(variables, x)];
    assertClose(logits, golden.logits, LOGITS, "logits");
    assertClose(trainLogits, golden.train_logits, LOGITS, "logits with batch statistics");
    evaluation.dispose();
    training.dispose();
    tree.dispose([variables, x, labels, logits, trainLogits]);
  },
);

leakTest(
  "weights both ways: ten steps of the tutorial's optimizer from there have PyTorch's losses",
  async () => {
    const { training } = recipes.tutorial;
    const step = trainStep(model, training, [], "float32");
    let state = startState(model, await loadWeights(FILE, model), training);
    const losses = golden.losses.map((_, i) => {
      const { x, labels } = batch(i);
      const learningRate = tf.scalar(training.schedule.rate);
      const seed = tf.tensor1d([0, i], "int32");
      const { variables, optState } = state;
      const { loss, ...next } = step({ variables, optState }, { images: x, labels, learningRate, seed });
      const [value] = loss.dataSync();
      tf.dispose([x, labels, learningRate, seed, loss]);
      disposeState(state);
      state = { ...state, ...next };
      return value;
    });
    disposeState(state);
    step.dispose();
    for (const [i, loss] of losses.entries()) {
      assertAlmostEquals(loss, golden.losses[i], LOSSES * golden.losses[i], `step ${i}`);
    }
  },
);

leakTest(
  "weights both ways: what is saved is what PyTorch saved: keys, types, shapes and every byte",
  async () => {
    const dir = await Deno.makeTempDir();
    try {
      const variables = await loadWeights(FILE, model);
      const path = join(dir, "model.safetensors");
      const theirs = decodeSafetensors(await Deno.readFile(FILE), FILE);
      const [steps] = theirs.tensors["conv1.1.num_batches_tracked"].data;
      assert(steps > 0n);
      await saveWeights(path, model, variables, Number(steps));
      assertEquals(decodeSafetensors(await Deno.readFile(path), path), theirs);
      tree.dispose(variables);
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  },
);
