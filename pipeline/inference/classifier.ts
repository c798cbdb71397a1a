/** Pictures that come one by one, read on threads and predicted in batches. */
import { batchQueue, type QueueOptions } from "./batch_queue.ts";
import type { PictureInput } from "../data/picture_input.ts";
import type { PicturePool } from "../data/picture_pool.ts";
import type { Prediction, Predictor } from "./predict.ts";
import { RefusedError, type SentPicture } from "./request_pictures.ts";
import type { Classified } from "./service.ts";

/**
 * Predicts pictures as they come, those that come together in one step.
 *
 * @param pool Reads images of the shape that the predictor's network takes.
 * @param onBatch Told of the size of each batch.
 * @returns Throws a `RefusedError` for a picture that cannot be decoded.
 */
export function classifier(
  { predict }: Pick<Predictor, "predict">,
  pool: Pick<PicturePool<PictureInput>, "read">,
  options: Omit<QueueOptions, "onTheWay">,
  onBatch: (size: number) => void = () => {},
): (picture: SentPicture) => Promise<Classified> {
  let reading = 0;
  const queue = batchQueue((inputs: readonly Uint8Array[]): Prediction[][] => {
    onBatch(inputs.length);
    const all = new Uint8Array(inputs.length * inputs[0].length);
    inputs.forEach((input, i) => all.set(input, i * input.length));
    return predict(all);
  }, { ...options, onTheWay: () => reading });
  return async ({ name, bytes }) => {
    reading++;
    const found = await pool.read({ name: name || "the picture", bytes }).finally(() => reading--);
    if ("problem" in found) throw new RefusedError("damaged", found.problem);
    const { width, height, input } = found;
    return { width, height, top: await queue.push(input) };
  };
}
