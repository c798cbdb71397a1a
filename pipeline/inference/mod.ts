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
