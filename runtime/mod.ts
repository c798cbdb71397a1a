/**
 * The runtime: libtensorflow under tfjs, and `jit`.
 * @module
 */
export * as tf from "./tf.ts";
export { configure, liveHandles, type RuntimeInfo, runtimeInfo, type RuntimeOptions } from "./backend.ts";
export { JitError } from "./binding.ts";
export { type Cpu, parseCpuInfo, readCpu } from "./cpu.ts";
export { TensorFlowError, UsageError, UserError } from "./errors.ts";
export { type ValueAndGrads, valueAndGrads } from "./grad.ts";
export { jit, type JitOptions, type Jitted, type Precision } from "./jit.ts";
export {
  avgPool,
  batchNormInference,
  type BatchNormResult,
  batchNormTrain,
  biasAdd,
  celu,
  conv2d,
  crossEntropy,
  maxPool,
  type Pool,
  relu,
  type Window,
} from "./ops.ts";
export { type Bar, type Progress, silent } from "./progress.ts";
export { dropout, foldSeed, statelessUniform, statelessUniformInt } from "./random.ts";
export { withScope } from "./scope.ts";
