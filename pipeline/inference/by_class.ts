/** How good a network is at each class. */
import type { Dataset } from "../data/dataset.ts";
import { predictor, type PredictorOptions, type TrainedModel } from "./predict.ts";

/** What came of the images of one class. */
export interface ClassResult {
  /** Its name. */
  readonly name: string;
  /** How many of its images were taken for it. */
  readonly correct: number;
  /** Of how many. */
  readonly images: number;
}

/**
 * Counts for each class of a data set how many of its images the network takes for it, with running statistics.
 * @param trained Not disposed.
 * @returns By class number.
 * @throws As `predict` does.
 */
export function classResults(
  { model, variables }: Pick<TrainedModel, "model" | "variables">,
  dataset: Dataset,
  options: Omit<PredictorOptions, "top"> = {},
): ClassResult[] {
  const { labels, indices, classes } = dataset;
  const results = classes.map((name) => ({ name, correct: 0, images: 0 }));
  const { predict, dispose } = predictor({ ...dataset, model, variables }, { ...options, top: 1 });
  try {
    predict(dataset).forEach(([best], i) => {
      const label = labels[indices[i]];
      results[label].images++;
      if (best.label === label) results[label].correct++;
    });
  } finally {
    dispose();
  }
  return results;
}
