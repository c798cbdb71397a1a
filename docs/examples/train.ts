/**
 * Trains a network on images in memory, and writes it to one file: `deno run -A docs/examples/train.ts`. For images of
 * your own: their bytes one after the other, row by row, red, green and blue of each pixel; and their class numbers.
 */
import { createDataset, normalize, pipe, recipes, resnet, saveModel, split, tf, train } from "../../mod.ts";

const [file = "brightness.safetensors"] = Deno.args;
await tf.ready(); // finds or installs libtensorflow

// 400 images of 8 x 8 pixels: noise, those of class 1 brighter than those of class 0.
const labels = Array.from({ length: 400 }, (_, image) => image % 2);
const images = Uint8Array.from({ length: 400 * 8 * 8 * 3 }, (_, i) => {
  return 128 * Math.random() + 40 * labels[Math.floor(i / (8 * 8 * 3))];
});
const dataset = createDataset({ images, labels, imageShape: [8, 8, 3], classes: ["dark", "bright"] });
const stats = { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] };
const data = pipe({ train: dataset }, normalize(stats), split(0.25, { seed: 42 }));

const model = resnet([1, 1], { stem: "cifar", inputSize: 8, widths: [8, 16], numClasses: 2 });
const settings = { ...recipes.resnet20.training, epochs: 4, batchSize: 32 };
const { variables } = await train(model, data, settings, {
  onEpoch({ epoch, loss, validation }) {
    console.log(`epoch ${epoch}: loss ${loss.toFixed(3)}, accuracy ${100 * validation!.accuracy} %`);
  },
});
await saveModel(file, model, variables, data.train);
console.log(`the network is ${file}`);
