/** Which number format to compute in. */
import { runtime } from "../binding/backend.ts";
import type { Precision } from "./jit.ts";

/** What the choice of a precision depends on. */
export interface Machine {
  /** Whether what computes, the GPU where there is one, is faster in bfloat16 than in float32. */
  readonly gainsFromBfloat16: boolean;
}

/**
 * The precision to run in: what was asked for; for "auto" bfloat16 where it is the faster one.
 * @param machine This one unless given; then the runtime must have started.
 */
export function choosePrecision(asked: Precision | "auto", machine: Machine = runtime()): Precision {
  if (asked !== "auto") return asked;
  return machine.gainsFromBfloat16 ? "bfloat16" : "float32";
}
