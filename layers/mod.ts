/**
 * The model as pure data, and what reads that data.
 * @module
 */
export { roundedToInt8 } from "./formats/int8.ts";
export { encodeLayersModel, type LayersModelOptions } from "./formats/layers_model.ts";
export { type FileNames, fileNames } from "./formats/names.ts";
export { encodeOnnx, type OnnxOptions } from "./formats/onnx.ts";
export { fromPyTorch, toPyTorch } from "./formats/pytorch.ts";
export { decodeSafetensors, encodeSafetensors, type Safetensors } from "./formats/safetensors.ts";
export { defineModel, type InitScheme, mapNodes, type Model } from "./model.ts";
export { fastResnet, type FastResnetCfg } from "./networks/fast_resnet.ts";
export {
  type Block,
  bottleneckBlock,
  preActivationBlock,
  preActivationBottleneck,
  residualBlock,
  type ResidualBlockCfg,
  type Shortcut,
  shortcut,
} from "./networks/residual_block.ts";
export { type BlockName, resnet, type ResnetCfg, type Stem } from "./networks/resnet.ts";
export { customLayer } from "./nodes/custom.ts";
export type * from "./nodes/node.ts";
export * from "./nodes/nodes.ts";
export { type Layer, sequential } from "./nodes/sequential.ts";
export { apply, type ApplyOptions } from "./readers/apply.ts";
export { type Arrays, firstNotFinite, type FloatArray, type NumericArray } from "./readers/arrays.ts";
export type { ExportOptions } from "./readers/export.ts";
export { forwardMultiplyAdds } from "./readers/flops.ts";
export { foldBatchNorm } from "./readers/fold.ts";
export { foldArrays } from "./readers/fold_arrays.ts";
export { initArrays } from "./readers/init.ts";
export { type Parameter, parameterCount, parameterRoles, parameters } from "./readers/parameters.ts";
export { savedModelFiles } from "./readers/saved_model.ts";
export { summary } from "./readers/summary.ts";
export { trunk, type TrunkAndHead, trunkAndHead } from "./readers/trunk.ts";
export { init, type Tensors, toArrays, toTensors, type Variables } from "./readers/variables.ts";
