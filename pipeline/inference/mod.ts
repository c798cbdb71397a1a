/**
 * What a trained network says of images.
 * @module
 */
export {
  evaluate,
  type EvaluateOptions,
  type Evaluation,
  type Evaluator,
  evaluator,
  type EvaluatorOptions,
  type Testing,
} from "./evaluate.ts";
export {
  type Images,
  predict,
  type Prediction,
  type Predictor,
  predictor,
  type PredictorOptions,
  type TrainedModel,
} from "./predict.ts";
