import { assertAlmostEquals, assertEquals } from "@std/assert";
import {
  bilinearTaps,
  roundsInFloat32,
  splitCoefficients,
  type Tap,
} from "../../../../pipeline/data/images/interpolation.ts";
import pillow from "../../../data/pillow_resize.json" with { type: "json" };

/** The weights of one output position, by input position. */
function weightsAt(taps: readonly Tap[], out: number): Record<number, number> {
  const used = taps.filter(({ weights }) => weights[out] > 0);
  return Object.fromEntries(used.map(({ indices, weights }) => [indices[out], weights[out]]));
}

Deno.test("bilinearTaps by hand: 2 to 4", () => {
  const taps = bilinearTaps(2, 4);
  // Output centres lie at 0.25, 0.75, 1.25, 1.75 and input centres at 0.5, 1.5.
  assertEquals([0, 1, 2, 3].map((out) => weightsAt(taps, out)), [
    { 0: 1 },
    { 0: 0.75, 1: 0.25 },
    { 0: 0.25, 1: 0.75 },
    { 1: 1 },
  ]);
});

Deno.test("bilinearTaps by hand: 4 to 2 widens the filter over four pixels", () => {
  const taps = bilinearTaps(4, 2);
  // Triangle of half-width 2 about 1: the pixels at 0.5, 1.5, 2.5 weigh 0.75, 0.75, 0.25 of 1.75.
  const first = weightsAt(taps, 0);
  assertAlmostEquals(first[0], 3 / 7);
  assertAlmostEquals(first[1], 3 / 7);
  assertAlmostEquals(first[2], 1 / 7);
  assertEquals(Object.keys(weightsAt(taps, 1)), ["1", "2", "3"]);
});

Deno.test("bilinearTaps adds up to 1 and stays inside, for many sizes", () => {
  for (const from of [1, 2, 5, 32]) {
    for (const to of [1, 3, 7, 31, 32, 33, 224]) {
      const taps = bilinearTaps(from, to);
      for (let out = 0; out < to; out++) {
        assertAlmostEquals(taps.reduce((sum, { weights }) => sum + weights[out], 0), 1, 1e-12);
      }
      for (const { indices } of taps) {
        assertEquals(indices.every((index) => index >= 0 && index < from), true);
      }
    }
  }
});

Deno.test("bilinearTaps to the same size is the identity", () => {
  const taps = bilinearTaps(5, 5);
  assertEquals([0, 1, 2, 3, 4].map((out) => weightsAt(taps, out)), [{ 0: 1 }, { 1: 1 }, { 2: 1 }, { 3: 1 }, {
    4: 1,
  }]);
});

/** One pass over rows of `channels`-wide pixels, with Pillow's integers, from the halves of the coefficients. */
function pass(rows: number[][][], size: number): number[][][] {
  const taps = bilinearTaps(rows[0].length, size);
  const halves = taps.map(({ weights }) => splitCoefficients(weights));
  return rows.map((row) =>
    Array.from({ length: size }, (_, out) =>
      [0, 1, 2].map((channel) => {
        const sum = taps.reduce((sum, { indices }, tap) => {
          const coefficient = halves[tap].high[out] * 2 ** 11 + halves[tap].low[out];
          return sum + row[indices[out]][channel] * coefficient;
        }, 2 ** 21);
        return Math.floor(sum / 2 ** 22);
      }))
  );
}

const transpose = (rows: number[][][]) => rows[0].map((_, column) => rows.map((row) => row[column]));

for (const { height, width, size, image, resized } of pillow.cases) {
  Deno.test(`splitCoefficients gives Pillow's bytes from ${height} x ${width} to ${size} x ${size}`, () => {
    const bytes = Uint8Array.fromBase64(image);
    const rows = Array.from(
      { length: height },
      (_, y) =>
        Array.from(
          { length: width },
          (_, x) => [...bytes.subarray((y * width + x) * 3, (y * width + x + 1) * 3)],
        ),
    );
    const result = transpose(pass(transpose(pass(rows, size)), size));
    assertEquals(result.flat(2), [...Uint8Array.fromBase64(resized)]);
  });
}

Deno.test("roundsInFloat32 is true for sevenths, false for halves, quarters, twelfths and more than two taps", () => {
  assertEquals([224, 96].map((to) => roundsInFloat32(bilinearTaps(32, to))), [true, true]);
  assertEquals([64, 128, 192, 16].map((to) => roundsInFloat32(bilinearTaps(32, to))), [
    false,
    false,
    false,
    false,
  ]);
});
