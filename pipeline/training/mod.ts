/**
 * Training as a fold: recipes, optimizers, schedules, and the steps that they make.
 * @module
 */
export type { Lookahead } from "./lookahead.ts";
export { type Muon, optimize, type Optimizer, type Sgd } from "./optimizer.ts";
export { choosePrecision, type Machine, prepareData } from "./prepare.ts";
export { buildModel, findRecipe, type ModelSpec, type Recipe, recipes } from "./recipes.ts";
export { learningRate, type Schedule } from "./schedule.ts";
export { type TestResults, testResults } from "./test_results.ts";
export {
  type EpochReport,
  initialState,
  type StepReport,
  train,
  type TrainOptions,
  type TrainState,
  type TrainStep,
  trainStep,
} from "./train.ts";
