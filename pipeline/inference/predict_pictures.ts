/** What a trained network takes the pictures in files for, read ahead while it computes. */
import type { NamedPicture } from "../data/picture_bytes.ts";
import type { PictureInput } from "../data/picture_input.ts";
import { type Found, type PicturePool, readAll } from "../data/picture_pool.ts";
import type { PictureProblem } from "../data/picture_thread.ts";
import type { Prediction, Predictor } from "./predict.ts";

/** What was found for a picture. */
export interface PicturePrediction extends PictureInput {
  /** The picture's file, or the name of its bytes. */
  readonly file: string;
  /** Its most probable classes, the first being what the network takes it for. */
  readonly top: readonly Prediction[];
  /** Milliseconds for this picture: to decode and resize it, and its share of the network's step. */
  readonly ms: number;
}

/** A picture that could not be read, and why. */
export interface UnreadPicture extends PictureProblem {
  readonly file: string;
}

/** How to go through the pictures. */
export interface PicturesOptions {
  /** Pictures of a step; 64 unless given. */
  readonly batchSize?: number;
  /** A clock in milliseconds; the process' own unless given. */
  readonly now?: () => number;
}

/**
 * Predicts pictures in their order, a batch as soon as it is read. Reading is ahead of the network by two batches and by what
 * the threads are at, so that however many pictures there are the memory is that of a few batches.
 *
 * @param pictures Gone through once, as far as they are needed.
 * @param pool Reads images of the shape that the predictor's network takes; not closed.
 * @throws As `Predictor.predict` does.
 */
export async function* predictPictures(
  pictures: Iterable<NamedPicture>,
  { predict }: Pick<Predictor, "predict">,
  pool: Pick<PicturePool<PictureInput>, "read" | "threads">,
  { batchSize = 64, now = () => performance.now() }: PicturesOptions = {},
): AsyncGenerator<PicturePrediction | UnreadPicture, void, void> {
  let batch: Found<PictureInput>[] = [];
  let good = 0;
  for await (const one of readAll(pictures, pool, 2 * batchSize + 2 * pool.threads)) {
    batch.push(one);
    if ("input" in one.found) good++;
    if (good < batchSize) continue;
    yield* predicted(batch, predict, now);
    [batch, good] = [[], 0];
  }
  yield* predicted(batch, predict, now);
}

function* predicted(
  batch: readonly Found<PictureInput>[],
  predict: Predictor["predict"],
  now: () => number,
): Generator<PicturePrediction | UnreadPicture, void, void> {
  const inputs = batch.flatMap(({ found }) => "input" in found ? [found.input] : []);
  const start = now();
  const predictions = inputs.length === 0 ? [] : predict(joined(inputs));
  const share = (now() - start) / inputs.length;
  let at = 0;
  for (const { name, found } of batch) {
    if ("problem" in found) yield { file: name, problem: found.problem };
    else yield { ...found, file: name, top: predictions[at++], ms: found.ms + share };
  }
}

function joined(inputs: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(inputs.length * inputs[0].length);
  inputs.forEach((input, i) => all.set(input, i * input.length));
  return all;
}
