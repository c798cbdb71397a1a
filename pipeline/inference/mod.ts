/**
 * What a trained network says of images.
 * @module
 */
export { evaluate, type EvaluateOptions, type Evaluation, type Testing } from "./evaluate.ts";
