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
  /** Milliseconds in which they must answer. */
  readonly answerMs: number;
}

/** Between two rounds of questions, in milliseconds. */
const PERIOD_MS = 1000;

/** `TF_UNAVAILABLE` of `TF_Code`. */
const UNAVAILABLE = 14;

parentPort?.once("message", async (watch: Watch) => {
  const { symbols: c, status } = openLibrary(watch.directory);
  const context = Deno.UnsafePointer.create(watch.context);
  const { answerMs, peers } = watch;
  while (true) {
    for (const { task, name } of peers) {
      c.TFE_CollectiveOpsCheckPeerHealth(context, cStringBytes(task), BigInt(Math.round(answerMs)), status);
      if (c.TF_GetCode(status) === 0) continue;
      const reason = `${name} does not answer within ${answerMs / 1000} s`;
      c.TF_SetStatus(status, UNAVAILABLE, cStringBytes(reason));
      c.TFE_AbortCollectiveOps(context, status);
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, Math.min(PERIOD_MS, answerMs)));
  }
});
