/** Things that come one by one, done together. */

/** Does something later, and gives what forgets it. `afterMs` is the process' own. */
export type After = (ms: number, work: () => void) => () => void;

/** `setTimeout`. */
export const afterMs: After = (ms, work) => {
  const timer = setTimeout(work, ms);
  return () => clearTimeout(timer);
};

/** When a batch is done. */
export interface QueueOptions {
  /** Things of a batch, at the most. */
  readonly maxBatch: number;
  /** The longest time that a thing waits for others, in milliseconds. */
  readonly delayMs: number;
  /** How many others are known to be on the way: with none, nothing waits. */
  readonly onTheWay: () => number;
  /** The clock. */
  readonly after: After;
}

/** What things are put into. */
export interface BatchQueue<T, R> {
  /**
   * Waits for the batch that the thing is in.
   * @throws What `run` throws.
   */
  push(item: T): Promise<R>;
}

/**
 * Gathers things into batches. A batch is run when it is full, when nothing more is on the way, or when the first of it has
 * waited for so long, whichever comes first.
 *
 * @param run Gives a result for each thing, in their order.
 * @example
 * ```ts
 * import { afterMs, batchQueue } from "./batch_queue.ts";
 *
 * const square = batchQueue((numbers: readonly number[]) => numbers.map((x) => x * x), {
 *   maxBatch: 8,
 *   delayMs: 2,
 *   onTheWay: () => 1,
 *   after: afterMs,
 * });
 * await Promise.all([square.push(3), square.push(4)]); // [9, 16], in one batch
 * ```
 */
export function batchQueue<T, R>(
  run: (items: readonly T[]) => readonly R[],
  { maxBatch, delayMs, onTheWay, after }: QueueOptions,
): BatchQueue<T, R> {
  const waiting: { item: T; resolve: (result: R) => void; reject: (error: unknown) => void }[] = [];
  let forget: (() => void) | undefined;
  const flush = (): void => {
    forget?.();
    forget = undefined;
    const batch = waiting.splice(0);
    try {
      const results = run(batch.map(({ item }) => item));
      batch.forEach(({ resolve }, i) => resolve(results[i]));
    } catch (error) {
      batch.forEach(({ reject }) => reject(error));
    }
  };
  return {
    push(item) {
      const { promise, resolve, reject } = Promise.withResolvers<R>();
      waiting.push({ item, resolve, reject });
      if (waiting.length >= maxBatch || onTheWay() === 0) flush();
      else forget ??= after(delayMs, flush);
      return promise;
    },
  };
}
