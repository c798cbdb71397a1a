import { assertEquals, assertThrows } from "@std/assert";
import { decode } from "fast-png";
import { contactSheet, firstImages } from "../../../pipeline/reports/contact_sheet.ts";
import { normalize, resize } from "../../../pipeline/transforms/transforms.ts";
import { tf } from "../../../runtime/mod.ts";
import { canLoadTensorFlow } from "../../needs.ts";
import { smallData, smallDataset } from "../small_data.ts";

/** The pixel of a decoded sheet. */
function pixelAt(sheet: Uint8Array, x: number, y: number): number[] {
  const { width, data } = decode(sheet);
  return [...data.subarray((y * width + x) * 3, (y * width + x + 1) * 3)];
}

/** Images of one pixel each: (v, v + 1, v + 2). */
function onePixel(...values: number[]): Parameters<typeof contactSheet>[0] {
  const pixels = Float32Array.from(values.flatMap((value) => [value, value + 1, value + 2]));
  return { values: pixels, shape: [values.length, 1, 1, 3] };
}

Deno.test("contactSheet puts images in rows on white, as an RGB PNG", () => {
  const sheet = contactSheet(onePixel(10, 20, 30), { range: [0, 255] });
  const { width, height, channels, depth } = decode(sheet);
  assertEquals({ width, height, channels, depth }, { width: 8, height: 8, channels: 3, depth: 8 });
  assertEquals([[2, 2], [5, 2], [2, 5]].map(([x, y]) => pixelAt(sheet, x, y)), [
    [10, 11, 12],
    [20, 21, 22],
    [30, 31, 32],
  ]);
  assertEquals([[0, 0], [3, 2], [5, 5], [7, 7]].map(([x, y]) => pixelAt(sheet, x, y).join()), [
    ...Array(4).fill("255,255,255"),
  ]);
});

Deno.test("contactSheet keeps the order of rows, columns and channels within an image", () => {
  const dataset = smallDataset(2, 3, 4);
  const sheet = contactSheet(firstImages(dataset, 2), { range: [0, 255], columns: 2 });
  for (let image = 0; image < 2; image++) {
    for (let y = 0; y < 3; y++) {
      for (let x = 0; x < 4; x++) {
        const start = ((image * 3 + y) * 4 + x) * 3;
        assertEquals(pixelAt(sheet, 2 + image * 6 + x, 2 + y), [
          ...dataset.images.subarray(start, start + 3),
        ]);
      }
    }
  }
});

Deno.test("contactSheet shows the smallest value as 0 and the largest as 255 unless told otherwise", () => {
  const sheet = contactSheet(onePixel(-2, 0), { columns: 2 }); // values -2, -1, 0 and 0, 1, 2
  assertEquals([pixelAt(sheet, 2, 2), pixelAt(sheet, 5, 2)], [[0, 64, 128], [128, 191, 255]]);
  assertEquals(pixelAt(contactSheet({ values: Float32Array.of(3, 3, 3), shape: [1, 1, 1, 3] }), 2, 2), [
    0,
    0,
    0,
  ]);
});

Deno.test("contactSheet cuts what lies outside the range", () => {
  assertEquals(pixelAt(contactSheet(onePixel(-1), { range: [0, 0.5] }), 2, 2), [0, 0, 255]);
});

Deno.test("contactSheet enlarges by repeating pixels", () => {
  const sheet = contactSheet({
    values: Float32Array.of(1, 1, 1, 9, 9, 9),
    shape: [1, 1, 2, 3],
  }, { range: [0, 255], side: 4 });
  assertEquals(decode(sheet).width, 8);
  assertEquals([2, 3, 4, 5].map((x) => pixelAt(sheet, x, 5)[0]), [1, 1, 9, 9]);
});

Deno.test("contactSheet refuses images that are not RGB", () => {
  assertThrows(
    () => contactSheet({ values: new Float32Array(4), shape: [1, 2, 2, 1] }),
    TypeError,
    "contactSheet: images must have 3 channels, found 1",
  );
});

Deno.test("firstImages without transforms gives stored pixels in the members' order, all that there are", () => {
  const dataset = { ...smallDataset(3, 2), indices: Uint32Array.of(2, 0) };
  const { values, shape } = firstImages(dataset, 9);
  assertEquals([...shape], [2, 2, 2, 3]);
  assertEquals([...values], [...dataset.images.subarray(24, 36), ...dataset.images.subarray(0, 12)]);
});

Deno.test({
  name: "firstImages runs the transforms",
  ignore: !canLoadTensorFlow,
  async fn() {
    await tf.ready();
    const tensors = tf.memory().numTensors;
    const data = normalize({ mean: [0, 0, 0], std: [1, 1, 1] })(resize(6)(smallData(5)));
    const { values, shape } = firstImages(data.train, 2);
    assertEquals([...shape], [2, 6, 6, 3]);
    assertEquals(values[0], Math.fround(data.train.images[0] / 255)); // a corner has only itself to be made from
    assertEquals(tf.memory().numTensors, tensors);
  },
});
