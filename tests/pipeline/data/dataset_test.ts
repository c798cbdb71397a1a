import { assertEquals, assertThrows } from "@std/assert";
import { classCounts, createDataset, mapParts, outputShape } from "../../../pipeline/data/dataset.ts";
import { smallData, smallDataset } from "../small_data.ts";

const store = {
  images: new Uint8Array(2 * 3 * 5 * 3),
  labels: Uint8Array.of(0, 1),
  imageShape: [3, 5, 3] as const,
  classes: ["cat", "dog"],
};

Deno.test("createDataset has all images in order and no transforms", () => {
  const dataset = createDataset(store);
  assertEquals(dataset.indices, Uint32Array.of(0, 1));
  assertEquals(dataset.transforms, []);
  assertEquals(dataset.imageShape, [3, 5, 3]);
});

Deno.test("createDataset has the transforms that it is given", () => {
  const transforms = [{ kind: "resize", size: 2, quantize: true }] as const;
  assertEquals(outputShape(createDataset({ ...store, transforms })), [2, 2, 3]);
});

Deno.test("createDataset refuses pixels that do not fit the labels", () => {
  assertThrows(
    () => createDataset({ ...store, labels: Uint8Array.of(0, 1, 1) }),
    TypeError,
    "createDataset: 3 images of shape [3,5,3] need 135 bytes, found 90",
  );
});

Deno.test("createDataset refuses a label without a class", () => {
  assertThrows(
    () => createDataset({ ...store, labels: Uint8Array.of(0, 2) }),
    RangeError,
    "createDataset: label 1 is 2, expected 0 to 1 (2 classes)",
  );
});

Deno.test("createDataset takes any list of class numbers and keeps them as Uint32Array", () => {
  const wide = { ...store, classes: Array.from({ length: 70_000 }, (_, label) => `class ${label}`) };
  for (const labels of [[1, 0], Uint8Array.of(1, 0), Uint16Array.of(1, 0), Int32Array.of(1, 0)]) {
    assertEquals(createDataset({ ...store, labels }).labels, Uint32Array.of(1, 0));
  }
  assertEquals(createDataset({ ...store, labels: new Float64Array([1, 0]) }).labels, Uint32Array.of(1, 0));
  assertEquals(createDataset({ ...wide, labels: [256, 69_999] }).labels, Uint32Array.of(256, 69_999));
  assertEquals(
    createDataset({ ...wide, labels: Uint16Array.of(299, 65_535) }).labels,
    Uint32Array.of(299, 65_535),
  );
  const labels = Uint32Array.of(0, 1);
  assertEquals(
    createDataset({ ...store, labels }).labels === labels,
    true,
    "those that are so already are shared",
  );
});

Deno.test("createDataset refuses a label that is no class number", () => {
  for (const label of [NaN, 1.5, -1, 2, 2 ** 32, Infinity, -0.5]) {
    assertEquals(
      assertThrows(() => createDataset({ ...store, labels: [0, label] }), RangeError).message,
      `createDataset: label 1 is ${label}, expected 0 to 1 (2 classes)`,
    );
  }
  for (const labels of [Float32Array.of(0.5, 0), Int8Array.of(-1, 0), Uint16Array.of(256, 0)]) {
    assertEquals(
      assertThrows(() => createDataset({ ...store, labels }), RangeError).message,
      `createDataset: label 0 is ${labels[0]}, expected 0 to 1 (2 classes)`,
    );
  }
  // A place of a list that holds nothing, as `new Array(2)` has them.
  assertEquals(
    assertThrows(() => createDataset({ ...store, labels: new Array(2) }), RangeError).message,
    "createDataset: label 0 is undefined, expected 0 to 1 (2 classes)",
  );
});

Deno.test("outputShape is that of the last resize, or as stored", () => {
  const dataset = smallDataset(1, 4, 6);
  assertEquals(outputShape(dataset), [4, 6, 3]);
  const transforms = [7, 9].map((size) => ({ kind: "resize" as const, size, quantize: false }));
  assertEquals(outputShape({ ...dataset, transforms }), [9, 9, 3]);
});

Deno.test("classCounts counts members only", () => {
  const dataset = smallDataset(7); // labels 0 1 2 0 1 2 0
  assertEquals(classCounts(dataset), [3, 2, 2]);
  assertEquals(classCounts({ ...dataset, indices: Uint32Array.of(0, 3, 4, 4) }), [2, 2, 0]);
});

Deno.test("mapParts changes each part and adds none", () => {
  const data = mapParts(smallData(5, 2), (part) => ({ ...part, indices: part.indices.subarray(0, 1) }));
  assertEquals(Object.keys(data), ["train", "test"]);
  assertEquals([data.train.indices.length, data.test?.indices.length], [1, 1]);
  assertEquals(Object.keys(mapParts({ train: data.train, validation: data.train }, (part) => part)), [
    "train",
    "validation",
  ]);
});
