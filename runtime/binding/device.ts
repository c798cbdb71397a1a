/** Where tensors lie. */
import type * as tfjs from "@tensorflow/tfjs";
import { runtime } from "./backend.ts";

/** Whether there is a GPU, with room for so many bytes and as many again for what is computed of them. */
export function gpuHolds(bytes: number): boolean {
  return 2 * bytes < runtime().binding.gpuMemory;
}

/** Copies tensors into the memory of the GPU, in place, where there is one: what is used often is copied once. */
export function toGpu(tensors: readonly tfjs.Tensor[]): void {
  const { backend, binding } = runtime();
  for (const id of backend["getInputTensorIds"]([...tensors])) binding.copyToGpu(id);
}
