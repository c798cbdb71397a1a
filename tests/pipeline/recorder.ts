/** A `Progress` for tests that writes down what it is told. */
import type { Bar, Progress } from "../../runtime/system/progress.ts";

/** A bar as it was used. */
export interface RecordedBar {
  readonly label: string;
  readonly total: number;
  readonly unit: string;
  /** Every value given to `update`. */
  readonly done: number[];
  stopped: boolean;
}

/** What has been said and shown. */
export class Recorder implements Progress {
  readonly messages: string[] = [];
  readonly bars: RecordedBar[] = [];

  message(line: string): void {
    this.messages.push(line);
  }

  start(label: string, total: number, unit: string): Bar {
    const bar: RecordedBar = { label, total, unit, done: [], stopped: false };
    this.bars.push(bar);
    return {
      update: (done) => void bar.done.push(done),
      stop: () => void (bar.stopped = true),
    };
  }
}
