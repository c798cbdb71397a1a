/** What a session is told, and what it says of its run. */
import type { Model } from "../../layers/mod.ts";
import type { Cpu, Precision } from "../../runtime/mod.ts";
import type { Progress } from "../../runtime/system/progress.ts";
import type { Recipe } from "../training/recipe.ts";
import type { TestResults } from "../training/test_results.ts";
import type { EpochReport } from "../training/train.ts";

/** A run before the first step of a session. */
export interface SessionStart {
  /** The run's folder. */
  readonly dir: string;
  /** What is trained. */
  readonly model: Model;
  /** How. */
  readonly recipe: Recipe;
  /** Number format of the convolutions. */
  readonly precision: Precision;
  /** Training images. */
  readonly images: number;
  /** Classes that they are of. */
  readonly classes: number;
  /** Of the batch size, the last, smaller one included. */
  readonly stepsPerEpoch: number;
  /** What TensorFlow sees, e.g. `["CPU:0"]`. */
  readonly devices: readonly string[];
  /** Whether what computes, the GPU where there is one, has instructions for bfloat16. */
  readonly hasBfloat16: boolean;
  /** Whether XLA compiles the steps. */
  readonly xla: boolean;
  /** The processor. */
  readonly cpu: Pick<Cpu, "model" | "instructions">;
  /** The step that a resumed run goes on from. */
  readonly resumedAt?: number;
  /** The weights that a run starts from, if they are for other classes: how many, 0 if for none, in which file. */
  readonly replacedHead?: { readonly file: string; readonly classes: number };
}

/** What happens in a session, in this order. */
export type SessionEvent =
  /** Everything is there, the first step comes next; from here on stopping saves. */
  | { readonly kind: "start"; readonly start: SessionStart }
  /** An epoch is done, and saved unless `unsaved` came before. */
  | { readonly kind: "epoch"; readonly report: EpochReport }
  /** What could not be written, why, and what stands in the folder, in a line. Training goes on, and saves again. */
  | { readonly kind: "unsaved"; readonly problem: string }
  /**
   * The last step is done. `seconds`: over all sessions; `firstLoss`: of those, until this session knew its first loss,
   * most of which is compiling; `weights`: the file, if it could be written.
   */
  | {
    readonly kind: "trained";
    readonly seconds: number;
    readonly firstLoss: number;
    readonly weights?: string;
  }
  /**
   * The test images are measured, or where a folder of pictures has none, the validation images (`part`). `bestEpoch`:
   * whose weights these are, where the recipe keeps the best.
   */
  | {
    readonly kind: "tested";
    readonly results: TestResults;
    readonly part?: "validation";
    readonly bestEpoch?: number;
  };

/** Where a run lives, what ends it, and whom it tells what happens. */
export interface SessionOptions {
  /** Its folder; `runs/RECIPE-TIME` for a new one unless given. */
  readonly dir?: string;
  /** Goes on with the run in the folder. */
  readonly resume?: boolean;
  /** Starts over in a folder that holds a run. */
  readonly force?: boolean;
  /** Whether to measure on the test images at the end; unless given true, or as a resumed run was told. */
  readonly test?: boolean;
  /** Stops the run: the step under way is finished, then everything is saved. */
  readonly signal?: AbortSignal;
  /** Shows how far training and testing are; nothing unless given. */
  readonly progress?: Progress;
  /** Told what happens; an error of its own ends the session. */
  readonly onEvent?: (event: SessionEvent) => void;
}

/** How a session ended. */
export interface SessionEnd {
  /** The run's folder. */
  readonly dir: string;
  /** Steps done: fewer than all if it was stopped. */
  readonly step: number;
  /** Steps that the run has; those done, where its minutes were over or validation was no better any more. */
  readonly totalSteps: number;
}
