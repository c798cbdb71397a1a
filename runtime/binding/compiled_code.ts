/** XLA's compiled code on disk, so that the next process need not compile it again. */
import { join } from "@std/path";
import { addFlags } from "./xla_flags.ts";

/**
 * Makes XLA keep what it compiles for GPUs, and what it measured to choose kernels by. To be called before there
 * is a context. What the user has set in these variables stays as it is.
 */
export function keepCompiledCode(folder: string): void {
  const variables = {
    TF_XLA_FLAGS: [
      `--tf_xla_persistent_cache_directory=${join(folder, "code")}`,
      "--tf_xla_persistent_cache_device_types=GPU",
    ],
    XLA_FLAGS: [`--xla_gpu_per_fusion_autotune_cache_dir=${join(folder, "tuning")}`],
  };
  for (const part of ["code", "tuning"]) Deno.mkdirSync(join(folder, part), { recursive: true });
  for (const [name, flags] of Object.entries(variables)) addFlags(name, flags);
}
