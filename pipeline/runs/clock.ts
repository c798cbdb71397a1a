/** The times of a run: how long it has gone on, how fast it is, how long an epoch takes. */

/** What a session measures as it goes on. */
export interface Clock {
  /** Seconds that the run has gone on, over all its sessions. */
  seconds(): number;
  /** Seconds of this session until its first loss was known, most of which is compiling; 0 before. */
  firstLoss(): number;
  /** Notes that the loss of a step of so many images is known. */
  step(images: number): void;
  /** Training images a second in the epoch under way, evaluation left out. */
  imagesPerSecond(): number;
  /**
   * Seconds that an epoch of so many images takes: by the steps of this session but its first, and by what came after the
   * last one.
   */
  epochSeconds(images: number): number;
  /** Begins another epoch. */
  nextEpoch(): void;
}

/**
 * A clock that starts now.
 * @param before Seconds of earlier sessions.
 * @param now The time, in milliseconds.
 */
export function startClock(before: number, now: () => number = () => performance.now()): Clock {
  const began = now();
  let epoch = { images: 0, start: began };
  let last = began;
  let done = 0;
  let first: { readonly images: number; readonly seconds: number } | undefined;
  return {
    seconds: () => before + (now() - began) / 1000,
    firstLoss: () => first?.seconds ?? 0,
    step(images) {
      last = now();
      epoch.images += images;
      done += images;
      first ??= { images, seconds: (last - began) / 1000 };
    },
    imagesPerSecond: () => epoch.images / ((last - epoch.start) / 1000),
    epochSeconds(images) {
      const { images: compiling, seconds } = first ?? { images: 0, seconds: 0 };
      const all = (last - began) / 1000;
      const an = done > compiling ? (all - seconds) / (done - compiling) : all / done;
      return an * images + (now() - last) / 1000;
    },
    nextEpoch() {
      epoch = { images: 0, start: now() };
    },
  };
}
