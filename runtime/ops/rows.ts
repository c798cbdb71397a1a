/** Some rows of a batch, where others have the rest of it. */
import * as tfjs from "@tensorflow/tfjs";

/** Which rows of a batch a tensor holds, where others hold the rest of it. */
export interface Rows {
  /** The place of the first in the batch. */
  readonly from: number;
  /** How many the batch has. */
  readonly of: number;
}

/**
 * What is drawn for some rows of a batch: the same as in the draw for all of it.
 * @param shape Of the rows.
 * @param rows Which they are; all of the batch unless given.
 * @param draw Gives the draws for a batch of that shape.
 */
export function drawRows(
  shape: readonly number[],
  rows: Rows | undefined,
  draw: (shape: readonly number[]) => tfjs.Tensor,
): tfjs.Tensor {
  if (rows === undefined) return draw(shape);
  const rest = shape.slice(1);
  return tfjs.tidy(() => tfjs.slice(draw([rows.of, ...rest]), [rows.from, ...rest.map(() => 0)], [...shape]));
}
