/**
 * The runtime: libtensorflow under tfjs, and `jit`.
 * @module
 */
export * as tf from "./tf.ts";
export {
  configure,
  liveHandles,
  type RuntimeInfo,
  runtimeInfo,
  type RuntimeOptions,
} from "./binding/backend.ts";
export { type Cluster, clusterOf } from "./binding/cluster.ts";
export { gpuHolds, gpuMemoryMiB, toGpu } from "./binding/device.ts";
export { callOp, float, type } from "./binding/kernel.ts";
export { hasGpu, JitError } from "./binding/binding.ts";
export { type Summary, SummaryWriter } from "./binding/summary_writer.ts";
export { type ValueAndGrads, valueAndGrads } from "./compile/grad.ts";
export { jit, type JitOptions, type Jitted, type Precision } from "./compile/jit.ts";
export { choosePrecision, type Machine } from "./compile/precision.ts";
export { repeat } from "./compile/loop.ts";
export { withScope } from "./compile/scope.ts";
export * as tree from "./compile/tree.ts";
export {
  avgPool,
  batchNormInference,
  type BatchNormResult,
  batchNormTrain,
  biasAdd,
  celu,
  conv2d,
  crossEntropy,
  crossEntropyEach,
  maxPool,
  type Pool,
  relu,
  type Window,
} from "./ops/mod.ts";
export {
  allArrived,
  allGather,
  allReduce,
  explainLostWorker,
  type Workers,
  workers,
} from "./ops/collective.ts";
export { batchNormJoint, type Joint } from "./ops/batch_norm_joint.ts";
export { drawRows, type Rows } from "./ops/rows.ts";
export { gatherRows, packBytes, putAt, unpackBytes } from "./ops/bytes.ts";
export { dropout, foldSeed, statelessUniform, statelessUniformInt } from "./ops/random.ts";
export { type Cpu, parseCpuInfo, readCpu } from "./system/cpu.ts";
export { TensorFlowError, UsageError, UserError } from "./system/errors.ts";
export { type Bar, type Progress, silent } from "./system/progress.ts";
