import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { alternateFlips, batches, shuffledOrder } from "../../../pipeline/data/batches.ts";
import { createDataset } from "../../../pipeline/data/dataset.ts";
import reference from "../../data/numpy_shuffle.json" with { type: "json" };
import { smallDataset } from "../small_data.ts";

const LENGTH = 4 * 4 * 3;

Deno.test("batches copies the members' pixels and labels, the last batch with what is left", () => {
  const dataset = smallDataset(7);
  const made = [...batches(dataset, 3)];
  assertEquals(made.map(({ size }) => size), [3, 3, 1]);
  assertEquals(made.map(({ images }) => images.length), [3 * LENGTH, 3 * LENGTH, LENGTH]);
  assertEquals(made.flatMap(({ images }) => [...images]), [...dataset.images]);
  assertEquals(made.flatMap(({ labels }) => [...labels]), [0, 1, 2, 0, 1, 2, 0]);
});

Deno.test("batches reads members in their order, and in that of `order`", () => {
  const dataset = { ...smallDataset(6), indices: Uint32Array.of(5, 1, 3) };
  const pixels = (image: number) => [...dataset.images.subarray(image * LENGTH, (image + 1) * LENGTH)];
  const [all] = batches(dataset, 8);
  assertEquals([...all.images], [5, 1, 3].flatMap(pixels));
  const [some] = batches(dataset, 8, { order: Uint32Array.of(2, 0) });
  assertEquals([...some.images], [3, 5].flatMap(pixels));
  assertEquals([...some.labels], [0, 2]);
});

Deno.test("batches hands on class numbers that do not fit into a byte, or into two", () => {
  const labels = Uint32Array.of(255, 256, 299, 65_536, 69_999);
  const classes = Array.from({ length: 70_000 }, (_, label) => `class ${label}`);
  const dataset = createDataset({ images: new Uint8Array(5), labels, imageShape: [1, 1, 1], classes });
  assertEquals([...batches(dataset, 2)].map(({ labels }) => labels), [
    Int32Array.of(255, 256),
    Int32Array.of(299, 65_536),
    Int32Array.of(69_999),
  ]);
});

Deno.test("batches by hand: an image mirrored has its columns in reverse order, rows and channels as they were", () => {
  const dataset = createDataset({
    images: Uint8Array.from({ length: 3 * 12 }, (_, i) => i),
    labels: Uint8Array.of(0, 1, 0),
    imageShape: [2, 3, 2],
    classes: ["ant", "bee"],
  });
  const first = [0, 1, /**/ 2, 3, /**/ 4, 5, /* next row */ 6, 7, /**/ 8, 9, /**/ 10, 11];
  const second = [16, 17, /**/ 14, 15, /**/ 12, 13, /* next row */ 22, 23, /**/ 20, 21, /**/ 18, 19];
  const third = [28, 29, /**/ 26, 27, /**/ 24, 25, /* next row */ 34, 35, /**/ 32, 33, /**/ 30, 31];
  const mirrored = Uint8Array.of(0, 1, 1);
  const made = [...batches(dataset, 2, { mirrored })];
  assertEquals(made.map(({ images }) => [...images]), [[...first, ...second], third]);
  assertEquals(made.flatMap(({ labels }) => [...labels]), [0, 1, 0]);

  // Told by position in the store, not by place in the data set or in the order.
  const some = { ...dataset, indices: Uint32Array.of(2, 0) };
  const [batch] = batches(some, 2, { order: Uint32Array.of(1, 0), mirrored });
  assertEquals([...batch.images], [...first, ...third]);
});

Deno.test("batches counts every image once, whatever the batch size", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 50 }), (count, batchSize) => {
      const labels = [...batches(smallDataset(count, 1), batchSize)].flatMap(({ labels }) => [...labels]);
      assertEquals(labels, Array.from({ length: count }, (_, index) => index % 3));
    }),
  );
});

Deno.test("batches of an empty data set are none", () => {
  assertEquals([...batches({ ...smallDataset(3), indices: new Uint32Array() }, 2)], []);
});

Deno.test("batches are made when they are asked for", () => {
  const made = batches(smallDataset(4), 2);
  made.next();
  assertEquals(made.return().done, true);
});

Deno.test("batches refuses a size that is no positive integer and an order outside the data set", () => {
  for (const size of [0, -1, 1.5]) {
    assertThrows(
      () => [...batches(smallDataset(3), size)],
      RangeError,
      `batches: batchSize must be a positive integer, found ${size}`,
    );
  }
  assertThrows(
    () => [...batches(smallDataset(3), 2, { order: Uint32Array.of(0, 3) })],
    RangeError,
    "batches: order has position 3, the data set has 3 images",
  );
});

Deno.test("batches refuses flips of another number of images than the store has", () => {
  const part = { ...smallDataset(3), indices: Uint32Array.of(0, 1) };
  assertThrows(
    () => [...batches(part, 2, { mirrored: new Uint8Array(2) })],
    TypeError,
    "batches: mirrored tells of 2 images, the data set's store has 3",
  );
});

Deno.test("alternateFlips mirrors half of the images, and each in every other epoch", () => {
  const [first, second, third] = [0, 1, 2].map((epoch) => [...alternateFlips(1000, 7, epoch)]);
  assertEquals(first.filter((flip) => flip === 1).length, 500);
  assertEquals(second, first.map((flip) => 1 - flip));
  assertEquals(third, first);
  assert(first.join() !== [...alternateFlips(1000, 8, 0)].join(), "another seed mirrors others");
  // Neighbours are not alike: of 999 pairs about 500 differ, standard deviation 16.
  const changes = first.slice(1).filter((flip, i) => flip !== first[i]).length;
  assert(Math.abs(changes - 500) < 80, `${changes}`);
});

Deno.test("shuffledOrder is a permutation, the same for the same arguments, another for each epoch and seed", () => {
  const order = shuffledOrder(100, 42, 3);
  assertEquals([...order].sort((a, b) => a - b), Array.from({ length: 100 }, (_, index) => index));
  assertEquals(shuffledOrder(100, 42, 3), order);
  assertNotEquals(shuffledOrder(100, 42, 4), order);
  assertNotEquals(shuffledOrder(100, 43, 3), order);
});

Deno.test("shuffledOrder is numpy.random.RandomState([seed, epoch]).permutation(n)", () => {
  const orders = reference.orders.filter(({ seed }) => Array.isArray(seed) && seed.length === 2);
  assertEquals(orders.length, 4);
  for (const { seed, n, head } of orders) {
    const [runSeed, epoch] = [seed].flat();
    assertEquals([...shuffledOrder(n, runSeed, epoch).subarray(0, 10)], head);
  }
});
