/** What a network says of all images of a data set. */
import { type Progress, silent } from "../../runtime/system/progress.ts";
import type { Dataset } from "../data/dataset.ts";
import type { Answers } from "./answers.ts";
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
