/** A clock that goes when a test says so. */
import type { After } from "../../pipeline/inference/batch_queue.ts";

/** Time, and what waits for it. */
export class FakeClock {
  /** Milliseconds gone by. */
  time = 0;
  #timers = new Map<number, { at: number; work: () => void }>();
  #next = 0;

  /** Whether something waits. */
  get isWaiting(): boolean {
    return this.#timers.size > 0;
  }

  readonly now = (): number => this.time;

  readonly after: After = (ms, work) => {
    const id = this.#next++;
    this.#timers.set(id, { at: this.time + ms, work });
    return () => void this.#timers.delete(id);
  };

  /** Lets time go by. */
  pass(ms: number): void {
    this.time += ms;
    for (const [id, { at, work }] of [...this.#timers]) {
      if (at <= this.time && this.#timers.delete(id)) work();
    }
  }
}
