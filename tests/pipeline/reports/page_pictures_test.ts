/** The pictures of a page: which image, how large, and where the network sees what it took it for. */
import { assert, assertEquals } from "@std/assert";
import { decode } from "fast-png";
import { defineModel, flatten, input, linear } from "../../../layers/mod.ts";
import { createDataset, type Dataset } from "../../../pipeline/data/dataset.ts";
import { decodeImage } from "../../../pipeline/data/images/decode.ts";
import { explainer } from "../../../pipeline/inference/activation_map.ts";
import { drawActivationMap } from "../../../pipeline/reports/activation_map.ts";
import { picturedMistakes, stripOf } from "../../../pipeline/reports/page_pictures.ts";
import { tree } from "../../../runtime/mod.ts";
import { leakTest } from "../../runtime/harness.ts";
import { smallTrained } from "../small_trained.ts";

/** Three images of one grey each, but for a corner. */
function dataset(side: number): Dataset {
  const images = new Uint8Array(3 * side * side * 3);
  for (let image = 0; image < 3; image++) {
    images.fill(60 * (image + 1), image * side * side * 3, (image + 1) * side * side * 3);
    images.fill(0, image * side * side * 3, image * side * side * 3 + 3);
  }
  const made = createDataset({
    images,
    labels: [0, 1, 2],
    imageShape: [side, side, 3],
    classes: ["a", "b", "c"],
  });
  return { ...made, indices: Uint32Array.of(2, 0), files: ["p/a.jpg", "p/b.jpg", "p/c.jpg"] };
}

leakTest(
  "stripOf: small images to the pixel, others as small JPEGs, with room for as many as were asked for",
  async () => {
    const { width, height, data } = decode(await stripOf(dataset(8), [0, 2], 3));
    assertEquals([width, height], [24, 8]);
    assertEquals([0, 3 * 7, 3 * 8, 3 * 9, 3 * 16].map((at) => data[at]), [0, 60, 0, 180, 255]);
    const large = decodeImage(await stripOf(dataset(200), [0, 2], 2));
    assertEquals([large.width, large.height], [128, 64]);
    const middle = (x: number) => large.pixels[(32 * 128 + x) * 3];
    assert(Math.abs(middle(32) - 60) <= 2 && Math.abs(middle(96) - 180) <= 2, `${middle(32)} ${middle(96)}`);
  },
);

const mistake = { image: 1, label: 0, guess: 2, confidence: 0.5, probability: 0.25 };

leakTest("picturedMistakes: the image, its file, and the map of what it was taken for", async () => {
  const trained = smallTrained();
  const images = dataset(8);
  const { mistakes: [found], mapKind } = await picturedMistakes(trained, images, [mistake]);
  assertEquals([mapKind, found.file, found.guess], ["class activation map", "p/a.jpg", 2]);
  const pixels = images.images.subarray(0, 8 * 8 * 3);
  assertEquals(decode(found.picture).data, pixels);
  const drawn = decodeImage(found.map!);
  assertEquals([drawn.width, drawn.height], [128, 128]);
  // What is drawn over grey of 60: the map of the class that it was taken for, but for the corner, which is black.
  const { explain, dispose } = explainer(trained);
  const grey = { width: 128, height: 128, pixels: new Uint8Array(128 * 128 * 3).fill(60) };
  const expected = drawActivationMap(grey, explain(pixels, 2), { left: 0, top: 0, width: 128, height: 128 });
  const other = drawActivationMap(grey, explain(pixels, 0), { left: 0, top: 0, width: 128, height: 128 });
  dispose();
  tree.dispose(trained.variables);
  const distance = (one: Uint8Array, from = 40 * 128 * 3) =>
    one.subarray(from).reduce((sum, value, i) => sum + Math.abs(value - drawn.pixels[from + i]), 0) /
    (one.length - from);
  assert(distance(expected.pixels) < 3, `${distance(expected.pixels)}`);
  assert(distance(other.pixels) > 10, `${distance(other.pixels)}`);
});

leakTest("picturedMistakes: without maps where the network has none", async () => {
  const rows = flatten(input([8, 8, 3]), { name: "rows" });
  const model = defineModel(linear(rows, { name: "head", features: 3 }), { name: "linear" });
  const trained = smallTrained(model);
  const { mistakes: [found], mapKind } = await picturedMistakes(trained, dataset(8), [mistake]);
  assertEquals([found.map, mapKind], [undefined, undefined]);
  tree.dispose(trained.variables);
});
