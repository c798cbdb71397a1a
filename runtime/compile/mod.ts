/**
 * What measures a compiled function, and what writes one to files, beside `jit` itself, which `runtime/mod.ts` gives.
 * @module
 */
export { type Profile, profile, type ProfileOptions } from "./profile.ts";
export type { RunNode } from "./step_stats.ts";
export { encodeSavedModel, type SavedModelInput } from "./saved_model.ts";
