/**
 * What a run keeps: its folder, checkpoints and weights.
 * @module
 */
export {
  type CheckpointNotes,
  loadCheckpoint,
  loadStart,
  loadWeights,
  saveCheckpoint,
  saveWeights,
  type Start,
} from "./checkpoint.ts";
export {
  type EpochMetrics,
  latestRun,
  readMetrics,
  readRunInfo,
  RUN_FILES,
  type RunInfo,
  type RunSettings,
} from "./folder.ts";
export { type Asked, checkResumed } from "./resume.ts";
export {
  runSession,
  type SessionEnd,
  type SessionEvent,
  type SessionOptions,
  type SessionStart,
} from "./session.ts";
export { versions } from "./versions.ts";
