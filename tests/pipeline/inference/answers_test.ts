/** What a network said, counted by hand. */
import { assertAlmostEquals, assertEquals } from "@std/assert";
import {
  type Answers,
  calibration,
  classResults,
  confidentMistakes,
  confusionMatrix,
  evaluationOf,
} from "../../../pipeline/inference/answers.ts";

/** Six images of three classes; the third is a draw, which the lower number wins. */
const answers: Answers = {
  probabilities: Float32Array.of(
    ...[0.75, 0.125, 0.125],
    ...[0.25, 0.625, 0.125],
    ...[0.25, 0.375, 0.375],
    ...[0.125, 0.75, 0.125],
    ...[0.5, 0.25, 0.25],
    ...[0, 0.0625, 0.9375],
  ),
  labels: [0, 0, 2, 1, 2, 2],
  classes: 3,
};

Deno.test("evaluationOf: right ones and the mean of -log p", () => {
  const { loss, ...counts } = evaluationOf(answers);
  assertEquals(counts, { accuracy: 0.5, correct: 3, images: 6 });
  // The product of the truths' probabilities: 0.75 * 0.25 * 0.375 * 0.75 * 0.25 * 0.9375.
  assertAlmostEquals(loss, -Math.log(0.01235961914) / 6, 1e-9);
});

Deno.test("evaluationOf: a probability that float32 rounded to 0 is the smallest that it has", () => {
  const { loss } = evaluationOf({ probabilities: Float32Array.of(1, 0), labels: [1], classes: 2 });
  assertAlmostEquals(loss, 149 * Math.LN2, 1e-12);
});

Deno.test("confusionMatrix, classResults: rows are what images are, columns what they are taken for", () => {
  const matrix = confusionMatrix(answers);
  assertEquals(matrix, [[1, 1, 0], [0, 1, 0], [1, 1, 1]]);
  assertEquals(classResults(matrix), [
    { label: 0, images: 2, correct: 1, guesses: 2 },
    { label: 1, images: 1, correct: 1, guesses: 3 },
    { label: 2, images: 3, correct: 1, guesses: 1 },
  ]);
});

Deno.test("confidentMistakes: the surest first, no more than asked for", () => {
  const all = [
    { image: 1, label: 0, guess: 1, confidence: 0.625, probability: 0.25 },
    { image: 4, label: 2, guess: 0, confidence: 0.5, probability: 0.25 },
    { image: 2, label: 2, guess: 1, confidence: 0.375, probability: 0.375 },
  ];
  assertEquals(confidentMistakes(answers, 9), all);
  assertEquals(confidentMistakes(answers, 2), all.slice(0, 2));
});

Deno.test("calibration: bins are open below and closed above; the error is weighted by their images", () => {
  const { bins, ...rest } = calibration(answers, 4);
  assertEquals(bins, [
    { from: 0, to: 0.25, images: 0, confidence: NaN, accuracy: NaN },
    { from: 0.25, to: 0.5, images: 2, confidence: 0.4375, accuracy: 0 }, // 0.375, 0.5: both wrong
    { from: 0.5, to: 0.75, images: 3, confidence: 2.125 / 3, accuracy: 2 / 3 }, // 0.75, 0.625, 0.75: one wrong
    { from: 0.75, to: 1, images: 1, confidence: 0.9375, accuracy: 1 },
  ]);
  // (2 * 0.4375 + 3 * |2/3 - 2.125/3| + 0.0625) / 6
  assertEquals(rest, { confidence: 3.9375 / 6, accuracy: 0.5, expectedError: (0.875 + 0.125 + 0.0625) / 6 });
});

Deno.test("calibration: 15 bins; of one class the surest answer is in the last", () => {
  const { bins, expectedError } = calibration({
    probabilities: Float32Array.of(1, 1),
    labels: [0, 0],
    classes: 1,
  });
  assertEquals([bins.length, bins[14].images, expectedError], [15, 2, 0]);
});
