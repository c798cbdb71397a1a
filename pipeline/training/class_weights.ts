/** How much an image of each class counts in the loss. */
import * as v from "valibot";
import { UsageError } from "../../runtime/system/errors.ts";
import { list, mismatch, number, type Schema } from "../../runtime/system/schema.ts";
import { quote } from "../../runtime/system/texts.ts";
import { classCounts, type Dataset } from "../data/dataset.ts";

/** One weight a class, above 0, by class number; or `balanced`, which makes them of the counts of the training images. */
export type ClassWeights = "balanced" | readonly number[];

/** What they look like in a file. */
export const classWeightsSchema: Schema<ClassWeights> = v.union(
  [v.literal("balanced"), list(number({ above: 0 }))],
  ({ input }) => mismatch(input, '"balanced", or a list of one number a class'),
);

/**
 * The weights of the classes of a data set, `[C]`; nothing where the settings have none.
 *
 * Balanced ones are n / (C * count), with n images of C classes, so that each class counts as much as any other, and an
 * image as much as before in the mean: scikit-learn's `compute_class_weight("balanced")`, after G. King and L. Zeng,
 * "Logistic Regression in Rare Events Data" (2001).
 *
 * @throws {UsageError} If there is not one weight a class, or a class without images is to be balanced.
 */
export function classWeightsOf(
  { classWeights }: { readonly classWeights?: ClassWeights },
  dataset: Dataset,
): readonly number[] | undefined {
  if (classWeights === undefined) return undefined;
  const { classes, indices } = dataset;
  if (classWeights !== "balanced") {
    if (classWeights.length === classes.length) return classWeights;
    throw new UsageError(
      `Cannot train: classWeights has ${classWeights.length} numbers, ` +
        `the training images are of ${classes.length} classes; give one a class`,
    );
  }
  const counts = classCounts(dataset);
  const missing = counts.indexOf(0);
  if (missing >= 0) {
    throw new UsageError(
      `Cannot balance the classes: no training image is of the class ${quote(classes[missing])}; ` +
        "train on images of all classes, or give the weights as numbers, classWeights in a recipe's file",
    );
  }
  return counts.map((count) => indices.length / (classes.length * count));
}
