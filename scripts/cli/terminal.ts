/** Progress as a person sees it: bars on a terminal, a few plain lines in a log. Everything goes to stderr. */
import { formatBytes, formatPartOfBytes } from "../../runtime/system/bytes.ts";
import { systemError } from "../../runtime/system/file_errors.ts";
import { type Bar, type Progress, silent } from "../../runtime/system/progress.ts";

/** Prints a line of results to standard output. A line that is lost, to a full disk or a terminal that is gone, ends nothing. */
export function printLine(line: string): void {
  unlessRefused(() => console.log(line));
}

/** The same on standard error. */
export function printNote(line: string): void {
  unlessRefused(() => console.error(line));
}

function unlessRefused(write: () => void): void {
  try {
    write();
  } catch (error) {
    if (systemError(error) === undefined) throw error;
  }
}

/** What a bar counts. */
export type Unit = Parameters<Progress["start"]>[2];

/** How far a piece of work is. */
export interface Status {
  /** What the work is. */
  label: string;
  /** How much is done, in `unit`. */
  done: number;
  /** How much there is, in `unit`; 0 if unknown. */
  total: number;
  /** What is counted. */
  unit: Unit;
  /** Seconds since the start. */
  seconds: number;
  /** What the caller shows beside it, e.g. the loss. */
  detail: string;
}

/**
 * The progress for a task: bars with rate and time left when stderr is a terminal that can redraw a line, else plain
 * lines.
 * @param quiet Says nothing at all.
 */
export function terminalProgress(quiet = false): Progress {
  if (quiet) return silent;
  const now = () => performance.now();
  // An editor's or a serial console's terminal says that it shows control sequences as they are.
  const canRedraw = Deno.stderr.isTerminal() && Deno.env.get("TERM") !== "dumb";
  if (!canRedraw) return plainProgress(printNote, now);
  const encoder = new TextEncoder();
  const write = (text: string) => unlessRefused(() => void Deno.stderr.writeSync(encoder.encode(text)));
  return barProgress(write, columns, now);
}

/** Of the terminal. One that does not tell says 0; one that is gone says nothing. */
function columns(): number {
  try {
    return Deno.consoleSize().columns || 80;
  } catch {
    return 80;
  }
}

/** Back to the start of the line, and empties it. */
const CLEAR = "\r\x1b[K";

/**
 * Bars that redraw themselves in the last line of the terminal, at most ten times a second. One bar at a time: a new one
 * ends the one before. Nothing of the terminal is changed, so nothing has to be put back if the process is killed.
 * @param write Takes text and control sequences.
 * @param columns The terminal's width now.
 * @param now A clock in milliseconds.
 */
export function barProgress(
  write: (text: string) => void,
  columns: () => number,
  now: () => number,
): Progress {
  let running: { draw: () => void; stop: () => void } | undefined;
  return {
    message(line: string): void {
      write(running ? `${CLEAR}${line}\n` : `${line}\n`);
      running?.draw();
    },
    start(label: string, total: number, unit: Unit): Bar {
      running?.stop();
      const started = now();
      const status: Status = { label, done: 0, total, unit, seconds: 0, detail: "" };
      let drawn = started;
      const draw = (): void => {
        drawn = now();
        status.seconds = (drawn - started) / 1000;
        write(`${CLEAR}${barLine(status, columns())}`);
      };
      const stop = (): void => {
        if (running?.stop !== stop) return;
        draw();
        write("\n");
        running = undefined;
      };
      running = { draw, stop };
      draw();
      return {
        update(done: number, detail: string = status.detail): void {
          Object.assign(status, { done, detail });
          if (now() - drawn >= 100 && running?.stop === stop) draw();
        },
        stop,
      };
    },
  };
}

/**
 * Lines for a log: one at the start, one at the end, and between them one when ten seconds have gone by since the last, or
 * a second and another quarter of the work.
 * @param print Takes each line.
 * @param now A clock in milliseconds.
 */
export function plainProgress(print: (line: string) => void, now: () => number): Progress {
  return {
    message: print,
    start(label: string, total: number, unit: Unit): Bar {
      const started = now();
      const status: Status = { label, done: 0, total, unit, seconds: 0, detail: "" };
      let shown = { at: started, done: 0 };
      let stopped = false;
      print(total > 0 ? `${label}: ${amount(total, unit)}` : label);
      return {
        update(done: number, detail: string = status.detail): void {
          const at = now();
          Object.assign(status, { done, detail, seconds: (at - started) / 1000 });
          const waited = at - shown.at;
          const quarter = total > 0 && done - shown.done >= total / 4;
          if (done >= total && total > 0 || waited < (quarter ? 1_000 : 10_000)) return;
          shown = { at, done };
          print(statusLine(status));
        },
        stop(): void {
          if (stopped) return;
          stopped = true;
          status.seconds = (now() - started) / 1000;
          print(statusLine(status));
        },
      };
    },
  };
}

/** One line of a log, e.g. `Download: 68.4 of 273.8 MB (25 %), 42.1 MB/s, 5 s left`. */
export function statusLine(status: Status): string {
  const { label, done, total, unit, detail } = status;
  const percent = total > 0 ? ` (${Math.floor(100 * Math.min(1, done / total))} %)` : "";
  return [
    `${label}: ${progressAmount(done, total, unit)}${percent}`,
    ...pace(status),
    ...(detail ? [detail] : []),
  ]
    .join(", ");
}

/** The same as a bar, cut to the terminal's width. */
export function barLine(status: Status, width: number): string {
  const { label, done, total, unit, detail } = status;
  const cells = 20;
  const filled = total > 0 ? Math.round(cells * Math.min(1, done / total)) : 0;
  const bar = total > 0 ? [`${"█".repeat(filled)}${"░".repeat(cells - filled)}`] : [];
  const line = [
    label,
    ...bar,
    [progressAmount(done, total, unit), ...pace(status), ...(detail ? [detail] : [])].join(", "),
  ]
    .join("  ");
  // The last column stays free, or some terminals wrap.
  return [...line].slice(0, Math.max(1, width - 1)).join("");
}

/** Rate, and the time left or, at the end, the time it took; nothing in the first thousandth, which tells neither. */
function pace({ done, total, unit, seconds }: Status): string[] {
  if (done <= 0 || seconds <= 0 || done < total / 1000) return [];
  const rate = done / seconds;
  const time = total <= 0
    ? []
    : [done < total ? `${duration((total - done) / rate)} left` : `in ${duration(seconds)}`];
  return [`${amount(rate, unit)}/s`, ...time];
}

function progressAmount(done: number, total: number, unit: Unit): string {
  if (total <= 0 || done >= total) return amount(done, unit);
  if (unit === "bytes") return formatPartOfBytes(done, total);
  return `${Math.round(done)} of ${amount(total, unit)}`;
}

/** A quantity with its unit: `273.8 MB`, `128 images`, `1.2 steps`. */
export function amount(value: number, unit: Unit): string {
  if (unit === "bytes") return formatBytes(value);
  return `${value >= 10 || Number.isInteger(value) ? Math.round(value) : value.toFixed(1)} ${unit}`;
}

/** A time for people: `0.8 s`, `42 s`, `5 min 07 s`, `2 h 03 min`. */
export function duration(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const two = (value: number) => String(value).padStart(2, "0");
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${two(Math.floor(whole % 3600 / 60))} min`;
}
