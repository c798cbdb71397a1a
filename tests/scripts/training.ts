/** `deno task train` on made data, as a process, and what it leaves behind. */
import { assert } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { decodeSafetensors } from "../../layers/formats/safetensors.ts";
import { readMetrics, readRunInfo, RUN_FILES } from "../../pipeline/runs/folder.ts";
import { runArgs } from "../child.ts";

const PROGRAM = fromFileUrl(new URL("./made_train.ts", import.meta.url));

/** How a process ended. */
export interface Ended {
  readonly code: number;
  readonly signal: Deno.Signal | null;
  readonly stdout: readonly string[];
  readonly stderr: readonly string[];
}

/** A training process whose lines can be waited for. */
export class Training {
  readonly #process: Deno.ChildProcess;
  readonly #lines = { stdout: [] as string[], stderr: [] as string[] };
  readonly #read: Promise<unknown>;
  #heard: () => void = () => {};

  /** @param args Flags, and a record of what is in the environment, if more is. */
  constructor(...args: (string | Record<string, string>)[]) {
    const flags = args.filter((arg) => typeof arg === "string");
    this.#process = new Deno.Command(Deno.execPath(), {
      args: runArgs(PROGRAM, ...flags),
      env: Object.assign({ RESNET_DEBUG: "" }, ...args.filter((arg) => typeof arg !== "string")),
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#read = Promise.all([this.#collect("stdout"), this.#collect("stderr")]);
  }

  /** Its id. */
  get pid(): number {
    return this.#process.pid;
  }

  /** Sends a signal after some milliseconds, if it has not ended by then. */
  async signalAfter(ms: number, name: Deno.Signal): Promise<Ended> {
    const timer = setTimeout(() => {
      try {
        this.#process.kill(name);
      } catch (error) {
        if (!(error instanceof TypeError)) throw error; // it has ended, and `status` has not said so yet
      }
    }, ms);
    await this.#process.status;
    clearTimeout(timer);
    return await this.end();
  }

  async #collect(name: "stdout" | "stderr"): Promise<void> {
    let rest = "";
    for await (const text of this.#process[name].pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      this.#lines[name].push(...lines);
      this.#heard();
    }
    if (rest !== "") this.#lines[name].push(rest);
  }

  /** Waits for a line, on stdout or stderr; gives whether the process has ended. */
  async line(line: RegExp): Promise<boolean> {
    let ended = false;
    this.#read.then(() => {
      ended = true;
      this.#heard();
    });
    const { stdout, stderr } = this.#lines;
    while (![...stdout, ...stderr].some((text) => line.test(text))) {
      assert(!ended, `the process ended without the line ${line}: ${[...stdout, ...stderr].join("\n")}`);
      await new Promise<void>((heard) => this.#heard = heard);
    }
    return ended;
  }

  /** Waits for a line, then sends the signals. */
  async signal(line: RegExp, ...names: Deno.Signal[]): Promise<Ended> {
    if (!await this.line(line)) { for (const name of names) this.#process.kill(name); }
    return await this.end();
  }

  /** Waits for the end. */
  async end(): Promise<Ended> {
    const { code, signal } = await this.#process.status;
    await this.#read;
    return { code, signal, ...this.#lines };
  }
}

/** What a run leaves behind, without what depends on the clock. */
export async function outcome(dir: string) {
  const [weights, checkpoint] = await Promise.all(
    [RUN_FILES.weights, RUN_FILES.checkpoint].map((file) => Deno.readFile(join(dir, file))),
  );
  const { tensors, metadata: { seconds: _, ...notes } } = decodeSafetensors(checkpoint);
  const metrics = (await readMetrics(dir)).map(({ seconds: _, imagesPerSecond: __, ...rest }) => rest);
  const { test } = await readRunInfo(dir);
  return { weights, tensors, notes, metrics, test };
}

/** What a folder holds. */
export const names = (dir: string): string[] => [...Deno.readDirSync(dir)].map(({ name }) => name).sort();
/** What a run that ended leaves in its folder. */
export const FILES = Object.values(RUN_FILES).sort();
