/** What a trained network takes the pictures in files for, read ahead while it computes. */
import type { Picture } from "../data/images/picture.ts";
import type { InputPool } from "./input_pool.ts";
import type { Prediction, Predictor } from "./predict.ts";
import {
  type InputAnswer,
  type InputProblem,
  type InputRead,
  nameOf,
  type PictureSource,
} from "./read_inputs.ts";

/** What was found for a picture. */
export interface PicturePrediction extends Pick<Picture, "width" | "height"> {
  /** The picture's file, or the name of its bytes. */
  readonly file: string;
  /** Its most probable classes, the first being what the network takes it for. */
  readonly top: readonly Prediction[];
  /** Milliseconds for this picture: to decode and resize it, and its share of the network's step. */
  readonly ms: number;
  /** The image that the network was shown, `[H, W, C]`. */
  readonly input: Uint8Array;
  /** A copy of the size that was asked for, if one was. */
  readonly preview?: Picture;
}

/** A picture that could not be read, and why. */
export interface UnreadPicture extends InputProblem {
  readonly file: string;
}

/** How to go through the pictures. */
export interface PicturesOptions {
  /** Pictures of a step; 64 unless given. */
  readonly batchSize?: number;
  /** Pictures that a thread reads at a time; 16 unless given. */
  readonly chunk?: number;
  /** A clock in milliseconds; the process' own unless given. */
  readonly now?: () => number;
}

/**
 * Predicts pictures in their order, a batch as soon as it is read. Reading is ahead of the network by a batch and by what the
 * threads are at, so that however many pictures there are the memory is that of a few batches.
 *
 * @param sources Gone through once, as far as they are needed.
 * @param pool Reads images of the shape that the predictor's network takes; not closed.
 * @throws As `Predictor.predict` does.
 */
export async function* predictPictures(
  sources: Iterable<PictureSource>,
  { predict }: Pick<Predictor, "predict">,
  pool: Pick<InputPool, "read" | "threads">,
  { batchSize = 64, chunk = 16, now = () => performance.now() }: PicturesOptions = {},
): AsyncGenerator<PicturePrediction | UnreadPicture, void, void> {
  const ahead: Chunk[] = [];
  const most = Math.ceil(batchSize / chunk) + 2 * pool.threads;
  const chunks = inChunks(sources, chunk);
  const readAhead = (): void => {
    while (ahead.length < Math.max(1, most)) {
      const { value, done } = chunks.next();
      if (done) return;
      const answer = pool.read(value);
      answer.catch(() => {}); // whoever awaits it hears
      ahead.push({ names: value.map(nameOf), answer });
    }
  };
  let batch: Read[] = [];
  let pictures = 0;
  for (readAhead(); ahead.length > 0; readAhead()) {
    const { names, answer } = ahead.shift()!;
    const { inputs, results } = await answer;
    const length = inputs.length / names.length;
    for (const [i, result] of results.entries()) {
      batch.push({ file: names[i], result, input: inputs.subarray(i * length, (i + 1) * length) });
      if ("ms" in result) pictures++;
      if (pictures < batchSize) continue;
      readAhead();
      yield* predicted(batch, predict, now);
      [batch, pictures] = [[], 0];
    }
  }
  yield* predicted(batch, predict, now);
}

/** Pictures that are read together. */
interface Chunk {
  readonly names: readonly string[];
  readonly answer: Promise<InputAnswer>;
}

/** A picture that was read, or not. */
interface Read {
  readonly file: string;
  readonly input: Uint8Array;
  readonly result: InputRead | InputProblem;
}

function* predicted(
  batch: readonly Read[],
  predict: Predictor["predict"],
  now: () => number,
): Generator<PicturePrediction | UnreadPicture, void, void> {
  const inputs = batch.flatMap(({ input, result }) => "ms" in result ? [input] : []);
  const start = now();
  const found = inputs.length === 0 ? [] : predict(joined(inputs));
  const share = (now() - start) / inputs.length;
  let at = 0;
  for (const { file, input, result } of batch) {
    if ("problem" in result) yield { file, problem: result.problem };
    else yield { ...result, file, input, top: found[at++], ms: result.ms + share };
  }
}

function joined(inputs: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(inputs.length * inputs[0].length);
  inputs.forEach((input, i) => all.set(input, i * input.length));
  return all;
}

function* inChunks<T>(items: Iterable<T>, size: number): Generator<T[], void, void> {
  let chunk: T[] = [];
  for (const item of items) {
    chunk.push(item);
    if (chunk.length < size) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}
