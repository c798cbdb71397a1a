/**
 * Pictures and figures of data and runs: the curve of a run, a contact sheet of images, statistics of pixels. An entry
 * of its own, since the curve is drawn by vega, which training needs nothing of.
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
export { type EpochMetrics, readMetrics, readRunInfo, type RunInfo } from "../runs/folder.ts";
export { contactSheet, firstImages, type Images } from "./contact_sheet.ts";
export { drawCurve } from "./curve.ts";
export { type PixelStatistics, pixelStatistics } from "./statistics.ts";
