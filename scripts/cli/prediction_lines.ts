/** What a network takes pictures for, as lines: for people, as JSON, as CSV. */
import type { PicturePrediction } from "../../pipeline/inference/mod.ts";
import { cutPath, oneLine } from "../../runtime/system/texts.ts";

/** A prediction, and where its map was drawn if it was. */
export type Shown = Omit<PicturePrediction, "input" | "preview"> & { readonly map?: string };

/** `cat.jpg: 640x480 cat 0.97, dog 0.02, 12.3 ms` */
export function predictionLine({ file, width, height, top, ms }: Shown): string {
  const classes = top.map(({ className, probability }) => `${oneLine(className)} ${probability.toFixed(2)}`);
  return `${oneLine(cutPath(file))}: ${width}x${height} ${classes.join(", ")}, ${ms.toFixed(1)} ms`;
}

/** The same as an object: `file`, `label` and `probability` of the first class, and `top` of all that were asked for. */
export function predictionJson({ file, width, height, top, ms, map }: Shown): string {
  const classes = top.map(({ className, probability }) => ({ label: className, probability }));
  return JSON.stringify({
    file,
    ...classes[0],
    top: classes,
    width,
    height,
    ms: Number(ms.toFixed(3)),
    ...(map !== undefined && { map }),
  });
}

/** The names of the columns of `csvLine`, for so many classes a picture. */
export function csvHeader(classes: number): string {
  const places = Array.from({ length: classes }, (_, i) => i === 0 ? "" : String(i + 1));
  return [
    "file",
    "width",
    "height",
    "ms",
    ...places.flatMap((place) => [`label${place}`, `probability${place}`]),
  ]
    .join(",");
}

/** The same as a row of CSV (RFC 4180). */
export function csvLine({ file, width, height, top, ms }: Shown): string {
  const classes = top.flatMap(({ className, probability }) => [className, String(probability)]);
  return [file, String(width), String(height), ms.toFixed(3), ...classes].map(csvField).join(",");
}

function csvField(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
