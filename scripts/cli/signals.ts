/** Signals that ask a process to stop. */
import type { Progress } from "../../runtime/mod.ts";

/** Exit code of a process that a signal ended, by the shell's convention: 128 + the signal's number. */
const SIGNAL_EXIT = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

/** Exit code of a worker that stops since another was asked to: that of SIGTERM. */
export const STOPPED_BY_ANOTHER = SIGNAL_EXIT.SIGTERM;

/**
 * Signals within this time count as one, in milliseconds: a terminal's Ctrl-C reaches this process itself and once or
 * twice more through `deno task`, which passes it on.
 */
const ONE_KEY_PRESS_MS = 1000;

/** The wish to stop, as work can follow it. */
export interface Stop {
  /** Aborted by the first SIGINT, SIGTERM or SIGHUP: a terminal that is closed sends the last. */
  readonly signal: AbortSignal;
  /**
   * Takes signals from here on; a second one ends the process at once. Until then each does. SIGHUP is of no account
   * where the process was started to ignore it, as `nohup` does. Once is enough.
   */
  listen(): void;
  /** What a process that was stopped exits with; nothing if no signal came. */
  exitCode(): number | undefined;
}

/**
 * @param progress Told of the signal.
 * @param then What is done before the end, as it is told.
 */
export function stopOnSignals(
  progress: Pick<Progress, "message">,
  then = "finishing the step under way, then saving",
): Stop {
  const stop = new AbortController();
  let caught: keyof typeof SIGNAL_EXIT | undefined;
  // At once: Deno no longer ignores what it was started to ignore, when it first listens to some signal.
  const goesOn = ignoresHangUp();
  if (goesOn) Deno.addSignalListener("SIGHUP", () => {});
  let askedAt = 0;
  let listens = false;
  const heard = (name: keyof typeof SIGNAL_EXIT): void => {
    if (caught !== undefined) {
      if (performance.now() - askedAt > ONE_KEY_PRESS_MS) Deno.exit(SIGNAL_EXIT[name]); // asked again: at once
      return;
    }
    askedAt = performance.now();
    caught = name;
    progress.message(`${name}: ${then}`);
    stop.abort();
  };
  return {
    signal: stop.signal,
    listen(): void {
      if (listens) return;
      listens = true;
      const names = ["SIGINT", "SIGTERM", ...(goesOn ? [] : ["SIGHUP"] as const)] as const;
      for (const name of names) Deno.addSignalListener(name, () => heard(name));
      // A file over the limit of `ulimit -f` would end the process; so the write fails, as on a full disk.
      Deno.addSignalListener("SIGXFSZ", () => {});
    },
    exitCode: () => caught && SIGNAL_EXIT[caught],
  };
}

/** Whether the process was started with SIGHUP ignored. A process of its own would be too, and outlive one. */
function ignoresHangUp(): boolean {
  try {
    return new Deno.Command("sh", { args: ["-c", "kill -HUP $$; exit 0"] }).outputSync().success;
  } catch {
    return false; // no shell, or no permission to run one
  }
}
