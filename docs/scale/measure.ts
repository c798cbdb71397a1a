/**
 * Measures on this machine what docs/scale.md reckons with: training steps of one, two and four workers, what it takes to
 * add up their gradients, and how fast bytes go from one process to another. Takes about five minutes on a machine that does
 * nothing else, and writes docs/results/scale/measured.json; `draw.ts` makes the tables of it.
 *
 *   deno run -A docs/scale/measure.ts
 */
import { fromFileUrl } from "@std/path";
import { buildModel, parameterCount, readCpu, recipes, tf } from "../../mod.ts";
import { codeVersion, versions } from "../../pipeline/runs/versions.ts";
import { median } from "../../runtime/system/median.ts";
import { workerEnvironments } from "../../scripts/cli/launch.ts";
import type { Taken } from "./laps.ts";
import { loopback } from "./loopback.ts";
import type { Job } from "./worker.ts";

/** Milliseconds of something that was done `n` times. */
export interface Times {
  readonly n: number;
  readonly median: number;
  /** Standard deviation (divided by n - 1). */
  readonly deviation: number;
}

/** What `measure.ts` has found. */
export interface Measured {
  readonly machine: {
    readonly cpu: string;
    readonly cores: number;
    /** Processes that wanted to run in the minute before. */
    readonly load: number;
  };
  readonly versions: Readonly<Record<string, string>>;
  readonly started: string;
  /** Training steps of ResNet-20, 32 x 32, float32; `batch` is that of all workers together. */
  readonly steps: readonly {
    readonly workers: number;
    readonly threads: number;
    readonly batch: number;
    readonly ms: Times;
    /** Processor time of all workers together, of one step in the mean. */
    readonly cpuMs: number;
  }[];
  /** Sums over the workers, one thread each. */
  readonly reduces: readonly {
    readonly of: string;
    readonly workers: number;
    readonly bytes: number;
    /** How many sums they are added up in, at the same time. */
    readonly parts: number;
    readonly ms: Times;
    readonly cpuMs: number;
  }[];
  /** Bytes that one process sends another, and the byte that it answers. */
  readonly loopback: readonly { readonly bytes: number; readonly ms: Times; readonly cpuMs: number }[];
}

/** Images of a batch, as the recipe has them. */
const BATCH = recipes.resnet20.training.batchSize;

/** Workers, threads of each, and images of the batch; one worker also with the share that it has of two and of four. */
const STEPS = [
  [1, 2, BATCH],
  [1, 1, BATCH],
  [2, 1, BATCH],
  [4, 1, BATCH],
  [1, 1, BATCH / 2],
  [1, 1, BATCH / 4],
] as const;

/** How often all cases are measured, in turn: what drifts, drifts for all. */
const ROUNDS = 3;

/** How often a step, a large sum, a small one and a way through loopback are timed a round. */
const TIMES = { step: 16, large: 10, small: 100, loopback: 10 };

const BYTES = 4; // of a float32

/** Starts the workers of a job and waits for them. By the clock all take what worker 0 takes: they wait for each other. */
async function run(workers: number, job: Job): Promise<Taken> {
  const environments = workers === 1
    ? [{ TF_CONFIG: "" }]
    : workerEnvironments(workers, Deno.env.toObject(), navigator.hardwareConcurrency);
  const program = fromFileUrl(new URL("worker.ts", import.meta.url));
  const processes = environments.map((env) =>
    new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", program, JSON.stringify(job)],
      ...{ env, stdin: "piped", stdout: "piped" },
    }).spawn()
  );
  const lines = await Promise.all(processes.map(({ stdout }) => firstLine(stdout)));
  await Promise.all(processes.map(({ stdin }) => stdin.close()));
  await Promise.all(processes.map(({ status }) => status));
  const taken = lines.map((line): Taken => JSON.parse(line));
  return { ms: taken[0].ms, cpuMs: taken.reduce((sum, { cpuMs }) => sum + cpuMs, 0) };
}

/** @throws {Error} If there is none: who should have written it has failed. */
async function firstLine(bytes: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<string> {
  let text = "";
  for await (const piece of bytes.pipeThrough(new TextDecoderStream())) {
    text += piece;
    if (text.includes("\n")) return text;
  }
  throw new Error("A worker has failed");
}

const rounded = (ms: number): number => Number(ms.toPrecision(4));

function timesOf(all: readonly number[]): Times {
  const mean = all.reduce((sum, ms) => sum + ms, 0) / all.length;
  const squares = all.reduce((sum, ms) => sum + (ms - mean) ** 2, 0);
  return {
    n: all.length,
    median: rounded(median(all)),
    deviation: rounded(Math.sqrt(squares / (all.length - 1))),
  };
}

/** Measures each case in every round, one after the other. */
async function inTurn<C>(
  cases: readonly C[],
  take: (of: C) => Promise<Taken>,
): Promise<(C & { ms: Times; cpuMs: number })[]> {
  const taken = cases.map((): Taken[] => []);
  for (let round = 1; round <= ROUNDS; round++) {
    for (const [i, of] of cases.entries()) {
      const found = await take(of);
      taken[i].push(found);
      console.log(`round ${round} of ${ROUNDS}`, of, `${median(found.ms).toPrecision(4)} ms`);
    }
  }
  return cases.map((of, i) => ({
    ...of,
    ms: timesOf(taken[i].flatMap(({ ms }) => ms)),
    cpuMs: rounded(median(taken[i].map(({ cpuMs }) => cpuMs))),
  }));
}

if (import.meta.main) {
  const [load] = Deno.loadavg();
  const started = new Date().toISOString();
  const sizes = ["resnet20", "resnet34"].map((name) => {
    const model = buildModel(recipes[name].network);
    return { of: model.name, bytes: BYTES * parameterCount(model) };
  });
  const steps = await inTurn(
    STEPS.map(([workers, threads, batch]) => ({ workers, threads, batch })),
    ({ workers, ...of }) => run(workers, { kind: "step", ...of, times: TIMES.step }),
  );
  const howOften = (bytes: number): number => bytes > 10e6 ? TIMES.large : TIMES.small;
  const reduces = await inTurn(
    [
      ...sizes.flatMap((size) => [2, 4].map((workers) => ({ ...size, workers, parts: 1 }))),
      { ...sizes[1], workers: 2, parts: 16 },
    ],
    ({ workers, bytes, parts }) => {
      const job = {
        kind: "reduce",
        threads: 1,
        numbers: bytes / BYTES,
        parts,
        times: howOften(bytes),
      } as const;
      return run(workers, job);
    },
  );
  const ways = await inTurn(
    [...sizes.map(({ bytes }) => ({ bytes })), { bytes: 1 }],
    ({ bytes }) => loopback(bytes, howOften(bytes)),
  );
  await tf.ready(); // knows its version then
  const { model, cores, instructions } = readCpu();
  const measured: Measured = {
    machine: { cpu: `${model} (${instructions})`, cores, load },
    versions: { ...versions(), ...await codeVersion() },
    started,
    ...{ steps, reduces, loopback: ways },
  };
  const file = fromFileUrl(new URL("../results/scale/measured.json", import.meta.url));
  await Deno.writeTextFile(file, `${JSON.stringify(measured, null, 2)}\n`);
  Deno.exit(0);
}
