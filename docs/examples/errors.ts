/**
 * Measures a trained network, and looks at the images that it gets wrong, those first that it is surest of:
 * `deno run -A docs/examples/errors.ts PATH`, the path being the file that train.ts writes.
 */
import { createDataset, evaluate, loadModel, predict, tf } from "../../mod.ts";

const [path = "brightness.safetensors"] = Deno.args;
await tf.ready();
const trained = await loadModel(path);

// 200 images as in train.ts, but that three have the wrong label: the network's errors find them.
const labels = Array.from({ length: 200 }, (_, image) => image % 2);
const images = Uint8Array.from({ length: 200 * 8 * 8 * 3 }, (_, i) => {
  return 128 * Math.random() + 40 * labels[Math.floor(i / (8 * 8 * 3))];
});
for (const image of [11, 42, 137]) labels[image] = 1 - labels[image];
const dataset = createDataset({ ...trained, images, labels });

const { accuracy, loss } = evaluate(trained.model, trained.variables, dataset);
console.log(`${100 * accuracy} % of ${labels.length} images, loss ${loss.toFixed(3)}`);

const errors = predict(trained, dataset)
  .map(([best], image) => ({ ...best, image, truth: labels[image] }))
  .filter(({ label, truth }) => label !== truth)
  .sort((a, b) => b.probability - a.probability);
for (const { image, truth, className, probability } of errors.slice(0, 10)) {
  const sure = `${(100 * probability).toFixed(1)} %`;
  console.log(`image ${image} is labelled ${dataset.classes[truth]}, and taken for ${className} (${sure})`);
}
