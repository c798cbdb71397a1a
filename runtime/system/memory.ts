/** How much memory this process takes. */
import { readSystemText } from "./files.ts";

/** Memory of a process, in MiB. */
export interface Memory {
  /** In memory now. */
  readonly residentMiB: number;
  /** JavaScript's heap, garbage that is not collected yet included; a part of what is resident. */
  readonly heapMiB: number;
  /** The most that ever was. */
  readonly peakMiB: number;
}

const MIB = 2 ** 20;

/** Highest value seen where the system keeps none itself. */
let peakSeen = 0;

/** The memory of this process. Where the system keeps no peak (not Linux), it is the highest value seen by this function. */
export function readMemory(): Memory {
  const { rss, heapTotal } = Deno.memoryUsage();
  const heapMiB = heapTotal / MIB;
  const status = Deno.build.os === "linux" ? parseProcStatus(readSystemText("/proc/self/status")) : undefined;
  if (status !== undefined) return { ...status, heapMiB };
  const residentMiB = rss / MIB;
  peakSeen = Math.max(peakSeen, residentMiB);
  return { residentMiB, peakMiB: peakSeen, heapMiB };
}

/** `VmRSS` and `VmHWM` of Linux's `/proc/PID/status`; nothing if they are not there. */
export function parseProcStatus(text: string): Omit<Memory, "heapMiB"> | undefined {
  const kibibytes = (field: string): number | undefined => {
    const [, value] = text.match(new RegExp(`^${field}:\\s*(\\d+) kB$`, "m")) ?? [];
    return value === undefined ? undefined : Number(value);
  };
  const [resident, peak] = [kibibytes("VmRSS"), kibibytes("VmHWM")];
  if (resident === undefined || peak === undefined) return undefined;
  return { residentMiB: resident / 1024, peakMiB: peak / 1024 };
}
