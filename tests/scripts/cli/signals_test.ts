/** What signals do, told by a stand-in for the system: as a process, `train_test.ts` sends real ones. */
import { assertEquals, assertThrows } from "@std/assert";
import { stopOnSignals } from "../../../scripts/cli/signals.ts";
import { Recorder } from "../../pipeline/recorder.ts";

/** An end of the process, which a test must not have. */
class Exit extends Error {
  constructor(readonly code: number | undefined) {
    super(`exit ${code}`);
  }
}

/** Runs a test with signals and a clock of its own; `send` sends a signal, `wait` lets time go by. */
function withSignals(
  test: (
    system: { send: (name: Deno.Signal) => void; wait: (ms: number) => void; heard: () => string[] },
  ) => void,
  ignoresHangUp = false,
): void {
  const { addSignalListener, exit, Command } = Deno;
  const listeners = new Map<Deno.Signal, () => void>();
  const clock = performance.now;
  let time = 5000;
  Deno.addSignalListener = (name, listener) => void listeners.set(name, listener);
  Deno.exit = (code) => {
    throw new Exit(code);
  };
  // What is started has the dispositions of this process.
  const success = ignoresHangUp;
  Object.assign(Deno, {
    Command: class {
      outputSync = () => ({ success });
    },
  });
  performance.now = () => time;
  try {
    test({
      send: (name) => listeners.get(name)?.(),
      wait: (ms) => void (time += ms),
      heard: () => [...listeners.keys()],
    });
  } finally {
    Object.assign(Deno, { addSignalListener, exit, Command });
    performance.now = clock;
  }
}

Deno.test("stopOnSignals: nothing is listened to before there is something to save", () => {
  withSignals(({ heard }) => {
    const stop = stopOnSignals(new Recorder());
    assertEquals([heard(), stop.signal.aborted, stop.exitCode()], [[], false, undefined]);
    stop.listen();
    const names: Deno.Signal[] = ["SIGINT", "SIGTERM", "SIGHUP", "SIGXFSZ"];
    assertEquals([heard(), stop.signal.aborted, stop.exitCode()], [names, false, undefined]);
    Deno.addSignalListener = () => {
      throw new Error("it listens already");
    };
    stop.listen();
  });
});

Deno.test("stopOnSignals: under nohup SIGHUP is no wish to stop, nor is a file that grows too large", () => {
  withSignals(({ send }) => {
    const stop = stopOnSignals(new Recorder());
    stop.listen();
    for (const name of ["SIGHUP", "SIGXFSZ"] as const) send(name);
    assertEquals([stop.signal.aborted, stop.exitCode()], [false, undefined]);
    send("SIGTERM");
    assertEquals([stop.signal.aborted, stop.exitCode()], [true, 143]);
  }, true);
});

for (const [name, code] of [["SIGHUP", 129], ["SIGINT", 130], ["SIGTERM", 143]] as const) {
  Deno.test(`stopOnSignals: the first ${name} is a wish to stop, and sets the exit code`, () => {
    withSignals(({ send }) => {
      const progress = new Recorder();
      const stop = stopOnSignals(progress);
      stop.listen();
      send(name);
      assertEquals([stop.signal.aborted, stop.exitCode()], [true, code]);
      assertEquals(progress.messages, [`${name}: finishing the step under way, then saving`]);
    });
  });
}

Deno.test("stopOnSignals: one key press may send several; asked again after a second, the process ends", () => {
  withSignals(({ send, wait }) => {
    const progress = new Recorder();
    const stop = stopOnSignals(progress);
    stop.listen();
    send("SIGINT");
    send("SIGTERM");
    wait(1000);
    send("SIGINT");
    assertEquals([stop.exitCode(), progress.messages.length], [130, 1]);
    wait(1);
    assertEquals(assertThrows(() => send("SIGTERM"), Exit).code, 143);
    assertEquals(assertThrows(() => send("SIGINT"), Exit).code, 130);
  });
});
