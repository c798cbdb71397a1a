/**
 * TensorFlow's fused ops with their gradients, eager or inside `jit`. tfjs composes these of many small ops over the
 * whole activation, which costs more than the convolutions between them.
 *
 * Images are `[N, H, W, C]`, kernels `[kh, kw, in, out]`, everything float32 unless said otherwise.
 * @module
 */
// With `*`, for `deno doc` shows in a namespace what comes so, and no names that are picked out.
export * from "./activations.ts";
export * from "./batch_norm.ts";
export * from "./conv2d.ts";
export * from "./loss.ts";
export * from "./pool.ts";
export * from "./window.ts";
