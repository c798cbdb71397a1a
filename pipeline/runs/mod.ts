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
export { latestRun, readMetrics, readRunInfo, RUN_FILES } from "./folder.ts";
export { runSession, type SessionStart } from "./session.ts";
export { versions } from "./versions.ts";
