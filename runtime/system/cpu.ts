/** What the processor can do, as far as the choice of a precision depends on it. */
import { readSystemText } from "./files.ts";

/** The processor of this machine. */
export interface Cpu {
  /** The maker's name for it, e.g. "AMD EPYC". */
  readonly model: string;
  /** Logical cores. */
  readonly cores: number;
  /**
   * Whether it multiplies bfloat16 numbers itself (AVX512-BF16, AMX-BF16, or Arm's BF16 extension). Without, oneDNN
   * emulates them: a ResNet-20 step took 9 times as long as in float32 on a first-generation EPYC.
   */
  readonly hasBfloat16: boolean;
  /**
   * Whether it is faster in it than in float32. Those with AMX are, and AMD's; an Intel Xeon with AVX512-BF16 alone
   * took 1.3 to 2 times as long (docs/performance.md, "Against PyTorch").
   */
  readonly gainsFromBfloat16: boolean;
  /** The widest of the instruction sets that matter here, for reports: "AMX", "AVX-512", "AVX2" or the architecture. */
  readonly instructions: string;
}

/**
 * Reads what the system says of the processor. Where it says nothing, bfloat16 counts as missing.
 * @example
 * ```ts
 * import { readCpu } from "@resnet/deno";
 *
 * const { model, cores, instructions } = readCpu();
 * console.log(`${model}, ${cores} cores, ${instructions}`); // the last one e.g. AVX-512
 * ```
 */
export function readCpu(): Cpu {
  const cores = navigator.hardwareConcurrency;
  if (Deno.build.os === "linux") return { ...parseCpuInfo(readSystemText("/proc/cpuinfo")), cores };
  return {
    model: Deno.build.arch,
    cores,
    hasBfloat16: false,
    gainsFromBfloat16: false,
    instructions: Deno.build.arch,
  };
}

/** The model and the features in the text of Linux's `/proc/cpuinfo`. */
export function parseCpuInfo(text: string): Omit<Cpu, "cores"> {
  const field = (name: RegExp): string => text.match(name)?.[1].trim() ?? "";
  const flags = new Set(field(/^(?:flags|Features)\s*:(.*)$/m).split(/\s+/));
  const has = (...names: string[]): boolean => names.some((name) => flags.has(name));
  const hasBfloat16 = has("avx512_bf16", "amx_bf16", "bf16");
  const isIntel = field(/^vendor_id\s*:(.*)$/m) === "GenuineIntel";
  return {
    model: field(/^model name\s*:(.*)$/m) || Deno.build.arch,
    hasBfloat16,
    gainsFromBfloat16: hasBfloat16 && (has("amx_bf16") || !isIntel),
    instructions: has("amx_bf16")
      ? "AMX"
      : has("avx512f")
      ? "AVX-512"
      : has("avx2")
      ? "AVX2"
      : Deno.build.arch,
  };
}
