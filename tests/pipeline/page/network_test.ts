/** What a page's own program says, run here, beside what the network says. */
import { assert, assertEquals } from "@std/assert";
import {
  defineModel,
  fastResnet,
  flatten,
  globalAvgPool,
  input,
  linear,
  type Model,
  type Node,
  resnet,
  toTensors,
} from "../../../layers/mod.ts";
import type { Transform } from "../../../pipeline/data/dataset.ts";
import { inputOf } from "../../../pipeline/data/images/input.ts";
import type { View } from "../../../pipeline/data/pictures.ts";
import { explainer, type MapKind, predictor, type TrainedModel } from "../../../pipeline/inference/mod.ts";
import { loadClassifier } from "../../../pipeline/page/browser/classify.ts";
import { pageNetwork } from "../../../pipeline/page/network.ts";
import { tree } from "../../../runtime/mod.ts";
import { trainedArrays } from "../../layers/formats/exported_models.ts";
import { leakTest } from "../../runtime/harness.ts";

const NORMALIZE = { kind: "normalize", mean: [0.5, 0.4, 0.3], std: [0.25, 0.2, 0.3] } as const;

function trained(
  model: Model,
  { side = 16, channels = 3, transforms = [NORMALIZE], view }: {
    side?: number;
    channels?: number;
    transforms?: readonly Transform[];
    view?: View;
  } = {},
): TrainedModel {
  return {
    model,
    variables: toTensors(trainedArrays(model)),
    imageShape: [side, side, channels],
    transforms,
    classes: ["ant", "bee", "cow"],
    ...(view && { view }),
  };
}

/** Pictures of several sizes, none of them the network's. */
const PICTURES = [[16, 16], [40, 25], [9, 30]].map(([width, height], salt) => ({
  width,
  height,
  pixels: Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * (i >> 3) + 91 * salt) % 256),
}));

const small = { inputSize: 16, widths: [8, 16], numClasses: 3 } as const;

const rows = (map: Node): Model =>
  defineModel(linear(flatten(map, { name: "row" }), { name: "fc", features: 3 }), { name: "rows" });

/** By what is special in each: the network, and the maps that it has. */
const NETWORKS: Readonly<Record<string, [make: () => TrainedModel, maps?: MapKind]>> = {
  "a maximum at the end, and a factor": [() => trained(fastResnet(small)), "Grad-CAM"],
  "a mean at the end": [
    () => trained(resnet([1, 1], { ...small, stem: "cifar" })),
    "class activation map",
  ],
  "shown the middle of a picture": [
    () => trained(fastResnet(small), { view: { shorter: 20, size: 16 } }),
    "Grad-CAM",
  ],
  "resized to the network": [
    () =>
      trained(resnet([1, 1], { ...small, stem: "cifar" }), {
        side: 12,
        transforms: [{ kind: "resize", size: 16, quantize: true }, NORMALIZE],
      }),
    "class activation map",
  ],
  "resized after it was normalised": [
    () =>
      trained(fastResnet(small), {
        side: 20,
        transforms: [NORMALIZE, { kind: "resize", size: 16, quantize: false }],
      }),
    "Grad-CAM",
  ],
  "grey": [
    () =>
      trained(fastResnet({ ...small, channels: 1 }), {
        channels: 1,
        transforms: [{ kind: "normalize", mean: [0.5], std: [0.25] }],
      }),
    "Grad-CAM",
  ],
  "not normalised": [
    () => trained(fastResnet({ ...small, channels: 1 }), { channels: 1, transforms: [] }),
    "Grad-CAM",
  ],
  "without a map but the image": [
    () => trained(rows(globalAvgPool(input([16, 16, 3]), { name: "mean" }))),
  ],
  "without a mean or a maximum": [() => trained(rows(input([16, 16, 3])))],
};

for (const [name, [make, maps]] of Object.entries(NETWORKS)) {
  leakTest(`a page's network, ${name}: the probabilities and the maps that the network has`, async () => {
    const network = make();
    const page = pageNetwork(network, { float16: false });
    const classifier = await loadClassifier(JSON.parse(JSON.stringify(page)));
    const { probabilities, dispose } = predictor(network);
    const own = maps === undefined ? undefined : explainer(network);
    for (const picture of PICTURES) {
      const image = inputOf(picture, network);
      const tensor = probabilities(image);
      const [expected] = tensor.arraySync();
      tensor.dispose();
      const found = await classifier.classify(picture);
      assertClose(found.probabilities, expected, 1e-5);
      assertEquals(found.mapOf === undefined, own === undefined);
      if (own === undefined) continue;
      assertEquals(own.kind, maps);
      for (const label of [0, 2]) {
        const map = own.explain(image, label);
        const drawn = found.mapOf!(label);
        assertEquals([drawn.width, drawn.height], [map.width, map.height]);
        assertClose(drawn.values, map.values, 1e-4 * Math.max(...map.values.map(Math.abs)));
      }
    }
    own?.dispose();
    dispose();
    classifier.dispose();
    tree.dispose(network.variables);
  });
}

function assertClose(found: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  assertEquals(found.length, expected.length);
  const largest = Math.max(...Array.from(found, (value, i) => Math.abs(value - expected[i])));
  assert(largest <= tolerance, `${largest} > ${tolerance}`);
}

leakTest("a page's network: kernels of 16 bits take half, and change little", async () => {
  const network = trained(fastResnet(small));
  const [whole, half] = [false, true].map((float16) => pageNetwork(network, { float16 }));
  assert(half.weights.length < 0.55 * whole.weights.length);
  const classifier = await loadClassifier(half);
  const { probabilities } = await classifier.classify(PICTURES[1]);
  const exact = await loadClassifier(whole);
  assertClose(probabilities, (await exact.classify(PICTURES[1])).probabilities, 5e-3);
  exact.dispose();
  classifier.dispose();
  tree.dispose(network.variables);
});
