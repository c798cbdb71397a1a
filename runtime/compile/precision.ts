/** Which number format to compute in. */
import { runtime } from "../binding/backend.ts";
import { hasGpu } from "../binding/binding.ts";
import type { Precision } from "./jit.ts";

/** What the choice of a precision depends on. */
export interface Machine {
  /** Whether the processor has instructions for bfloat16. */
  readonly hasBfloat16: boolean;
  /** What TensorFlow sees, e.g. `["CPU:0"]`. */
  readonly devices: readonly string[];
}

/**
 * The precision to run in: what was asked for; for "auto" bfloat16 on a processor that has it, float32 on others and on a
 * GPU.
 * @param machine This one unless given; then the runtime must have started.
 */
export function choosePrecision(asked: Precision | "auto", machine: Machine = thisMachine()): Precision {
  if (asked !== "auto") return asked;
  return machine.hasBfloat16 && !hasGpu(machine.devices) ? "bfloat16" : "float32";
}

function thisMachine(): Machine {
  const { cpu, binding } = runtime();
  return { hasBfloat16: cpu.hasBfloat16, devices: binding.devices };
}
