/** How many threads may be asked for. */

/**
 * Threads that one kernel may be given: more than any processor has, and still no harm on a small one. TensorFlow makes
 * as many as it is told, and ends the process when the system gives it no more.
 */
export const MAX_THREADS = 1024;
