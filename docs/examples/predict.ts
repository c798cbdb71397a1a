/**
 * Says what a trained network takes images for: `deno run -A docs/examples/predict.ts PATH`, the path being the file
 * that train.ts writes, or the folder of a run.
 */
import { loadModel, predict, tf } from "../../mod.ts";

const [path = "brightness.safetensors"] = Deno.args;
await tf.ready();
const trained = await loadModel(path);

// Three images, from dark to bright: [n, height, width, channels], 0 to 255. A photo, where the network's
// transforms resize, is tf.expandDims(tf.node.decodeImage(await Deno.readFile("cat.jpg"), 3)).
const images = tf.concat<tf.Tensor4D>(
  [0, 20, 40].map((least) => tf.randomUniform([1, ...trained.imageShape], least, least + 128)),
);
const predictions = predict(trained, images, { top: 3 });
for (const [image, classes] of predictions.entries()) {
  const percent = (probability: number) => `${(100 * probability).toFixed(1)} %`;
  const shown = classes.map(({ className, probability }) => `${className} (${percent(probability)})`);
  console.log(`image ${image}: ${shown.join(", ")}`);
}
