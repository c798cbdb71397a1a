/** Answers of a file and those that it should give, compared by hand. */
import { assertEquals, assertThrows } from "@std/assert";
import { UserError } from "../../../runtime/system/errors.ts";
import { checkAnswers, compareAnswers, comparisonText } from "../../../scripts/cli/export_check.ts";

const rows = (...values: number[]): Float32Array => Float32Array.from(values);

Deno.test("compareAnswers: images, those with the same class in front, the largest difference", () => {
  const expected = rows(1, 2, 3, 9, 8, 7);
  assertEquals(compareAnswers(expected, expected, 3), { images: 2, same: 2, largest: 0 });
  const found = rows(1, 2.5, 3, 9, 9.25, 7);
  const comparison = compareAnswers(found, expected, 3);
  assertEquals(comparison, { images: 2, same: 1, largest: 1.25 });
  assertEquals(
    comparisonText(comparison),
    "checked on 2 images, same answer on 1, largest difference 1.3e+00",
  );
  assertEquals(
    comparisonText({ images: 200, same: 200, largest: 1.1e-5 }, "images of noise"),
    "checked on 200 images of noise, same answer on 200, largest difference 1.1e-05",
  );
});

Deno.test("compareAnswers: numbers that are none, and too few of them, are infinitely far", () => {
  assertEquals(compareAnswers(rows(NaN, 1), rows(2, 1), 2).largest, NaN);
  assertEquals(compareAnswers(rows(2), rows(2, 1), 2).largest, Infinity);
});

Deno.test("checkAnswers: a part of the largest number, no more", () => {
  const expected = rows(-200, 100);
  const check = (largest: number) => checkAnswers("a.onnx", { images: 1, same: 1, largest }, expected, 1e-3);
  check(0.2);
  assertThrows(
    () => check(0.21),
    UserError,
    "Cannot vouch for a.onnx: checked on 1 images, same answer on 1, largest difference 2.1e-01, " +
      "of numbers up to 2.0e+2; this is a fault of the program, report it with the run's recipe",
  );
  assertThrows(() => check(NaN), UserError);
});
