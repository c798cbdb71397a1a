/**
 * The thread that asks the other workers whether they are there, and ends what waits for one that is not: the thread that
 * waits is inside of the library, and cannot.
 */
import { parentPort } from "node:worker_threads";
import { cStringBytes, openLibrary } from "./library.ts";

/** What it is told. */
export interface Watch {
  /** Where the library is. */
  readonly directory: string;
  /** Address of the `TFE_Context`. */
  readonly context: bigint;
  /** What TensorFlow calls the other workers, and what messages do. */
  readonly peers: readonly { readonly task: string; readonly name: string }[];
  /** Milliseconds until all must have come. */
  readonly startMs: number;
  /** Milliseconds in which they must answer then. */
  readonly answerMs: number;
}

/** Between two rounds of questions, in milliseconds. */
const PERIOD_MS = 1000;

/** Questions to a worker that has not come yet wait for so long, in milliseconds. */
const KNOCK_MS = 1000;

/** `TF_UNAVAILABLE` of `TF_Code`. */
const UNAVAILABLE = 14;

parentPort?.once("message", async (watch: Watch) => {
  const { symbols: c, status } = openLibrary(watch.directory);
  const context = Deno.UnsafePointer.create(watch.context);
  const answers = (task: string, withinMs: number): boolean => {
    c.TFE_CollectiveOpsCheckPeerHealth(context, cStringBytes(task), BigInt(Math.round(withinMs)), status);
    return c.TF_GetCode(status) === 0;
  };
  const rest = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
  const end = (reason: string): void => {
    c.TF_SetStatus(status, UNAVAILABLE, cStringBytes(reason));
    c.TFE_AbortCollectiveOps(context, status);
  };
  const { startMs, answerMs, peers } = watch;
  const began = performance.now();
  for (const { task, name } of peers) {
    while (!answers(task, Math.min(KNOCK_MS, startMs))) {
      if (performance.now() - began > startMs) return end(`${name} has not come in ${startMs / 1000} s`);
      await rest(Math.min(PERIOD_MS, startMs));
    }
  }
  while (true) {
    for (const { task, name } of peers) {
      if (!answers(task, answerMs)) return end(`${name} does not answer within ${answerMs / 1000} s`);
    }
    await rest(Math.min(PERIOD_MS, answerMs));
  }
});
