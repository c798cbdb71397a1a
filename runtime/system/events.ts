/** Room for signals and timers between pieces of work that hold the thread. */

/** Enough to keep another thread busy for a moment. */
const WORK = new Uint8Array(2 ** 16);

/**
 * Lets what waits be heard: signals, timers, messages. A mere turn of the event loop (`setImmediate`) leaves a signal
 * unread for some twenty turns and more, since Deno looks for them only now and then while it is not idle. It is idle
 * while it waits for another thread: here for a hash, 0.1 ms, where a timer takes 2.
 */
export async function letEventsIn(): Promise<void> {
  await crypto.subtle.digest("SHA-1", WORK);
}
