/** A layer of one's own, in a residual block of one's own: squeeze and excitation (J. Hu et al., arXiv:1709.01507). */
import { add, batchNorm, conv, customLayer, globalAvgPool, relu, sequential, shortcut } from "../../mod.ts";
import { createDataset, type Layer, type Node, recipes, type ResidualBlockCfg, resnet } from "../../mod.ts";
import { summary, tf, train } from "../../mod.ts";

/** Weighs the channels of a map `[h, w, c]` by numbers `[1, 1, c]`, brought between 0 and 1. */
const gate = customLayer({ kind: "Gate", run: ([x, by]) => tf.mul(x, tf.sigmoid(by)) });

/** The means of the channels go through two small layers, and what comes out weighs the channels. */
export function squeezeExcitation(x: Node, { name, filters }: { name: string; filters: number }): Node {
  const means = globalAvgPool(x, { name: `${name}.avgpool` });
  const few = relu(conv(means, { name: `${name}.fc1`, filters, kernelSize: 1 }), { name: `${name}.relu` });
  const weights = conv(few, { name: `${name}.fc2`, filters: x.shape[2]!, kernelSize: 1 });
  return gate([x, weights], { name });
}

/** The basic block, its channels weighed before the sum; in the middle are a `reduction`-th of them. */
export const squeezedBlock = (reduction: number) => (x: Node, cfg: ResidualBlockCfg): Node => {
  const { name, filters, stride, bias } = cfg;
  const conv3x3 = (stride?: number): Layer => (x, at) =>
    conv(x, { ...at, filters, stride, bias, kernelSize: 3, padding: 1 });
  let y = sequential(x, { name: `${name}.conv1` }, [conv3x3(stride), batchNorm, relu]);
  y = sequential(y, { name: `${name}.conv2` }, [conv3x3(), batchNorm]);
  y = squeezeExcitation(y, { name: `${name}.se`, filters: Math.ceil(filters / reduction) });
  return relu(add(y, shortcut(x, y, cfg), { name }), { name: `${name}.relu` });
};

if (import.meta.main) {
  await tf.ready();
  const block = squeezedBlock(4);
  const model = resnet([1, 1], { stem: "cifar", inputSize: 8, widths: [8, 16], numClasses: 2, block });
  console.log(summary(model));
  const labels = Array.from({ length: 64 }, (_, image) => image % 2);
  const images = Uint8Array.from({ length: 64 * 192 }, (_, i) => i % 128 + 100 * labels[Math.floor(i / 192)]);
  const dataset = createDataset({ images, labels, imageShape: [8, 8, 3], classes: ["dark", "bright"] });
  await train(model, { train: dataset }, { ...recipes.resnet20.training, epochs: 2, batchSize: 32 }, {
    onStep: ({ step, loss }) => console.log(`step ${step}: loss ${loss.toFixed(3)}`),
  });
}
