/** Threads that work on pictures, and what is said to them. */
import { UserError } from "../../runtime/system/errors.ts";
import type { NamedPicture } from "./picture_bytes.ts";
import { type InputOptions, type PictureInput, readInput } from "./picture_input.ts";
import { type KeepOptions, type Pictures, type ReadPicture, readPicture, type Turn } from "./pictures.ts";

/** What each job of reading pictures is told. */
export interface JobOptions {
  /** Pictures as they are kept. */
  readonly keep: KeepOptions;
  /** Pictures as the images of a network. */
  readonly input: InputOptions;
}

/** What comes of each job. */
export interface JobResults {
  readonly keep: ReadPicture;
  readonly input: PictureInput;
}

/** The name of a job. */
export type Job = keyof JobOptions;

/** Why a picture could not be read. */
export interface PictureProblem {
  readonly problem: string;
}

const JOBS: { readonly [J in Job]: (picture: NamedPicture, options: JobOptions[J]) => JobResults[J] } = {
  keep: readPicture,
  input: readInput,
};

/** Does a job on this thread. Needs `tf.ready()` first. */
export function readAs<J extends Job>(
  job: J,
  picture: NamedPicture,
  options: JobOptions[J],
): JobResults[J] | PictureProblem {
  try {
    return JOBS[job](picture, options);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { problem: error.message };
  }
}

/** What the thread is asked. */
export type Request =
  /** A picture; what `readAs` gives comes back. */
  | {
    readonly kind: "read";
    readonly job: Job;
    readonly picture: NamedPicture;
    readonly options: JobOptions[Job];
  }
  /** Comes before all `make`: of which pictures, and where images go, `[slots, length]`. */
  | {
    readonly kind: "open";
    readonly pictures: Pictures;
    readonly images: Uint8Array<SharedArrayBuffer>;
    readonly done: Int32Array<SharedArrayBuffer>;
  }
  /** An image into a slot. When it is there `done` has the ticket, below 0 if it cannot be made. */
  | {
    readonly kind: "make";
    readonly slot: number;
    readonly ticket: number;
    readonly member: number;
    readonly turn?: Turn;
  };

/** A thread. Whoever starts it ends it, with `terminate`. */
export function pictureWorker(): Worker {
  return new Worker(new URL("./picture_worker.ts", import.meta.url).href, { type: "module" });
}
