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
  checkVacant,
  createRun,
  epochMetrics,
  latestRun,
  readMetrics,
  readRunInfo,
  RUN_FILES,
  type RunInfo,
  runName,
  writeMetrics,
  writeRunInfo,
} from "./folder.ts";
export { checkResumed } from "./resume.ts";
export { codeVersion, versions } from "./versions.ts";
