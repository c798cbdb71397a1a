/** How long work reports itself without printing: the caller passes one of these down. */

/** One piece of work under way. */
export interface Bar {
  /** Sets how much is done, in the bar's unit; `detail` is shown beside it (a loss, say). */
  update(done: number, detail?: string): void;
  /** Ends the bar, done or not. */
  stop(): void;
}

/** Where progress goes: a terminal, a log, or nowhere (`silent`). */
export interface Progress {
  /** Says one line. */
  message(line: string): void;
  /** Starts a bar of `total` units; `total` 0 means unknown. */
  start(label: string, total: number, unit: "bytes" | "images" | "steps"): Bar;
}

/** A `Progress` that says nothing. */
export const silent: Progress = {
  message() {},
  start: () => ({ update() {}, stop() {} }),
};
