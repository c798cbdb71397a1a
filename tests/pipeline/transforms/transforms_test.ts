import { assertEquals, assertThrows } from "@std/assert";
import { split } from "../../../pipeline/data/split.ts";
import { pipe } from "../../../pipeline/pipe.ts";
import {
  augment,
  CIFAR10_STATS,
  normalize,
  resize,
  TUTORIAL_STATS,
} from "../../../pipeline/transforms/transforms.ts";
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
