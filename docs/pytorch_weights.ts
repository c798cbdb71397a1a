/** The half of pytorch_weights.py that runs here: weights and batches in; weights, logits and losses out. */
import { join } from "@std/path";
import {
  apply,
  decodeSafetensors,
  encodeSafetensors,
  loadWeights,
  recipes,
  resnet,
  saveWeights,
  startState,
  tf,
  trainStep,
} from "../mod.ts";

const [folder, size] = [Deno.args[0], Number(Deno.args[1])];
const path = join(folder, "batches.safetensors");
const { x, labels } = decodeSafetensors(await Deno.readFile(path), path).tensors;
const imageShape = [224, 224, 3] as const;
const length = imageShape.reduce((product, side) => product * side, size);

/** The images and labels of a step. */
function batch(step: number): { images: tf.Tensor4D; labels: tf.Tensor1D } {
  const images = (x.data as Float32Array).subarray(step * length, (step + 1) * length);
  return {
    images: tf.tensor4d(images, [size, ...imageShape]),
    labels: tf.tensor1d((labels.data as Int32Array).subarray(step * size, (step + 1) * size), "int32"),
  };
}

await tf.ready();
const model = resnet([3, 4, 6, 3]);
const variables = await loadWeights(join(folder, "from-pytorch.safetensors"), model);
await saveWeights(join(folder, "model.safetensors"), model, variables);
const [logits] = apply(model, variables, batch(0).images, { train: false });

const { training } = recipes.tutorial;
const step = trainStep(model, training, [], "float32");
let state = startState(model, variables, training);
const losses: number[] = [];
for (let i = 0; i < labels.data.length / size; i++) {
  const given = { ...batch(i), learningRate: tf.scalar(0.01), seed: tf.tensor1d([0, i], "int32") };
  const next = step({ variables: state.variables, optState: state.optState }, given);
  state = { ...state, ...next };
  losses.push(next.loss.dataSync()[0]);
}

const found = {
  logits: { shape: logits.shape, data: logits.dataSync<"float32">() },
  losses: { shape: [losses.length], data: Float32Array.from(losses) },
};
await Deno.writeFile(join(folder, "found.safetensors"), encodeSafetensors(found));
console.log(`${model.name}: weights read and saved, logits of ${size} images, ${losses.length} steps`);
