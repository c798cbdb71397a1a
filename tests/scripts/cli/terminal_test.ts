import { assert, assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import type { Progress } from "../../../runtime/system/progress.ts";
import {
  amount,
  barLine,
  barProgress,
  duration,
  plainProgress,
  type Status,
  statusLine,
} from "../../../scripts/cli/terminal.ts";
import { codeArgs } from "../../child.ts";
import { granted } from "../../needs.ts";

/** A plain progress on a clock that is set by hand, in milliseconds. */
function recorded(): { lines: string[]; clock: { now: number }; progress: Progress } {
  const lines: string[] = [];
  const clock = { now: 1_000 };
  return { lines, clock, progress: plainProgress((line) => lines.push(line), () => clock.now) };
}

Deno.test("plainProgress prints a start, quarters or ten seconds, and an end", () => {
  const { lines, clock, progress } = recorded();
  const bar = progress.start("Download", 200e6, "bytes");
  for (let done = 0; done <= 200e6; done += 2e6) {
    bar.update(done); // 2 MB each 0.1 s: 10 s in all
    clock.now += 100;
  }
  bar.stop();
  bar.stop();
  assertEquals(lines, [
    "Download: 200.0 MB",
    "Download: 50.0 of 200.0 MB (25 %), 20.0 MB/s, 7.5 s left",
    "Download: 100.0 of 200.0 MB (50 %), 20.0 MB/s, 5.0 s left",
    "Download: 150.0 of 200.0 MB (75 %), 20.0 MB/s, 2.5 s left",
    "Download: 200.0 MB (100 %), 19.8 MB/s, in 10 s",
  ]);
});

Deno.test("plainProgress of slow work prints every ten seconds, of quick work only start and end", () => {
  const slow = recorded();
  const bar = slow.progress.start("Epoch 1", 1000, "steps");
  for (let step = 1; step <= 25; step++) {
    slow.clock.now += 1_000;
    bar.update(step, `loss ${step}`);
  }
  assertEquals(slow.lines, [
    "Epoch 1: 1000 steps",
    "Epoch 1: 10 of 1000 steps (1 %), 1 steps/s, 16 min 30 s left, loss 10",
    "Epoch 1: 20 of 1000 steps (2 %), 1 steps/s, 16 min 20 s left, loss 20",
  ]);
  const quick = recorded();
  const short = quick.progress.start("Test", 100, "images");
  for (let done = 10; done <= 100; done += 10) {
    quick.clock.now += 5;
    short.update(done);
  }
  short.stop();
  assertEquals(quick.lines, ["Test: 100 images", "Test: 100 images (100 %), 2000 images/s, in 0.1 s"]);
});

Deno.test("plainProgress of unknown length, and its messages", () => {
  const { lines, clock, progress } = recorded();
  const bar = progress.start("Unpacking", 0, "bytes");
  clock.now += 10_000;
  bar.update(5e9);
  progress.message("hello");
  bar.stop();
  assertEquals(lines, [
    "Unpacking",
    "Unpacking: 5.00 GB, 500.0 MB/s",
    "hello",
    "Unpacking: 5.00 GB, 500.0 MB/s",
  ]);
});

/** Bars on a clock and a width that are set by hand. `\r\x1b[K` is written as `<`. */
function drawn(): { written: string[]; at: { now: number; columns: number }; progress: Progress } {
  const written: string[] = [];
  const at = { now: 1_000, columns: 100 };
  const write = (text: string) => written.push(text.replaceAll("\r\x1b[K", "<"));
  return { written, at, progress: barProgress(write, () => at.columns, () => at.now) };
}

Deno.test("barProgress redraws one line at most ten times a second, and ends it", () => {
  const { written, at, progress } = drawn();
  const bar = progress.start("Epoch 1", 100, "steps");
  for (let step = 1; step <= 25; step++) {
    at.now += 10;
    bar.update(step, `loss ${step}`);
  }
  bar.stop();
  bar.stop();
  bar.update(100);
  assertEquals(written, [
    "<Epoch 1  ░░░░░░░░░░░░░░░░░░░░  0 of 100 steps",
    "<Epoch 1  ██░░░░░░░░░░░░░░░░░░  10 of 100 steps, 100 steps/s, 0.9 s left, loss 10",
    "<Epoch 1  ████░░░░░░░░░░░░░░░░  20 of 100 steps, 100 steps/s, 0.8 s left, loss 20",
    "<Epoch 1  █████░░░░░░░░░░░░░░░  25 of 100 steps, 100 steps/s, 0.8 s left, loss 25",
    "\n",
  ]);
});

Deno.test("barProgress puts messages above the bar, and cuts it to the width that the terminal has now", () => {
  const { written, at, progress } = drawn();
  progress.message("before");
  const bar = progress.start("Reading", 8, "images");
  at.columns = 20;
  progress.message("a message that is wider than the terminal");
  at.now += 1_000;
  bar.update(4);
  bar.stop();
  progress.message("after");
  assertEquals(written, [
    "before\n",
    "<Reading  ░░░░░░░░░░░░░░░░░░░░  0 of 8 images",
    "<a message that is wider than the terminal\n",
    "<Reading  ░░░░░░░░░░",
    "<Reading  ██████████",
    "<Reading  ██████████",
    "\n",
    "after\n",
  ]);
});

Deno.test("barProgress: a new bar ends the one before, which then draws no more", () => {
  const { written, at, progress } = drawn();
  const first = progress.start("One", 0, "steps");
  progress.start("Two", 0, "steps");
  at.now += 1_000;
  first.update(1);
  first.stop();
  assertEquals(written, ["<One  0 steps", "<One  0 steps", "\n", "<Two  0 steps"]);
});

Deno.test("barLine fills with the work and is cut to the terminal", () => {
  const status: Status = {
    label: "Epoch 1",
    done: 25,
    total: 100,
    unit: "steps",
    seconds: 5,
    detail: "loss 1.25",
  };
  assertEquals(
    barLine(status, 200),
    "Epoch 1  █████░░░░░░░░░░░░░░░  25 of 100 steps, 5 steps/s, 15 s left, loss 1.25",
  );
  assertEquals(barLine(status, 20), "Epoch 1  █████░░░░░");
  assertEquals(barLine({ ...status, total: 0 }, 200), "Epoch 1  25 steps, 5 steps/s, loss 1.25");
  assert(barLine({ ...status, done: 101 }, 200).includes(`${"█".repeat(20)}  101 steps`));
  assertEquals(statusLine({ ...status, done: 0 }), "Epoch 1: 0 of 100 steps (0 %), loss 1.25");
});

Deno.test("amount and duration choose their units", () => {
  assertEquals([0, 999e3, 1e6, 273.8e6, 1.2e9].map((n) => amount(n, "bytes")), [
    "0 kB",
    "999 kB",
    "1.0 MB",
    "273.8 MB",
    "1.20 GB",
  ]);
  assertEquals([0.25, 1, 12.6].map((n) => amount(n, "images")), ["0.3 images", "1 images", "13 images"]);
  assertEquals([0.04, 9.96, 59.7, 307, 3600, 7385].map(duration), [
    "0.0 s",
    "10 s",
    "1 min 00 s",
    "5 min 07 s",
    "1 h 00 min",
    "2 h 03 min",
  ]);
});

Deno.test({
  name: "terminalProgress draws on a terminal, but not on one that says it is dumb",
  // util-linux's `script` gives a command a terminal; that of other systems takes other arguments.
  ignore: !granted("run", "read", "write") || Deno.build.os !== "linux" || !await hasScript(),
  fn: async () => {
    const module = new URL("../../../scripts/cli/terminal.ts", import.meta.url).href;
    const config = fromFileUrl(new URL("../../../deno.json", import.meta.url));
    const dir = await Deno.makeTempDir();
    try {
      await Deno.writeTextFile(
        `${dir}/draw.ts`,
        `import { terminalProgress } from "${module}"; terminalProgress().start("Reading", 0, "bytes").stop();`,
      );
      const drawn = async (term: string): Promise<string> => {
        const command =
          `"${Deno.execPath()}" run --quiet --allow-env=TERM --config "${config}" "${dir}/draw.ts"`;
        const { stdout } = await new Deno.Command("script", {
          args: ["-qec", command, "/dev/null"],
          env: { TERM: term },
          stdin: "null",
        }).output();
        return new TextDecoder().decode(stdout);
      };
      assertEquals(await drawn("dumb"), "Reading\r\nReading: 0 kB\r\n");
      assert((await drawn("xterm")).includes("\r\x1b[K"));
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  },
});

/** Whether there is util-linux's `script`. */
async function hasScript(): Promise<boolean> {
  try {
    return (await new Deno.Command("script", { args: ["--version"], stdout: "null", stderr: "null" })
      .output()).success;
  } catch {
    return false;
  }
}

Deno.test({
  name: "terminalProgress prints plain lines when stderr is no terminal, and nothing when quiet",
  ignore: !granted("run", "read"),
  fn: async () => {
    const use = (quiet: boolean) =>
      `const p = terminalProgress(${quiet}); p.message("hello"); p.start("Reading", 0, "bytes").stop();`;
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: codeArgs(
        `import { terminalProgress } from "./scripts/cli/terminal.ts"; { ${use(false)} } { ${use(true)} }`,
      ),
    }).output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    assertEquals([code, text(stdout), text(stderr)], [0, "", "hello\nReading\nReading: 0 kB\n"]);
  },
});
