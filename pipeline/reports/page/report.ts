/** What a page about a trained network is made of. */
import type { Precision } from "../../../runtime/mod.ts";
import type { EpochMetrics, RunInfo } from "../../runs/folder.ts";
import type { MapKind } from "../../inference/activation_map.ts";
import type { Answers, Mistake } from "../../inference/answers.ts";
import type { Repetition } from "../repeat.ts";

/** What a page says of a run. Plain data. */
export interface Report {
  /** Name of the run's folder. */
  readonly run: string;
  /** What was asked for. */
  readonly info: RunInfo;
  /** How it went. */
  readonly metrics: readonly EpochMetrics[];
  /** Name, number of parameters, and the shape `[H, W, C]` of what the network takes. */
  readonly network: {
    readonly name: string;
    readonly parameters: number;
    readonly input: readonly number[];
  };
  /** Names of the classes, by class number. */
  readonly classes: readonly string[];
  /** Which images the network was asked about. */
  readonly part: "test" | "validation";
  /** Whose weights it has, where they are those of the epoch that was best in validation. */
  readonly bestEpoch?: number;
  /** Number format of the convolutions when it was asked. */
  readonly precision: Precision;
  /** What it said of them, with running statistics, each image seen once as it is. */
  readonly answers: Answers;
  /** What it said wrongly, the surest first. */
  readonly mistakes: readonly PicturedMistake[];
  /** How the maps of the mistakes were made; missing where there are none. */
  readonly mapKind?: MapKind;
  /** How many images of each class the parts of the data have, by class number. */
  readonly counts: {
    readonly training: readonly number[];
    readonly validation?: readonly number[];
    readonly test?: readonly number[];
  };
  /** Some training images of each class side by side, by class number: bytes of PNG or JPEG files. Of the first classes only. */
  readonly pictures: readonly (Uint8Array | undefined)[];
  /** How it is done again. */
  readonly repetition: Repetition;
}

/** A wrong answer, and what there is to see of it. */
export interface PicturedMistake extends Mistake {
  /** The image as it is read: bytes of a PNG or JPEG file. */
  readonly picture: Uint8Array;
  /** Where the network sees in it what it took it for: likewise. */
  readonly map?: Uint8Array;
  /** The file that it was read from, where it has one of its own. */
  readonly file?: string;
}

/** Whether images were made of a folder of pictures: of each its middle, resized. */
export function isOfPictures({ digest }: Pick<RunInfo, "digest">): boolean {
  return digest !== undefined;
}
