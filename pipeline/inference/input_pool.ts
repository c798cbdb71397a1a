/** Threads that decode pictures while the network runs. */
import { UserError } from "../../runtime/system/errors.ts";
import { type InputAnswer, type InputOptions, type PictureSource, readInputs } from "./read_inputs.ts";

/** What reads pictures. */
export interface InputPool {
  /** How many threads there are; none if pictures are read on this one. */
  readonly threads: number;
  /**
   * Reads pictures together, on one thread. What is asked for first is begun first.
   * @throws {Error} If a thread has ended.
   */
  read(sources: readonly PictureSource[]): Promise<InputAnswer>;
  /** Ends the threads; what is not read by then never is. */
  close(): void;
}

/**
 * Starts threads that read pictures. Each has a TensorFlow of its own, which takes half a second and some memory: for a few
 * pictures it is faster without.
 *
 * @param threads How many; with 0 this thread reads.
 */
export function inputPool(options: InputOptions, threads: number): InputPool {
  if (threads === 0) {
    return {
      threads,
      read: (sources) => readInputs({ ...options, sources }),
      close() {},
    };
  }
  const waiting: Job[] = [];
  const lanes = Array.from({ length: threads }, () => lane());
  /** Gives the longest waiting requests to threads that have the fewest under way: one that is read and one ahead. */
  const distribute = (): void => {
    while (waiting.length > 0) {
      const idlest = lanes.reduce((best, one) => one.jobs.length < best.jobs.length ? one : best);
      if (idlest.jobs.length >= 2) return;
      const job = waiting.shift()!;
      idlest.jobs.push(job);
      idlest.worker.postMessage({ ...options, sources: job.sources });
    }
  };
  let failure: Error | undefined;
  const fail = (error: Error): void => {
    failure ??= error;
    for (const { jobs } of lanes) jobs.splice(0).forEach(({ reject }) => reject(error));
    waiting.splice(0).forEach(({ reject }) => reject(error));
  };
  for (const { worker, jobs } of lanes) {
    worker.onmessage = ({ data }: MessageEvent<InputAnswer>) => {
      jobs.shift()!.resolve(data);
      distribute();
    };
    worker.onerror = (event) => {
      event.preventDefault();
      fail(new UserError(`Cannot read the pictures: a thread ended with "${event.message}"`));
    };
  }
  return {
    threads,
    read(sources) {
      if (failure !== undefined) return Promise.reject(failure);
      const { promise, ...settle } = Promise.withResolvers<InputAnswer>();
      waiting.push({ sources, ...settle });
      distribute();
      return promise;
    },
    close: () => lanes.forEach(({ worker }) => worker.terminate()),
  };
}

/** A request and who waits for it. */
interface Job {
  readonly sources: readonly PictureSource[];
  readonly resolve: (answer: InputAnswer) => void;
  readonly reject: (error: Error) => void;
}

/** A thread and what it was given, in order. */
function lane(): { readonly worker: Worker; readonly jobs: Job[] } {
  const url = new URL("./input_worker.ts", import.meta.url).href;
  return { worker: new Worker(url, { type: "module" }), jobs: [] };
}
