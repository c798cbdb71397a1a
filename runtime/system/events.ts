/** Room for signals and timers between pieces of work that hold the thread. */

/** Enough to keep another thread busy for a moment. */
const WORK = new Uint8Array(2 ** 16);

/**
 * A function that lets what waits be heard: signals, timers, messages. Deno looks for signals when it is idle, and else only
 * now and then: mere turns of the event loop (`setImmediate`) leave one unread for twenty turns and more. It is idle while
 * it waits for a timer, which takes 2 ms, or for another thread that is not done too soon, here with a hash of 0.1 ms: the
 * first for sure, so it has its turn from time to time.
 *
 * @param sureEvery The longest time without a timer, in milliseconds.
 */
export function eventGate(sureEvery = 500): () => Promise<void> {
  let last = performance.now();
  return async () => {
    if (performance.now() - last < sureEvery) {
      await crypto.subtle.digest("SHA-1", WORK);
    } else {
      await new Promise<void>((resolve) => setTimeout(resolve, 0));
      last = performance.now();
    }
  };
}
