/** What a network says of all images of a data set, and how good it is at each class. */
import { type Progress, silent } from "../../runtime/system/progress.ts";
import type { Dataset } from "../data/dataset.ts";
import { type Answers, classResults, confusionMatrix } from "./answers.ts";
import { predictor, type PredictorOptions, type TrainedModel } from "./predict.ts";

/** How to ask. */
export interface AskOptions extends Omit<PredictorOptions, "top"> {
  /** Shows how far it is; nothing unless given. */
  readonly progress?: Progress;
}

/** Steps of images between two looks at how far it is. */
const STEPS_AT_ONCE = 4;

/**
 * What a network says of all members of a data set, with running statistics.
 * @param trained Its weights and transforms; not disposed.
 * @throws As `predict` does.
 */
export function answersOf(
  trained: TrainedModel,
  dataset: Dataset,
  { progress = silent, batchSize = 128, ...options }: AskOptions = {},
): Answers {
  const { indices, labels } = dataset;
  const [classes] = trained.model.output.shape;
  const probabilities = new Float32Array(indices.length * classes);
  const { probabilities: probabilitiesOf, dispose } = predictor(trained, { ...options, batchSize });
  const bar = progress.start("Looking at images", indices.length, "images");
  try {
    const chunk = STEPS_AT_ONCE * batchSize;
    for (let from = 0; from < indices.length; from += chunk) {
      const found = probabilitiesOf({ ...dataset, indices: indices.subarray(from, from + chunk) });
      probabilities.set(found.dataSync<"float32">(), from * classes);
      found.dispose();
      bar.update(Math.min(from + chunk, indices.length));
    }
  } finally {
    bar.stop();
    dispose();
  }
  return { probabilities, labels: Array.from(indices, (index) => labels[index]), classes };
}

/** What came of the images of one class. */
export interface ClassAccuracy {
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
export function accuracyByClass(
  { model, variables }: Pick<TrainedModel, "model" | "variables">,
  dataset: Dataset,
  options: AskOptions = {},
): ClassAccuracy[] {
  const results = classResults(
    confusionMatrix(answersOf({ ...dataset, model, variables }, dataset, options)),
  );
  return dataset.classes.map((name, label) => {
    const { correct, images } = results[label];
    return { name, correct, images };
  });
}
