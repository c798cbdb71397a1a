/**
 * Goes on from the weights of a file, for other classes: every layer but the last stays as it is. The file is that of
 * train.ts, or one of PyTorch's for the same network (`save_file(model.state_dict(), path)`).
 */
import { createDataset, loadStart, normalize, pipe, recipes, resnet, saveModel, split } from "../../mod.ts";
import { tf, train, trunk } from "../../mod.ts";

const [weights = "brightness.safetensors", file = "colours.safetensors"] = Deno.args;
await tf.ready();

// 160 images of 8 x 8 pixels: noise, with more of one colour.
const labels = Array.from({ length: 160 }, (_, image) => image % 3);
const images = Uint8Array.from({ length: 160 * 8 * 8 * 3 }, (_, i) => {
  const isStrong = i % 3 === labels[Math.floor(i / (8 * 8 * 3))];
  return 128 * Math.random() + (isStrong ? 100 : 0);
});
const dataset = createDataset({ images, labels, imageShape: [8, 8, 3], classes: ["red", "green", "blue"] });
const stats = { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] };
const data = pipe({ train: dataset }, normalize(stats), split(0.25, { seed: 42 }));

const model = resnet([1, 1], { stem: "cifar", inputSize: 8, widths: [8, 16], numClasses: 3 });
const start = await loadStart(weights, model, 42); // the last layer, which was for other classes, begins anew
const settings = { ...recipes.resnet20.training, epochs: 10, batchSize: 20, frozen: trunk(model) };
const { variables } = await train(model, data, settings, {
  variables: start.variables,
  onEpoch({ epoch, loss, validation }) {
    console.log(`epoch ${epoch}: loss ${loss.toFixed(3)}, accuracy ${100 * validation!.accuracy} %`);
  },
});
await saveModel(file, model, variables, data.train);
console.log(`the network is ${file}`);
