/** `deno task bench`: how fast a step is, where its time goes, and how that compares with Python. */
import { parameterCount } from "../layers/mod.ts";
import {
  BENCHMARK_MODELS,
  type BenchmarkCase,
  type BenchmarkModel,
  caseDefaults,
  createBenchmark,
} from "../pipeline/bench/benchmark.ts";
import { timeListing } from "../pipeline/bench/listing.ts";
import {
  contenders,
  findPython,
  PEER_MODELS,
  race,
  ratios,
  runContender,
  withPeerScripts,
} from "../pipeline/bench/peers.ts";
import { FEWEST_STEPS, timeSteps } from "../pipeline/bench/timing.ts";
import { versions } from "../pipeline/runs/mod.ts";
import {
  choosePrecision,
  configure,
  gpuMemoryMiB,
  liveHandles,
  type Machine,
  type Precision,
  readCpu,
  runtimeInfo,
  tf,
  UsageError,
} from "../runtime/mod.ts";
import { readMemory } from "../runtime/system/memory.ts";
import { explainOutOfMemory } from "../runtime/system/memory_errors.ts";
import { entryArgs, taskSummary } from "../runtime/system/package.ts";
import {
  type BenchResult,
  caseLines,
  cpuText,
  flatnessLine,
  listingLines,
  type MemorySample,
  profileLines,
  raceLines,
  resultLines,
  sampleLine,
  versionText,
} from "./cli/bench_lines.ts";
import {
  deviceFlag,
  MAX_SIDE,
  precisionFlag,
  runTask,
  threadsFlag,
  type Values,
  xlaFlag,
} from "./cli/task.ts";
import { terminalProgress } from "./cli/terminal.ts";

/** The task and its flags. */
export const benchTask = {
  name: "bench",
  summary: taskSummary("bench"),
  flags: {
    model: { type: "string", choices: BENCHMARK_MODELS, default: "resnet20", help: "network to time" },
    batch: {
      type: "integer",
      min: 1,
      help: "images a step (default: 16 for resnet34, the recipe's for fast and accurate, else 128)",
    },
    size: {
      type: "integer",
      min: 1,
      max: MAX_SIDE,
      help: "side of the images (default: 224 for resnet34, else 32)",
    },
    precision: { ...precisionFlag, help: `${precisionFlag.help} (default: the faster of the others)` },
    seconds: { type: "number", min: 0, default: 10, help: "how long to measure" },
    steps: {
      type: "integer",
      min: FEWEST_STEPS,
      help: "run exactly N steps instead, and show what is held on the way",
    },
    inference: { type: "boolean", help: "forward pass only, with running statistics" },
    profile: { type: "boolean", help: "show where the time of a step goes, by op, layer and node" },
    against: { type: "string", choices: ["python"], help: "race PyTorch, and Keras if there is one" },
    rounds: { type: "integer", min: 3, default: 3, help: "rounds of the race" },
    list: {
      type: "integer",
      min: 2,
      help: "time listing a made folder of N tiny pictures instead, which is removed again",
    },
    device: deviceFlag,
    threads: threadsFlag,
    xla: xlaFlag,
    json: { type: "boolean", help: "print one line of JSON" },
  },
  examples: [
    "",
    "--model resnet34 --precision float32",
    "--profile",
    "--steps 2000",
    "--model resnet34 --against python",
    "--list 100000",
  ],
} as const;

/** The values of the task's flags. */
export type BenchFlags = Values<typeof benchTask.flags>;

/**
 * Checks that the flags go together.
 * @throws {UsageError} Naming those that do not.
 */
export function checkBenchFlags(flags: BenchFlags): void {
  const contradictions = [
    ["against", "steps"],
    ["against", "profile"],
    ["profile", "steps"],
    ["profile", "json"],
    ["list", "against"],
    ["list", "steps"],
    ["list", "profile"],
    ["list", "inference"],
  ] as const;
  for (const [one, other] of contradictions) {
    if (flags[one] && flags[other]) {
      throw new UsageError(`Cannot use --${one} and --${other} together: leave one of them out`);
    }
  }
  if (flags.against !== undefined && !PEER_MODELS.includes(flags.model)) {
    throw new UsageError(
      `Cannot use --against with --model ${flags.model}: the peers have only ${PEER_MODELS.join(", ")}`,
    );
  }
  if (flags.against !== undefined && flags.precision === "tf32") {
    throw new UsageError(
      "Cannot use --against with --precision tf32: the peers run in float32 and bfloat16 only",
    );
  }
}

/**
 * The case that the flags ask for; the machine decides the precision where they leave it open.
 * @throws {UsageError} If the machine does not have the one that is asked for.
 */
export function caseOf(flags: BenchFlags, machine: Machine): BenchmarkCase {
  const model: BenchmarkModel = flags.model;
  const { batch, size } = caseDefaults(model);
  return {
    model,
    batch: flags.batch ?? batch,
    size: flags.size ?? size,
    precision: choosePrecision(flags.precision ?? "auto", machine),
    inference: flags.inference,
  };
}

/** Runs one case in this process. */
async function runCase(flags: BenchFlags): Promise<void> {
  const { steps, seconds, device, threads, xla, json } = flags;
  const cpu = readCpu();
  configure({ device, threads, xla: xla && xla === "on", progress: terminalProgress() });
  await tf.ready();
  const { devices, hasBfloat16, ...machine } = runtimeInfo();
  const benchmarkCase = caseOf(flags, machine);
  const say = (lines: readonly string[]): void => {
    if (!json) lines.forEach((line) => console.log(line));
  };

  const explained = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      throw explainOutOfMemory(error, "Cannot measure", benchmarkCase.batch, "--batch");
    }
  };
  const benchmark = explained(() => createBenchmark(benchmarkCase));
  const { model: network, flopsPerStep, stepsPerCall } = benchmark;
  const { inference, ...rest } = benchmarkCase;
  const described = {
    ...rest,
    name: network.name,
    parameters: parameterCount(network),
    mode: inference ? "inference" : "training",
    cpu: { model: cpu.model, instructions: cpu.instructions, cores: cpu.cores },
    devices,
    ...(threads !== undefined && { threads }),
    versions: versions(),
  } as const;
  say(caseLines(described));
  if (benchmarkCase.precision === "bfloat16" && !hasBfloat16) {
    say(["bfloat16 is emulated: this processor has no instructions for it"]);
  }

  const samples: MemorySample[] = [];
  let startToFirstStepMs = 0;
  const step = (): void => void explained(() => benchmark.step());
  const timing = timeSteps(step, steps === undefined ? { seconds } : { steps }, {
    stepsPerCall,
    onStep(done) {
      if (done === stepsPerCall) startToFirstStepMs = performance.now(); // a clock that starts with the process
      if (steps === undefined || !isSampled(done, steps, stepsPerCall)) return;
      const sample = { step: done, tensors: tf.memory().numTensors, handles: liveHandles(), ...readMemory() };
      samples.push(sample);
      say([sampleLine(sample)]);
    },
  });
  const onGpu = gpuMemoryMiB();
  const result: BenchResult = {
    ...described,
    ...timing,
    imagesPerSecond: rest.batch / timing.msPerStep * 1000,
    gigaflopsPerSecond: flopsPerStep / timing.msPerStep / 1e6,
    startToFirstStepMs,
    peakRssMiB: readMemory().peakMiB,
    ...(onGpu !== undefined && { gpuMemoryMiB: onGpu }),
    ...(steps !== undefined && { memory: samples }),
  };
  if (json) console.log(JSON.stringify(result));
  if (samples.length > 0) say([flatnessLine(samples)]);
  say(resultLines(result));
  if (flags.profile) {
    say(["", ...profileLines(benchmark.profile({ threads }), network.nodes.map(({ name }) => name))]);
  }
  benchmark.dispose();
}

/** Whether memory is looked at after so many of the steps: at the start, after each tenth, at the end. */
export function isSampled(done: number, steps: number, stepsPerCall = 1): boolean {
  const tenths = (count: number): number => Math.floor(10 * count / steps);
  return done === 0 || tenths(done) > tenths(done - stepsPerCall);
}

/** Races the peers, each in processes of its own. */
async function runRace(flags: BenchFlags): Promise<void> {
  const cpu = readCpu();
  const progress = terminalProgress(flags.json);
  const python = await findPython();
  const { precision, ...benchmark } = caseOf(flags, cpu);
  const precisions: Precision[] = flags.precision !== undefined || precision === "float32"
    ? [precision]
    : ["float32", "bfloat16"];
  const standings = await withPeerScripts((scripts) => {
    const field = contenders({
      benchmark,
      precisions,
      seconds: flags.seconds,
      threads: flags.threads,
      python,
      programs: {
        deno: [Deno.execPath(), "run", "--allow-all", ...entryArgs(), "bench"],
        ...scripts,
      },
    });
    return race(field, flags.rounds, runContender, ({ framework, how }, round, outcome) => {
      const found = outcome instanceof Error
        ? outcome.message
        : `${outcome.imagesPerSecond.toFixed(1)} images/s`;
      progress.message(`Round ${round} of ${flags.rounds}: ${framework} ${how}: ${found}`);
    });
  });
  const compared = ratios(standings);
  if (flags.json) {
    console.log(JSON.stringify({ ...benchmark, cpu, rounds: flags.rounds, standings, ratios: compared }));
    return;
  }
  const { model, size, batch, inference } = benchmark;
  const used = versionText(...standings.flatMap(({ results }) => results.map(({ versions }) => versions)));
  console.log(
    `${model}, ${inference ? "inference" : "training"}, ${size} x ${size}, batch ${batch}: ` +
      `medians of ${flags.rounds} rounds in turn`,
  );
  console.log(`${cpuText(cpu)}; ${used}`);
  if (precisions.length === 1 && flags.precision === undefined) {
    console.log("float32 only: this processor is not faster in bfloat16");
  }
  for (const line of ["", ...raceLines(standings, compared)]) console.log(line);
}

/** Lists a made folder. */
async function runListing(files: number, json: boolean): Promise<void> {
  const timing = await timeListing(files);
  const { model, instructions, cores } = readCpu();
  const cpu = { model, instructions, cores };
  if (json) console.log(JSON.stringify({ ...timing, cpu }));
  else listingLines({ ...timing, cpu }).forEach((line) => console.log(line));
}

/** Runs the task. */
export function main(args: readonly string[]): Promise<void> {
  return runTask(benchTask, async (flags) => {
    checkBenchFlags(flags);
    if (flags.list !== undefined) await runListing(flags.list, flags.json);
    else await (flags.against === undefined ? runCase(flags) : runRace(flags));
  }, args);
}

if (import.meta.main) await main(Deno.args);
