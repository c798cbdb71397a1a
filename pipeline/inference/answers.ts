/** What a network said of labelled images, counted: how many are right, what is taken for what, and how sure it is. */
import type { Evaluation } from "./evaluate.ts";

/** What a network said of some images, beside what they are. */
export interface Answers {
  /** `[n, classes]` in row-major order, each row adding up to 1. */
  readonly probabilities: Float32Array;
  /** What the images are, `[n]`, each below `classes`. */
  readonly labels: ArrayLike<number>;
  /** How many classes there are. */
  readonly classes: number;
}

/** One image's. */
interface Answer {
  /** Its place among the images. */
  readonly image: number;
  /** What it is. */
  readonly label: number;
  /** What it is taken for: the most probable class; of equally probable ones the lower number, as `tf.argMax` has it. */
  readonly guess: number;
  /** Of the guess. */
  readonly confidence: number;
  /** Of what it is. */
  readonly probability: number;
}

/** An answer that is wrong. */
export type Mistake = Answer;

function* each({ probabilities, labels, classes }: Answers): Generator<Answer> {
  for (let image = 0, from = 0; image < labels.length; image++, from += classes) {
    let guess = 0;
    for (let label = 1; label < classes; label++) {
      if (probabilities[from + label] > probabilities[from + guess]) guess = label;
    }
    const label = labels[image];
    const [confidence, probability] = [probabilities[from + guess], probabilities[from + label]];
    yield { image, label, guess, confidence, probability };
  }
}

/** The smallest number above 0 that float32 has: a probability that was rounded to 0 is none. */
const SMALLEST = 2 ** -149;

/**
 * Accuracy and mean cross-entropy: those of `evaluate`.
 * @example
 * ```ts
 * import { evaluationOf } from "@resnet/deno/reports";
 *
 * const answers = { probabilities: Float32Array.of(0.75, 0.25, 0.625, 0.375), labels: [0, 1], classes: 2 };
 * evaluationOf(answers).accuracy; // 0.5: the second is taken for the class 0
 * ```
 */
export function evaluationOf(answers: Answers): Evaluation {
  let [correct, loss] = [0, 0];
  for (const { label, guess, probability } of each(answers)) {
    if (guess === label) correct++;
    loss -= Math.log(Math.max(probability, SMALLEST));
  }
  const images = answers.labels.length;
  return { accuracy: correct / images, correct, images, loss: loss / images };
}

/**
 * What is taken for what.
 * @returns `[classes][classes]`: how many images of the first class are taken for the second.
 * @example
 * ```ts
 * import { confusionMatrix } from "@resnet/deno/reports";
 *
 * const answers = { probabilities: Float32Array.of(0.75, 0.25, 0.625, 0.375), labels: [0, 1], classes: 2 };
 * confusionMatrix(answers); // [[1, 0], [1, 0]]
 * ```
 */
export function confusionMatrix(answers: Answers): number[][] {
  const counts = Array.from({ length: answers.classes }, () => new Array<number>(answers.classes).fill(0));
  for (const { label, guess } of each(answers)) counts[label][guess]++;
  return counts;
}

/** How a class fares. */
export interface ClassResult {
  /** Its number. */
  readonly label: number;
  /** Images of it. */
  readonly images: number;
  /** Of those, how many are taken for it: `correct / images` is the accuracy, or recall, of the class. */
  readonly correct: number;
  /** Images that are taken for it, whatever they are: `correct / guesses` is its precision. */
  readonly guesses: number;
}

/**
 * What a confusion matrix says of each class.
 * @param confusion What `confusionMatrix` gives.
 * @returns By class number.
 * @example
 * ```ts
 * import { classResults } from "@resnet/deno/reports";
 *
 * const [cats] = classResults([[8, 2], [1, 9]]);
 * cats.correct / cats.images; // 0.8: of the cats, those that are taken for cats
 * ```
 */
export function classResults(confusion: readonly (readonly number[])[]): ClassResult[] {
  const sum = (counts: readonly number[]): number => counts.reduce((sum, count) => sum + count, 0);
  return confusion.map((row, label) => ({
    label,
    images: sum(row),
    correct: row[label],
    guesses: sum(confusion.map((row) => row[label])),
  }));
}

/**
 * The answers that are wrong, those that the network is most sure of first.
 * @param count The most to give.
 * @example
 * ```ts
 * import { confidentMistakes } from "@resnet/deno/reports";
 *
 * const answers = { probabilities: Float32Array.of(0.75, 0.25, 0.625, 0.375), labels: [0, 1], classes: 2 };
 * confidentMistakes(answers, 10); // one: { image: 1, label: 1, guess: 0, confidence: 0.625, probability: 0.375 }
 * ```
 */
export function confidentMistakes(answers: Answers, count: number): Mistake[] {
  return [...each(answers)]
    .filter(({ label, guess }) => label !== guess)
    .sort((a, b) => b.confidence - a.confidence || a.image - b.image)
    .slice(0, count);
}

/** Images whose answers are about equally sure. */
export interface ConfidenceBin {
  /** Confidences above this one, or of at least 0 in the first bin, */
  readonly from: number;
  /** and up to this one. */
  readonly to: number;
  /** How many images. */
  readonly images: number;
  /** Their mean confidence; `NaN` if there are none. */
  readonly confidence: number;
  /** The share of them that is right; `NaN` if there are none. */
  readonly accuracy: number;
}

/** Whether a network is as often right as it is sure. */
export interface Calibration {
  /** Bins of equal width from 0 to 1. */
  readonly bins: readonly ConfidenceBin[];
  /** Mean confidence of all answers. */
  readonly confidence: number;
  /** The share of them that is right. */
  readonly accuracy: number;
  /** Expected calibration error: the bins' mean distance of accuracy and confidence, weighted by their images. */
  readonly expectedError: number;
}

/**
 * Holds what a network is sure of against how often it is right.
 * @param bins 15 unless given, as C. Guo et al., "On Calibration of Modern Neural Networks" (2017, arXiv:1706.04599),
 *   whose equations 2 and 3 these are.
 * @example
 * ```ts
 * import { calibration } from "@resnet/deno/reports";
 *
 * const answers = { probabilities: Float32Array.of(0.75, 0.25, 0.625, 0.375), labels: [0, 1], classes: 2 };
 * calibration(answers).expectedError; // (|1 - 0.75| + |0 - 0.625|) / 2
 * ```
 */
export function calibration(answers: Answers, bins = 15): Calibration {
  const counts = Array.from({ length: bins }, () => ({ images: 0, confidence: 0, correct: 0 }));
  for (const { label, guess, confidence } of each(answers)) {
    const bin = counts[Math.min(bins - 1, Math.max(0, Math.ceil(confidence * bins) - 1))];
    bin.images++;
    bin.confidence += confidence;
    if (guess === label) bin.correct++;
  }
  const images = answers.labels.length;
  const total = (of: "confidence" | "correct"): number => counts.reduce((sum, bin) => sum + bin[of], 0);
  return {
    bins: counts.map((bin, i) => ({
      from: i / bins,
      to: (i + 1) / bins,
      images: bin.images,
      confidence: bin.confidence / bin.images,
      accuracy: bin.correct / bin.images,
    })),
    confidence: total("confidence") / images,
    accuracy: total("correct") / images,
    expectedError: counts.reduce((sum, bin) => sum + Math.abs(bin.correct - bin.confidence), 0) / images,
  };
}
