/** Times what is done over and over. */
import { cpuUsage } from "node:process";

/** Times that come before those that are told: compiling, and caches that fill. */
export const WARM_UP = 3;

/** What it took, in milliseconds. */
export interface Taken {
  /** Each of the times, by the clock. */
  readonly ms: readonly number[];
  /** One of them in the mean, of all cores together. */
  readonly cpuMs: number;
}

/** Notes when each time has ended. */
export function laps(): { end(): void; taken(): Taken } {
  const ends: number[] = [];
  let before = 0;
  const cpuMs = (): number => {
    const { user, system } = cpuUsage();
    return (user + system) / 1000;
  };
  return {
    end() {
      ends.push(performance.now());
      if (ends.length === WARM_UP) before = cpuMs();
    },
    taken() {
      const ms = ends.slice(WARM_UP).map((end, i) => end - ends[WARM_UP + i - 1]);
      return { ms, cpuMs: (cpuMs() - before) / ms.length };
    },
  };
}
