/** The half of pytorch_weights.py that runs here: weights and images in, weights and logits out. */
import { join } from "@std/path";
import {
  apply,
  decodeSafetensors,
  encodeSafetensors,
  loadWeights,
  resnet,
  saveWeights,
  tf,
  UsageError,
} from "../mod.ts";

const [folder] = Deno.args;
if (folder === undefined) throw new UsageError("Give the folder that pytorch_weights.py made");

await tf.ready();
const model = resnet([3, 4, 6, 3]);
const variables = await loadWeights(join(folder, "from-pytorch.safetensors"), model);
const path = join(folder, "images.safetensors");
const { x } = decodeSafetensors(await Deno.readFile(path), path).tensors;
const images = tf.tensor(x.data as Float32Array, [...x.shape]);
const [logits] = apply(model, variables, images, { train: false });
await saveWeights(join(folder, "model.safetensors"), model, variables);
const entry = { shape: logits.shape, data: logits.dataSync<"float32">() };
await Deno.writeFile(join(folder, "logits.safetensors"), encodeSafetensors({ logits: entry }));
console.log(`${model.name}: weights read and saved, logits of ${images.shape[0]} images`);
