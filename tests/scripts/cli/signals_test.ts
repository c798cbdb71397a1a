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
): void {
  const { addSignalListener, exit } = Deno;
  const listeners = new Map<Deno.Signal, () => void>();
  const clock = performance.now;
  let time = 5000;
  Deno.addSignalListener = (name, listener) => void listeners.set(name, listener);
  Deno.exit = (code) => {
    throw new Exit(code);
  };
  performance.now = () => time;
  try {
    test({
      send: (name) => listeners.get(name)?.(),
      wait: (ms) => void (time += ms),
      heard: () => [...listeners.keys()],
    });
  } finally {
    Object.assign(Deno, { addSignalListener, exit });
    performance.now = clock;
  }
}

Deno.test("stopOnSignals: nothing is listened to before there is something to save", () => {
  withSignals(({ heard }) => {
    const stop = stopOnSignals(new Recorder());
    assertEquals([heard(), stop.signal.aborted, stop.exitCode()], [[], false, undefined]);
    stop.listen();
    assertEquals([heard(), stop.signal.aborted, stop.exitCode()], [["SIGINT", "SIGTERM"], false, undefined]);
  });
});

for (const [name, code] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
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
