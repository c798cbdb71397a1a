/** Threads that read pictures while others work. */
import { UserError } from "../../runtime/system/errors.ts";
import { type NamedPicture, nameOf } from "./picture_bytes.ts";
import {
  type Job,
  type JobOptions,
  type JobResults,
  type PictureProblem,
  pictureWorker,
  readAs,
  type Request,
} from "./picture_thread.ts";

/** What reads pictures. */
export interface PicturePool<R> {
  /** How many threads there are; none if pictures are read on this one. */
  readonly threads: number;
  /**
   * Reads a picture. What is asked for first is begun first.
   * @returns What was made of it, or what is wrong with it.
   * @throws {UserError} If a thread has ended.
   */
  read(picture: NamedPicture): Promise<R | PictureProblem>;
  /** Ends the threads; what is not read by then never is. */
  close(): void;
}

/** How pictures are read. */
export interface PoolOptions {
  /** Threads; with 0 this one reads. */
  readonly threads: number;
  /** Pictures that a thread is given at a time, for while nobody gives it more; 2 unless given. */
  readonly ahead?: number;
}

/**
 * Starts threads that read pictures. Each has a TensorFlow of its own, which takes half a second and some memory: for a few
 * pictures it is faster without, which needs `tf.ready()` first.
 *
 * @param job What is made of each picture.
 */
export function picturePool<J extends Job>(
  job: J,
  options: JobOptions[J],
  { threads, ahead = 2 }: PoolOptions,
): PicturePool<JobResults[J]> {
  if (threads === 0) {
    return {
      threads,
      read: (picture) => Promise.resolve(readAs(job, picture, options)),
      close() {},
    };
  }
  type Result = JobResults[J] | PictureProblem;
  const waiting: Asked<Result>[] = [];
  const lanes = Array.from({ length: threads }, (): Lane<Result> => ({ worker: pictureWorker(), asked: [] }));
  /** Gives the longest waiting pictures to the threads that have the fewest. */
  const distribute = (): void => {
    while (waiting.length > 0) {
      const { worker, asked } = lanes.reduce((best, one) =>
        one.asked.length < best.asked.length ? one : best
      );
      if (asked.length >= ahead) return;
      const next = waiting.shift()!;
      asked.push(next);
      worker.postMessage({ kind: "read", job, picture: next.picture, options } satisfies Request);
    }
  };
  let failure: UserError | undefined;
  for (const { worker, asked } of lanes) {
    worker.onmessage = ({ data }: MessageEvent<Result>) => {
      asked.shift()!.resolve(data);
      distribute();
    };
    worker.onerror = (event) => {
      event.preventDefault();
      failure ??= new UserError(`Cannot read the pictures: a thread ended with "${event.message}"`);
      for (const { reject } of [...lanes.flatMap(({ asked }) => asked.splice(0)), ...waiting.splice(0)]) {
        reject(failure);
      }
    };
  }
  return {
    threads,
    read(picture) {
      if (failure !== undefined) return Promise.reject(failure);
      const { promise, ...settle } = Promise.withResolvers<Result>();
      waiting.push({ picture, ...settle });
      distribute();
      return promise;
    },
    close: () => lanes.forEach(({ worker }) => worker.terminate()),
  };
}

/** A picture and who waits for it. */
interface Asked<R> {
  readonly picture: NamedPicture;
  readonly resolve: (result: R) => void;
  readonly reject: (error: Error) => void;
}

/** A thread and what it was given, in order. */
interface Lane<R> {
  readonly worker: Worker;
  readonly asked: Asked<R>[];
}

/** A picture that was read, or why it was not. */
export interface Found<R> {
  /** What errors call it. */
  readonly name: string;
  readonly found: R | PictureProblem;
}

/**
 * Reads pictures in their order, some ahead.
 * @param pictures Gone through once, as far as they are needed.
 * @param most How many are read, or wait to be taken, at a time.
 */
export async function* readAll<R>(
  pictures: Iterable<NamedPicture>,
  { read }: Pick<PicturePool<R>, "read">,
  most: number,
): AsyncGenerator<Found<R>, void, void> {
  const ahead: Promise<Found<R>>[] = [];
  for (const picture of pictures) {
    const answer = read(picture).then((found) => ({ name: nameOf(picture), found }));
    answer.catch(() => {}); // whoever awaits it hears
    ahead.push(answer);
    if (ahead.length >= most) yield await ahead.shift()!;
  }
  for (const answer of ahead) yield await answer;
}
