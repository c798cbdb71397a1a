/**
 * What a trained network says of images.
 * @module
 */
export { type Answers, confidentMistakes, evaluationOf } from "./answers.ts";
export { answersOf } from "./ask.ts";
export {
  type ClassAccuracy,
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
export { type ActivationMap, type Explainer, explainer, type MapKind } from "./activation_map.ts";
export { type PicturePaths, picturePaths } from "./picture_paths.ts";
export {
  type PicturePrediction,
  type PicturesOptions,
  predictPictures,
  type UnreadPicture,
} from "./predict_pictures.ts";
export { afterMs } from "./batch_queue.ts";
export { classifier } from "./classifier.ts";
export { metrics } from "./metrics.ts";
export { type Service, service, type ServiceLimits } from "./service.ts";
