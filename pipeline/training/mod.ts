/**
 * Training as a fold: recipes, optimizers, schedules, and the steps that they make.
 * @module
 */
export type { ClassWeights } from "./class_weights.ts";
export type { Lookahead } from "./lookahead.ts";
export {
  type AdamW,
  type Muon,
  optimize,
  type OptimizeInput,
  type Optimizer,
  type OptState,
  optStateShapes,
  type Sgd,
  type Shapes,
} from "./optimizer.ts";
export { PHOTO_SIZES, PHOTOS, photosAt, photoSize } from "./photos.ts";
export { prepare } from "./prepare.ts";
export { buildModel, modelFor, type Network, type Recipe, type Stopping, type Training } from "./recipe.ts";
export { proposedRate, RATE_STEPS, type RatePoint, rateRange, type RateRangeOptions } from "./rate_range.ts";
export { loadRecipe } from "./recipe_file.ts";
export { type RecipePictures, recipePictures } from "./recipe_pictures.ts";
export { findRecipe, recipes } from "./recipes.ts";
export {
  learningRate,
  type RateChange,
  type Schedule,
  type ScheduleScale,
  scheduleScale,
  unreachedRates,
} from "./schedule.ts";
export {
  disposeState,
  initialVariables,
  startState,
  type StateSettings,
  type StateTensors,
  type TrainState,
} from "./state.ts";
export { type TestOptions, type TestResults, testResults } from "./test_results.ts";
export { type EpochReport, type StepReport, train, type TrainOptions } from "./train.ts";
export type { Share } from "./share.ts";
export { type StepBatch, type StepResult, type StepState, type TrainStep, trainStep } from "./step.ts";
