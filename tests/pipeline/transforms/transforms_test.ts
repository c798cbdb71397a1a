import { assertEquals, assertThrows } from "@std/assert";
import { batches } from "../../../pipeline/data/batches.ts";
import { type Crop, type Data, outputShape, type Transform } from "../../../pipeline/data/dataset.ts";
import { split } from "../../../pipeline/data/split.ts";
import { pipe } from "../../../pipeline/pipe.ts";
import {
  augment,
  CIFAR10_STATS,
  crop,
  normalize,
  resize,
  stepSchema,
  transform,
  transformSchema,
  TUTORIAL_STATS,
} from "../../../pipeline/transforms/transforms.ts";
import { check } from "../../../runtime/system/schema.ts";
import { smallData } from "../small_data.ts";

Deno.test("resize and normalize are added to every part, in order", () => {
  const data = pipe(
    smallData(10),
    split(0.2, { seed: 1 }),
    resize(8, { quantize: true }),
    normalize(TUTORIAL_STATS),
  );
  const expected = [
    { kind: "resize", size: 8, quantize: true },
    { kind: "normalize", mean: [0.4914, 0.4822, 0.4465], std: [0.2023, 0.1994, 0.2010] },
  ];
  for (const part of [data.train, data.validation, data.test]) {
    assertEquals<unknown>(part?.transforms, expected);
  }
});

Deno.test("resize does not round unless asked to", () => {
  assertEquals(resize(8)(smallData(1)).train.transforms, [{ kind: "resize", size: 8, quantize: false }]);
});

Deno.test("augment is added to the training images only, with zero padding unless told otherwise", () => {
  const data = pipe(smallData(10), split(0.2, { seed: 1 }), augment({ flip: true, crop: 2 }));
  assertEquals(data.train.transforms, [{ kind: "augment", flip: true, crop: 2, padding: "zero" }]);
  assertEquals([data.validation?.transforms, data.test?.transforms], [[], []]);
});

Deno.test("transforms leave the data that they are given as it is", () => {
  const data = smallData(2);
  pipe(data, resize(8), normalize(CIFAR10_STATS), augment({ flip: true, crop: 1 }));
  assertEquals([data.train.transforms, data.test?.transforms], [[], []]);
});

Deno.test("resize refuses a size that is no positive integer", () => {
  for (const size of [0, -1, 1.5, NaN]) {
    assertThrows(() => resize(size), RangeError, `resize: size must be a positive integer, found ${size}`);
  }
});

Deno.test("resize refuses to round normalised values", () => {
  assertThrows(
    () => pipe(smallData(1), normalize(CIFAR10_STATS), resize(8, { quantize: true })),
    TypeError,
    "resize: quantize needs pixel values 0 to 255; put resize before normalize",
  );
});

Deno.test("normalize refuses another number of channels, a second time, and a deviation of zero", () => {
  assertThrows(
    () => normalize({ mean: [0.5], std: [0.5] })(smallData(1)),
    TypeError,
    "normalize: 1 means and 1 deviations for images of 3 channels",
  );
  assertThrows(
    () => pipe(smallData(1), normalize(CIFAR10_STATS), normalize(CIFAR10_STATS)),
    TypeError,
    "normalize: the images are normalised already",
  );
  assertThrows(
    () => normalize({ mean: [0, 0, 0], std: [1, 0, 1] }),
    RangeError,
    "normalize: std must be above 0, found 0 for channel 1",
  );
});

Deno.test("augment refuses a crop that is no integer, and reflection past the image", () => {
  assertThrows(
    () => augment({ flip: false, crop: -1 }),
    RangeError,
    "augment: crop must be an integer from 0, found -1",
  );
  const reflected = (crop: number) => augment({ flip: false, crop, padding: "reflect" });
  assertThrows(
    () => reflected(4)(smallData(1)),
    RangeError,
    "augment: crop 4 with reflected padding needs images larger than 4 pixels, found 4 x 4",
  );
  reflected(3)(smallData(1));
  pipe(smallData(1), resize(5), reflected(4)); // the resized image counts
});

/** A step of each kind, as data and by the function of its name. */
const STEPS: readonly [step: Transform, byHand: (data: Data) => Data][] = [
  [{ kind: "resize", size: 8, quantize: true }, resize(8, { quantize: true })],
  [{ kind: "resize", size: 9, quantize: false }, resize(9)],
  [{ kind: "normalize", ...CIFAR10_STATS }, normalize(CIFAR10_STATS)],
  [{ kind: "augment", flip: true, crop: 0, padding: "zero" }, augment({ flip: true, crop: 0 })],
  [
    { kind: "augment", flip: "alternate", crop: 2, padding: "reflect" },
    augment({ flip: "alternate", crop: 2, padding: "reflect" }),
  ],
];

Deno.test("transform: a step given as data is what the function of its name makes", () => {
  const data = split(0.2, { seed: 1 })(smallData(10));
  for (const [step, byHand] of STEPS) {
    const done = transform(step)(data);
    assertEquals(done.train.transforms, [step]);
    assertEquals(done, byHand(data));
  }
});

Deno.test("transform refuses what the functions refuse", () => {
  assertThrows(
    () => transform({ kind: "resize", size: 1.5, quantize: false }),
    RangeError,
    "resize: size must be a positive integer, found 1.5",
  );
  assertThrows(
    () => transform({ kind: "normalize", mean: [0], std: [0] }),
    RangeError,
    "normalize: std must be above 0, found 0 for channel 0",
  );
  assertThrows(
    () => transform({ kind: "augment", flip: true, crop: 4, padding: "reflect" })(smallData(1)),
    RangeError,
    "augment: crop 4 with reflected padding needs images larger than 4 pixels, found 4 x 4",
  );
});

Deno.test("transformSchema takes a step of each kind as it is", () => {
  for (const [step] of STEPS) {
    const read = check(transformSchema, JSON.parse(JSON.stringify(step)), (problem) => new Error(problem));
    assertEquals(read, step);
    assertEquals(JSON.stringify(read), JSON.stringify(step));
  }
});

Deno.test("transformSchema: what is no step, by its field", () => {
  const [resized, , normalized, augmented] = STEPS.map(([step]) => step);
  const kinds = "expected one of resize, normalize, augment";
  const cases: [step: unknown, problem: string][] = [
    ["resize", 'it is "resize": expected an object with a kind'],
    [[resized], "it is a list of 1: expected an object with a kind"],
    [{ size: 8 }, `kind is missing: ${kinds}`],
    [{ kind: "flip" }, `kind is "flip": ${kinds}`],
    [{ kind: "normalise" }, `kind is "normalise": did you mean "normalize"? ${kinds}`],
    [{ kind: "resize", size: 8 }, "quantize is missing"],
    [{ ...resized, size: -8 }, "size is -8: expected a whole number of at least 1"],
    [{ ...resized, crop: 1 }, "crop is not a field: there are kind, size, quantize"],
    [{ ...normalized, std: [0.2, 0.2, -0.2] }, "std.2 is -0.2: expected a number above 0"],
    [{ ...normalized, mean: 0.5 }, "mean is 0.5: expected a list of at least 1"],
    [{ ...augmented, flip: "always" }, 'flip is "always": expected true, false or "alternate"'],
    [{ ...augmented, crop: 0.5 }, "crop is 0.5: expected a whole number of at least 0"],
    [{ ...augmented, padding: "mirror" }, 'padding is "mirror": expected one of zero, reflect'],
  ];
  for (const [step, problem] of cases) {
    const fail = (problem: string) => new Error(problem);
    assertEquals(assertThrows(() => check(transformSchema, step, fail), Error).message, problem);
  }
});

const CROP: Crop = {
  kind: "crop",
  size: 3,
  shorter: 4,
  scale: [0.35, 1],
  ratio: [0.75, 1.25],
  augment: "trivialAugment",
};

Deno.test("crop: training images at random, the others their middle; what comes after sees its size", () => {
  const data = pipe(smallData(10), crop(CROP), split(0.2, { seed: 1 }), augment({ flip: true, crop: 2 }));
  const { images, imageShape } = smallData(10).train;
  const source = { kind: "stored", images, imageShape } as const;
  const view = { size: 3, shorter: 4 };
  const random = { scale: [0.35, 1], ratio: [0.75, 1.25], change: true } as const;
  assertEquals(data.train.pictures, { source, view, random });
  assertEquals(data.validation?.pictures, { source, view });
  assertEquals(data.test?.pictures?.random, undefined);
  for (const part of [data.train, data.validation!, data.test!]) {
    assertEquals(part.imageShape, [3, 3, 3]);
    assertEquals(part.images.length, 0);
    assertEquals(outputShape(part), [3, 3, 3]);
  }
  assertEquals(outputShape({ imageShape: [32, 48, 3], transforms: [CROP] }), [3, 3, 3]);
  assertEquals(transform(CROP)(smallData(10)).train, crop(CROP)(smallData(10)).train);
  const second = crop({ ...CROP, size: 2, augment: "none" })(
    data.validation ? { train: data.validation } : data,
  );
  assertEquals(second.train.pictures, {
    source,
    view: { size: 2, shorter: 4 },
    random: { ...random, change: false },
  });
});

Deno.test("crop: images are a function of seed, epoch and place, and in evaluation of the place alone", () => {
  const { train } = crop(CROP)(smallData(10));
  const bytes = (seed: number, epoch: number): string => {
    const [batch] = batches(train, 10, { turn: { seed, epoch } });
    return batch.images.join();
  };
  assertEquals(bytes(1, 2), bytes(1, 2));
  assertEquals(new Set([bytes(1, 2), bytes(1, 3), bytes(2, 2)]).size, 3);
  const [reversed] = batches(train, 10, {
    order: Uint32Array.from({ length: 10 }, (_, i) => 9 - i),
    turn: { seed: 1, epoch: 2 },
  });
  assertEquals(reversed.images.slice(-27).join(), bytes(1, 2).split(",").slice(0, 27).join());
  // Of 4 x 4 pixels the shorter side is 4 already; half of 1 is rounded to 0.
  const [{ images }] = batches(train, 10);
  const stored = smallData(10).train.images;
  assertEquals(images.subarray(0, 9), stored.subarray(0, 9));
  assertEquals(images.subarray(9, 18), stored.subarray(12, 21));
});

Deno.test("crop refuses sizes and ranges that are none, a place that is not the first, and pictures kept too small", () => {
  const cases: [cfg: Partial<Crop>, problem: string][] = [
    [{ size: 0 }, "crop: size must be a positive integer, found 0"],
    [{ shorter: 2.5 }, "crop: shorter must be a positive integer, found 2.5"],
    [{ shorter: 2 }, "crop: shorter must be at least size, 3, found 2"],
    [{ scale: [0, 1] }, "crop: scale must be two numbers above 0, the smaller first, found 0, 1"],
    [{ scale: [0.5, 1.5] }, "crop: scale must be two numbers above 0, the smaller first, found 0.5, 1.5"],
    [{ ratio: [2, 1] }, "crop: ratio must be two numbers above 0, the smaller first, found 2, 1"],
  ];
  for (const [cfg, problem] of cases) {
    assertThrows(() => crop({ ...CROP, ...cfg }), RangeError, problem);
  }
  assertThrows(
    () => pipe(smallData(2), resize(8), crop(CROP)),
    TypeError,
    "crop: it comes first, found resize before",
  );
  const { train } = crop(CROP)(smallData(2));
  const none = new Int32Array();
  const kept = { chunks: [], chunk: none, start: none, width: none, height: none };
  const source = { kind: "files", files: [], digests: [], keep: 3, maxPixels: 1, kept } as const;
  assertThrows(
    () => crop(CROP)({ train: { ...train, pictures: { source, view: train.pictures!.view } } }),
    TypeError,
    "crop: shorter is 4, but the pictures are kept with 3; load them with keep: 4",
  );
});

Deno.test("stepSchema: a crop as it is, and what is none", () => {
  const read = (step: unknown) => check(stepSchema, step, (problem) => new Error(problem));
  assertEquals(read(JSON.parse(JSON.stringify(CROP))), CROP);
  for (const [step] of STEPS) assertEquals(read(step), step);
  for (const scale of [[0.5], [0, 1], [0.9, 0.1], [0.5, 2], "all"]) {
    assertThrows(() => read({ ...CROP, scale }), Error, "expected two numbers above 0, the smaller first");
  }
});
