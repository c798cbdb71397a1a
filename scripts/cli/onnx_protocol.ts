/** What `onnx_runtime.ts` and the process that it starts have in common. */

/**
 * ONNX Runtime for WebAssembly. It is no dependency of this package: it has 140 MB, and only who checks an ONNX file
 * needs it.
 */
export const ONNX_RUNTIME = "npm:onnxruntime-web@1.30.0";

/** What the process exits with where it is not installed. */
export const NOT_INSTALLED = 3;

/**
 * The head of what goes in, as JSON behind its length in bytes, a uint32; then each file and its images, float32. What comes
 * out are the outputs of each, float32 behind how many numbers they are, a uint32.
 */
export type OnnxHeader = readonly {
  readonly modelBytes: number;
  /** `[n, c, h, w]`. */
  readonly shape: readonly number[];
  /** How many images at a time. */
  readonly batchSize: number;
}[];
