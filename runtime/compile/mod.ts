/**
 * What measures a compiled function, beside `jit` itself, which `runtime/mod.ts` gives.
 * @module
 */
export { type Profile, profile, type ProfileOptions } from "./profile.ts";
export type { RunNode } from "./step_stats.ts";
