/** Which number format to compute in. */
import { runtimeInfo } from "../binding/backend.ts";
import { AMPERE, version } from "../binding/cuda.ts";
import { UsageError } from "../system/errors.ts";
import type { Precision } from "./jit.ts";

/** What the choice of a precision depends on. */
export interface Machine {
  /** Whether what computes, the GPU where there is one, is faster in bfloat16 than in float32. */
  readonly gainsFromBfloat16: boolean;
  /** Compute capability of the NVIDIA GPU that computes, ten times: 90 is 9.0; of several the least. */
  readonly gpuCapability?: number;
}

/**
 * The precision to run in: what was asked for; for "auto" bfloat16 where it is the faster one, never tf32.
 * @param machine This one unless given; then the runtime must have started.
 * @throws {UsageError} If tf32 is asked for where no GPU computes that has it.
 * @example
 * ```ts
 * import { choosePrecision, tf } from "@resnet/deno";
 *
 * await tf.ready();
 * choosePrecision("auto"); // "bfloat16" or "float32": the faster one here
 * choosePrecision("auto", { gainsFromBfloat16: false }); // "float32"
 * ```
 */
export function choosePrecision(asked: Precision | "auto", machine: Machine = runtimeInfo()): Precision {
  if (asked === "auto") return machine.gainsFromBfloat16 ? "bfloat16" : "float32";
  if (asked === "tf32") checkTf32(machine);
  return asked;
}

function checkTf32({ gpuCapability }: Machine): void {
  if (gpuCapability !== undefined && gpuCapability >= AMPERE) return;
  const found = gpuCapability === undefined
    ? "the processor computes here"
    : `the one here has ${version(gpuCapability)}`;
  throw new UsageError(
    `Cannot compute in tf32: it takes an NVIDIA GPU of compute capability ${version(AMPERE)} or higher, ` +
      `${found}; use --precision float32 or bfloat16`,
  );
}
