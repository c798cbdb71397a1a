/**
 * Pictures and figures of data and runs: a page about a run, its curve, several runs side by side, a contact sheet of images, statistics of pixels.
 * An entry of its own, since curves are drawn by vega, which training needs nothing of.
 *
 * @example Draw how a run went
 * ```ts
 * import { drawCurve, readMetrics, readRunInfo } from "@resnet/deno/reports";
 *
 * async function draw(run: string): Promise<void> {
 *   await Deno.writeTextFile("curve.svg", await drawCurve(await readRunInfo(run), await readMetrics(run)));
 * }
 * ```
 * @module
 */
export {
  type Answers,
  type Calibration,
  calibration,
  type ClassResult,
  classResults,
  type ConfidenceBin,
  confidentMistakes,
  confusionMatrix,
  evaluationOf,
  type Mistake,
} from "../inference/answers.ts";
export { type EpochMetrics, readMetrics, readRunInfo, type RunInfo } from "../runs/folder.ts";
export { type ComparedRun, type Figures, groupRuns, type RunGroup } from "../runs/groups.ts";
export { drawComparison } from "./comparison.ts";
export { contactSheet, firstImages, type Images } from "./contact_sheet.ts";
export { drawCurve } from "./curve.ts";
export { drawRateRange, type RateRangeNotes } from "./rate_range.ts";
export { type Repetition, repetition } from "./repeat.ts";
export { type PicturedMistake, type Report, reportHtml } from "./report.ts";
export { type PixelStatistics, pixelStatistics } from "./statistics.ts";
