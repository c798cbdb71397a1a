import { assert } from "@std/assert";
import { eventGate } from "../../../runtime/system/events.ts";
import { granted } from "../../needs.ts";

Deno.test({
  name:
    "eventGate: a signal is heard at the next sure look, where turns of the event loop take hundreds for 20",
  ignore: !granted("run"),
  async fn(): Promise<void> {
    let heard = 0;
    const listener = () => void heard++;
    Deno.addSignalListener("SIGUSR1", listener);
    try {
      const letEventsIn = eventGate(0);
      let calls = 0;
      for (let sent = 1; sent <= 20; sent++) {
        Deno.kill(Deno.pid, "SIGUSR1");
        for (; heard < sent; calls++) await letEventsIn();
      }
      assert(calls <= 60, `20 signals took ${calls} calls`);
    } finally {
      Deno.removeSignalListener("SIGUSR1", listener);
    }
  },
});
