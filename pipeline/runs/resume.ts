/** What a resumed run may be asked for. */
import { UsageError } from "../../runtime/system/errors.ts";
import type { Changes } from "../training/prepare.ts";
import type { RunInfo } from "./folder.ts";

/** Flags of `train` that a run is made of. */
export type RunFlags =
  & Changes
  & { readonly recipe?: string }
  & Partial<Pick<RunInfo, "seed" | "precision" | "limit" | "init" | "threads" | "device">>;

/**
 * Checks the flags of a resumed run against its own settings: they may repeat them, not change them.
 * @throws {UsageError} Naming the first flag that contradicts.
 */
export function checkResumed(flags: RunFlags, info: RunInfo, dir: string): void {
  const { recipe } = info;
  const settings: Required<{ [K in keyof RunFlags]: unknown }> = {
    recipe: recipe.name,
    epochs: recipe.epochs,
    batch: recipe.batchSize,
    lr: recipe.schedule.rate,
    seed: info.seed,
    precision: info.precision,
    limit: info.limit,
    init: info.init,
    threads: info.threads,
    device: info.device,
  };
  for (const [flag, value] of Object.entries(settings)) {
    const given = flags[flag as keyof RunFlags];
    if (given !== undefined && given !== value) {
      throw new UsageError(
        `Cannot resume ${dir} with --${flag} ${given}: the run has ${
          value ?? "none"
        }; leave the flag out, or start a new run`,
      );
    }
  }
}
