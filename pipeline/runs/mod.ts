/**
 * What a run keeps: its folder, checkpoints and weights.
 * @module
 */
export { bestEpoch, isPatienceOver } from "./best_epoch.ts";
export { type CheckpointNotes, loadCheckpoint, saveCheckpoint } from "./checkpoint.ts";
export type { SessionEnd, SessionEvent, SessionOptions, SessionStart } from "./events.ts";
export {
  checkVacant,
  type EpochMetrics,
  latestRun,
  makeRunFolder,
  readMetrics,
  readRunInfo,
  RUN_FILES,
  type RunInfo,
  runName,
  type RunSettings,
} from "./folder.ts";
export {
  type ComparedRun,
  type Figures,
  figuresOf,
  groupRuns,
  readComparedRun,
  type RunGroup,
} from "./groups.ts";
export { loadModel, type LoadModelOptions, saveModel } from "./model_file.ts";
export { followSession } from "./follow.ts";
export { pictureRecipe, recipeLikeThatOf } from "./picture_recipe.ts";
export { type Asked, changesOf, checkClasses, checkResumed } from "./resume.ts";
export { runSession } from "./session.ts";
export { type TensorBoard, tensorBoard, type TensorBoardOptions } from "./tensorboard.ts";
export { preparedFor, setUp } from "./set_up.ts";
export { versions } from "./versions.ts";
export { loadStart, loadWeights, saveWeights, type Start } from "./weights.ts";
