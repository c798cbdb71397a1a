/**
 * TensorFlow's fused ops with their gradients, eager or inside `jit`. tfjs composes these of many small ops over the
 * whole activation, which costs more than the convolutions between them.
 *
 * Images are `[N, H, W, C]`, kernels `[kh, kw, in, out]`, everything float32 unless said otherwise.
 * @module
 */
export { biasAdd, celu, relu } from "./activations.ts";
export { batchNormInference, type BatchNormResult, batchNormTrain } from "./batch_norm.ts";
export { conv2d } from "./conv2d.ts";
export { crossEntropy, crossEntropyEach } from "./loss.ts";
export { avgPool, maxPool } from "./pool.ts";
export type { Pool, Window } from "./window.ts";
