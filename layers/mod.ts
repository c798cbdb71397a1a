/**
 * The model as pure data, and what reads that data.
 * @module
 */
export { apply, type ApplyOptions } from "./apply.ts";
export type { Arrays, FloatArray, NumericArray } from "./arrays.ts";
export { fastResnet, type FastResnetCfg } from "./fast_resnet.ts";
export { forwardMultiplyAdds } from "./flops.ts";
export { foldBatchNorm } from "./fold.ts";
export { initArrays } from "./init.ts";
export { defineModel, type InitScheme, type Model } from "./model.ts";
export type * from "./node.ts";
export * from "./nodes.ts";
export { type Parameter, parameterCount, parameters } from "./parameters.ts";
export { fromPyTorch, toPyTorch } from "./pytorch.ts";
export {
  type Block,
  bottleneckBlock,
  preActivationBlock,
  preActivationBottleneck,
  residualBlock,
  type ResidualBlockCfg,
  type Shortcut,
  shortcut,
} from "./residual_block.ts";
export { type BlockName, resnet, type ResnetCfg, type Stem } from "./resnet.ts";
export { type Layer, sequential } from "./sequential.ts";
export { squeezeExcitation } from "./squeeze_excitation.ts";
export { summary } from "./summary.ts";
export { init, type Params, toArrays, toTensors, type Variables } from "./variables.ts";
