import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { classCounts, createDataset } from "../../../pipeline/data/dataset.ts";
import { numpyShuffle } from "../../../pipeline/data/numpy_random.ts";
import { limit, split } from "../../../pipeline/data/split.ts";
import { pipe } from "../../../pipeline/pipe.ts";
import { augment, CIFAR10_STATS, normalize } from "../../../pipeline/transforms/transforms.ts";
import { UsageError } from "../../../runtime/system/errors.ts";
import { smallData, smallDataset } from "../small_data.ts";

Deno.test("split is the tutorial's, to the index", () => {
  // numpy.random.seed(42); numpy.random.shuffle(list(range(50000))), the first 5,000 are validation
  const { train, validation } = split(0.1, { seed: 42 })(smallData(50_000, 1, 1));
  assertEquals([train.indices.length, validation!.indices.length], [45_000, 5000]);
  assertEquals(
    [...validation!.indices.subarray(0, 10)],
    [33553, 9427, 199, 12447, 39489, 42724, 10822, 49498, 4144, 36958],
  );
  assertEquals([...validation!.indices.subarray(4995)], [39885, 17566, 16062, 48445, 20382]);
  assertEquals([...train.indices.subarray(0, 5)], [40877, 18057, 19066, 20525, 5847]);
});

Deno.test("split parts the images: none lost, none twice, floor(fraction * n) kept back", () => {
  const fraction = fc.double({ min: 0.01, max: 0.99, noNaN: true });
  fc.assert(fc.property(fc.integer({ min: 100, max: 300 }), fraction, fc.nat(), (n, fraction, seed) => {
    const { train, validation } = split(fraction, { seed })(smallData(n, 1, 1));
    assertEquals(validation!.indices.length, Math.floor(fraction * n));
    const all = [...train.indices, ...validation!.indices].sort((a, b) => a - b);
    assertEquals(all, Array.from({ length: n }, (_, index) => index));
  }));
});

Deno.test("split without a shuffle keeps the last images back and the order", () => {
  const { train, validation } = split(0.25, { shuffle: false })(smallData(8));
  assertEquals([...train.indices], [0, 1, 2, 3, 4, 5]);
  assertEquals([...validation!.indices], [6, 7]);
});

Deno.test("split with stratify keeps the same share of each class back, to one image, and the order", () => {
  const label = fc.constantFrom(0, 0, 0, 1, 1, 2);
  const labels = fc.array(label, { minLength: 20, maxLength: 200 });
  fc.assert(
    fc.property(labels, fc.double({ min: 0.06, max: 0.9, noNaN: true }), fc.nat(), (labels, share, seed) => {
      const whole = { ...smallDataset(labels.length, 1, 1), labels: Uint32Array.from(labels) };
      const { train, validation } = split(share, { seed, stratify: true })({ train: whole });
      const kept = validation!.indices;
      assertEquals([...train.indices, ...kept].sort((a, b) => a - b), [...whole.indices]);
      assertEquals([...kept], [...kept].sort((a, b) => a - b));
      assertEquals([...train.indices], [...train.indices].sort((a, b) => a - b));
      const [all, back] = [classCounts(whole), classCounts(validation!)];
      all.forEach((count, label) => {
        assert(
          Math.abs(back[label] - share * count) < 1 || back[label] === count - 1,
          `${back[label]} of ${count}`,
        );
        if (count > 0) assert(back[label] < count, "one stays");
      });
      // As many as without, unless that would take the last of a class.
      if (all.every((count, label) => back[label] < count - 1)) {
        assertEquals(kept.length, Math.floor(share * labels.length));
      }
    }),
  );
});

Deno.test("split with stratify: the hand signs' classes, another seed, few images of many classes", () => {
  // 2062 photos; a share of 0.2 of each class is 41.0, 41.2, 41.2, 41.2, 41.4, 41.4, 41.4, 41.2, 41.6, 40.8.
  const counts = [205, 206, 206, 206, 207, 207, 207, 206, 208, 204];
  const labels = counts.flatMap((count, label) => new Array<number>(count).fill(label));
  const names = counts.map((_, label) => `${label}`);
  const made = (labels: readonly number[], classes: readonly string[]) =>
    createDataset({ images: new Uint8Array(labels.length), labels, imageShape: [1, 1, 1], classes });
  const cut = (seed: number) => split(0.2, { seed, stratify: true })({ train: made(labels, names) });
  const first = cut(0).validation!;
  // The whole parts are 409; of the three left over two go to .8 and .6, the last to one of the three with .4.
  const back = classCounts(first);
  assertEquals(back.reduce((sum, count) => sum + count, 0), 412);
  assertEquals([back[9], back[8], back[4] + back[5] + back[6]], [41, 42, 124]);
  assertEquals(cut(0).validation!.indices, first.indices);
  assertEquals([...cut(1).validation!.indices].join() === [...first.indices].join(), false);

  const single = made([0, 1, 2, 2, 2], ["a", "b", "c"]);
  const { train, validation } = split(0.6, { seed: 0, stratify: true })({ train: single });
  assertEquals(classCounts(train), [1, 1, 1]);
  assertEquals(validation!.indices.length, 2);
});

Deno.test("split shares the pixels and keeps every transform but augment for validation", () => {
  const data = pipe(
    smallData(10),
    augment({ flip: true, crop: 1 }),
    normalize(CIFAR10_STATS),
    split(0.5, { seed: 0 }),
  );
  assertEquals(data.train.transforms.map(({ kind }) => kind), ["augment", "normalize"]);
  assertEquals(data.validation?.transforms.map(({ kind }) => kind), ["normalize"]);
  assertEquals(data.validation?.images === data.train.images, true);
  assertEquals(data.validation?.labels === data.train.labels, true);
  assertEquals(data.test?.indices.length, 2);
});

Deno.test("limit then split draws from the first images only", () => {
  const data = smallData(10);
  const reversed = { ...data, train: { ...data.train, indices: data.train.indices.toReversed() } };
  const { train, validation, test } = pipe(reversed, limit(4), split(0.5, { seed: 3 }));
  // The members 9, 8, 7, 6 in the order of the shuffled positions.
  const expected = [...numpyShuffle(4, 3)].map((position) => 9 - position);
  assertEquals([...validation!.indices, ...train.indices], expected);
  assertEquals(test?.indices.length, 2);
});

Deno.test("limit takes images of all classes from a folder of pictures, which is in their order", () => {
  const { train } = limit(4)({ ...smallData(10), digest: "of files" });
  assertEquals([...train.indices], [0, 2, 5, 7]);
});

Deno.test("limit takes all and refuses more, none and parts", () => {
  assertEquals(limit(10)(smallData(10)).train.indices.length, 10);
  for (const n of [0, 11, 1.5, -1]) {
    assertThrows(
      () => limit(n)(smallData(10)),
      UsageError,
      `Cannot limit the training images to ${n}: there are 10; give a whole number from 1 to 10`,
    );
  }
});

Deno.test("split and limit refuse data that is split already", () => {
  const data = split(0.5, { seed: 0 })(smallData(4));
  assertThrows(() => split(0.5, { seed: 0 })(data), TypeError, "split: the data is split already");
  assertThrows(() => limit(1)(data), TypeError, "limit: the data is split already; put limit before split");
});

Deno.test("split refuses a fraction that is none, and one that keeps nothing back", () => {
  for (const fraction of [0, 1, -0.1, NaN]) {
    assertThrows(
      () => split(fraction, { seed: 0 }),
      RangeError,
      `split: fraction must be above 0 and below 1, found ${fraction}`,
    );
  }
  assertThrows(
    () => split(0.1, { seed: 0 })(smallData(9)),
    UsageError,
    "Cannot keep 0.1 of 9 training images for validation: that is less than one image; use more images",
  );
});
