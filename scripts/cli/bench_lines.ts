/** What `deno task bench` prints. */
import type { BenchmarkCase } from "../../pipeline/bench/benchmark.ts";
import type { ListingTiming } from "../../pipeline/bench/listing.ts";
import { medianRate, type Ratio, type Standing } from "../../pipeline/bench/peers.ts";
import {
  kernelName,
  placeOf,
  shortName,
  timesByLayer,
  timesByOp,
} from "../../pipeline/bench/step_profile.ts";
import type { Timing } from "../../pipeline/bench/timing.ts";
import type { Profile } from "../../runtime/compile/mod.ts";
import type { Cpu } from "../../runtime/system/cpu.ts";
import { median } from "../../runtime/system/median.ts";
import type { Memory } from "../../runtime/system/memory.ts";
import { type Column, tableLines } from "./table.ts";

/** What is held after so many steps. */
export interface MemorySample extends Memory {
  /** Steps done. */
  readonly step: number;
  /** Tensors that tfjs counts. */
  readonly tensors: number;
  /** Tensors that TensorFlow holds for this process. */
  readonly handles: number;
}

/** The result of one case, as `--json` prints it. */
export interface BenchResult extends Timing, Omit<BenchmarkCase, "inference"> {
  /** The network's own name. */
  readonly name: string;
  /** How many numbers it trains. */
  readonly parameters: number;
  /** Whether a step is a whole training step, or a forward pass with running statistics. */
  readonly mode: "training" | "inference";
  /** The batch over the median time. */
  readonly imagesPerSecond: number;
  /** Arithmetic of convolutions and linear layers alone, 10^9 operations a second. */
  readonly gigaflopsPerSecond: number;
  /** From the start of the process to the end of the first step. */
  readonly startToFirstStepMs: number;
  /** The most memory that the process ever held. */
  readonly peakRssMiB: number;
  /** What was taken of the GPU's memory at the end, where there is one: see `gpuMemoryMiB`. */
  readonly gpuMemoryMiB?: number;
  /** The processor. */
  readonly cpu: Pick<Cpu, "model" | "instructions" | "cores">;
  /** TensorFlow's devices, e.g. "CPU:0". */
  readonly devices: readonly string[];
  /** Threads of one kernel, where they were chosen. */
  readonly threads?: number;
  /** Of what computes, by name. */
  readonly versions: Readonly<Record<string, string>>;
  /** With `--steps`: what was held at the start, after each tenth, and at the end. */
  readonly memory?: readonly MemorySample[];
}

/** The processor in a few words. */
export function cpuText(
  { model, instructions, cores }: Pick<Cpu, "model" | "instructions" | "cores">,
): string {
  return `${model} (${instructions}), ${cores} ${cores === 1 ? "core" : "cores"}`;
}

/** What is run, on what. */
export function caseLines(
  { name, parameters, mode, size, batch, precision, cpu, devices, threads, versions }: Pick<
    BenchResult,
    | "name"
    | "parameters"
    | "mode"
    | "size"
    | "batch"
    | "precision"
    | "cpu"
    | "devices"
    | "threads"
    | "versions"
  >,
): string[] {
  const used = threads === undefined ? "" : `, ${threads} ${threads === 1 ? "thread" : "threads"}`;
  return [
    `${name}, ${
      parameters.toLocaleString("en")
    } parameters, ${mode}, ${size} x ${size}, batch ${batch}, ${precision}`,
    `${devices.join(" and ")}: ${cpuText(cpu)}${used}; ${versionText(versions)}`,
  ];
}

/** The figures of one case. */
export function resultLines(result: BenchResult): string[] {
  const { steps, msPerStep, minMs, maxMs, deviationMs, firstStepMs, startToFirstStepMs } = result;
  const { peakRssMiB, gpuMemoryMiB } = result;
  const onGpu = gpuMemoryMiB === undefined ? "" : `, ${gpuMemoryMiB.toFixed(0)} MiB on the GPU`;
  return [
    `${result.imagesPerSecond.toFixed(1)} images/s, ${milliseconds(msPerStep)} a step (median of ${steps}; ` +
    `${milliseconds(minMs)} to ${milliseconds(maxMs)}, deviation ${milliseconds(deviationMs)}), ` +
    `${result.gigaflopsPerSecond.toFixed(1)} GFLOP/s`,
    `first step ${seconds(firstStepMs)}, done ${seconds(startToFirstStepMs)} after the process began; ` +
    `peak memory ${peakRssMiB.toFixed(0)} MiB${onGpu}`,
  ];
}

/** One line of `--steps`. */
export function sampleLine({ step, tensors, handles, residentMiB, heapMiB }: MemorySample): string {
  return `step ${step}: ${tensors} tensors, ${handles} handles, ${residentMiB.toFixed(0)} MiB resident, ` +
    `of which ${heapMiB.toFixed(0)} MiB JavaScript heap`;
}

/**
 * Whether memory was flat: from the first sample after a step, when everything is there, to the last. The JavaScript
 * heap is left out: it grows until V8 finds it worth collecting, and shrinks again.
 */
export function flatnessLine(samples: readonly MemorySample[]): string {
  const [first, last] = [samples.find(({ step }) => step > 0)!, samples.at(-1)!];
  const change = (from: number, to: number): string => from === to ? `flat at ${to}` : `${from} to ${to}`;
  const native = ({ residentMiB, heapMiB }: MemorySample): number => residentMiB - heapMiB;
  const growth = native(last) - native(first);
  return `from step ${first.step} to ${last.step}: tensors ${change(first.tensors, last.tensors)}, ` +
    `handles ${change(first.handles, last.handles)}, resident without the JavaScript heap ` +
    `${growth < 0 ? "" : "+"}${growth.toFixed(1)} MiB`;
}

/** What listing a folder came to. */
export function listingLines(
  { files, classes, seconds, filesPerSecond, cpu }: ListingTiming & Pick<BenchResult, "cpu">,
): string[] {
  const whole = (count: number): string => count.toLocaleString("en", { maximumFractionDigits: 0 });
  return [
    `${whole(files)} pictures in ${whole(classes)} classes listed in ${seconds.toFixed(2)} s, ${
      whole(filesPerSecond)
    } a second`,
    cpuText(cpu),
  ];
}

/** How many of the slowest nodes are listed. */
const SLOWEST = 20;

/**
 * The tables of a profile: by kind of op, by layer, and the slowest nodes.
 * @param layers Names of the network's nodes, in order.
 */
export function profileLines({ nodes, wallMs }: Profile, layers: readonly string[]): string[] {
  const total = nodes.reduce((sum, { ms }) => sum + ms, 0);
  const share = (ms: number): string => `${(100 * ms / total).toFixed(1)} %`;
  const ms = (value: number): string => value === 0 ? "" : value.toFixed(2);
  const numbers = (...titles: string[]): Column[] => titles.map((title) => ({ title, align: "right" }));
  const names = (...titles: string[]): Column[] => titles.map((title) => ({ title, align: "left" }));

  const ops = timesByOp(nodes).filter((op) => op.ms / total >= 0.0005);
  const slowest = nodes.filter(({ ms }) => ms > 0).sort((a, b) => b.ms - a.ms).slice(0, SLOWEST);
  return [
    `${milliseconds(wallMs)} a step with the statistics on; ${
      milliseconds(total)
    } in ops, of which several run at a time`,
    "",
    ...tableLines(
      [...names("op"), ...numbers("nodes", "ms", "share")],
      ops.map(({ op, count, ms }) => [op, `${count}`, ms.toFixed(2), share(ms)]),
    ),
    "",
    ...tableLines(
      [...names("layer"), ...numbers("forward", "backward", "update", "ms", "share")],
      timesByLayer(nodes, layers).map((
        { layer, forward, backward, update, total },
      ) => [layer, ms(forward), ms(backward), ms(update), total.toFixed(2), share(total)]),
    ),
    "",
    ...tableLines(
      [...names("slowest nodes", "op", "layer", "output"), ...numbers("ms")],
      slowest.map((node) => [
        shortName(node),
        kernelName(node.op),
        placeOf(node).layer,
        node.output ? `[${node.output.shape}]` : "",
        node.ms.toFixed(2),
      ]),
    ),
  ];
}

/** The table of a race, and what follows from it. */
export function raceLines(standings: readonly Standing[], ratios: readonly Ratio[]): string[] {
  const columns: Column[] = [
    { title: "", align: "left" },
    { title: "images/s", align: "right" },
    { title: "lowest to highest", align: "right" },
    { title: "ms a step", align: "right" },
    { title: "first step", align: "right" },
    { title: "peak MiB", align: "right" },
  ];
  const rows = standings.map(({ contender: { framework, how }, results }) => {
    const title = `${framework} ${how}`;
    if (results.length === 0) return [title, "failed", "", "", "", ""];
    const rates = results.map(({ imagesPerSecond }) => imagesPerSecond);
    return [
      title,
      medianRate({ results }).toFixed(1),
      `${Math.min(...rates).toFixed(1)} to ${Math.max(...rates).toFixed(1)}`,
      median(results.map(({ msPerStep }) => msPerStep)).toFixed(1),
      seconds(median(results.map(({ firstStepMs }) => firstStepMs))),
      Math.max(...results.map(({ peakRssMiB }) => peakRssMiB)).toFixed(0),
    ];
  });
  return [
    ...tableLines(columns, rows),
    "",
    ...ratios.map(({ precision, against: { framework, how, isTutorial }, ratio }) =>
      `Deno ${precision} is ${ratio.toFixed(2)} x ${
        framework === "PyTorch" && !isTutorial ? "the best of " : ""
      }${framework} (${how})`
    ),
    ...standings.filter(({ failure }) => failure !== undefined)
      .map(({ contender: { framework, how }, failure }) => `${framework} ${how} failed: ${failure}`),
  ];
}

/** Versions of everything that took part, each once. */
export function versionText(...all: Readonly<Record<string, string>>[]): string {
  return Object.entries(Object.assign({}, ...all)).map(([name, version]) => `${name} ${version}`).join(", ");
}

function milliseconds(ms: number): string {
  return `${ms.toFixed(ms < 10 ? 2 : 1)} ms`;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
