/** Where tensors lie, and how much memory there is. */
import type * as tfjs from "@tensorflow/tfjs";
import { runtime } from "./backend.ts";
import { takenMemoryMiB } from "./cuda_driver.ts";

/** Whether there is a GPU, with room for so many bytes and as many again for what is computed of them. */
export function gpuHolds(bytes: number): boolean {
  return 2 * bytes < runtime().binding.gpuMemory;
}

/**
 * MiB of the GPU's memory that are taken, also by the driver and by other processes; `undefined` without an NVIDIA GPU.
 * TensorFlow gives nothing back while it runs: at the end the most that it ever took is in it.
 */
export function gpuMemoryMiB(): number | undefined {
  const { gpus } = runtime();
  return gpus.length === 0 ? undefined : takenMemoryMiB(gpus[0].ordinal);
}

/** Copies tensors into the memory of the GPU, in place, where there is one: what is used often is copied once. */
export function toGpu(tensors: readonly tfjs.Tensor[]): void {
  const { backend, binding } = runtime();
  for (const id of backend["getInputTensorIds"]([...tensors])) binding.copyToGpu(id);
}
