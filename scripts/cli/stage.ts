/** What `load`, `resize`, `normalize` and `split` share: run the pipeline up to a stage and show what comes out. */
import { classCounts, type Data, type Dataset, loadCifar, outputShape } from "../../pipeline/data/mod.ts";
import { contactSheet, firstImages } from "../../pipeline/reports/contact_sheet.ts";
import { type PixelStatistics, pixelStatistics } from "../../pipeline/reports/statistics.ts";
import { configure, tf } from "../../runtime/mod.ts";
import { UsageError } from "../../runtime/system/errors.ts";
import { explainFileErrors } from "../../runtime/system/file_errors.ts";
import { writeFileAtomic } from "../../runtime/system/files.ts";
import { printNext } from "./next.ts";
import { dataFlag, type Flag, MAX_SIDE, type Values } from "./task.ts";
import { terminalProgress } from "./terminal.ts";

/** The flags of every stage. */
export const stageFlags = {
  data: dataFlag,
  out: {
    type: "string",
    placeholder: "FILE.png",
    help: "write a contact sheet of the first training images",
  },
  sample: {
    type: "integer",
    min: 1,
    help: "statistics over the first N training images (default: all, or what a few seconds allow)",
  },
  json: { type: "boolean", help: "print one JSON object" },
} as const satisfies Record<string, Flag>;

/** The flags of every stage from `resize` on. */
export const resizeFlags = {
  size: {
    type: "integer",
    min: 1,
    max: MAX_SIDE,
    default: 224,
    help: "side that the images are resized to, in pixels",
  },
  quantize: { type: "boolean", help: "round to whole pixel values, as an 8-bit PIL image does" },
} as const satisfies Record<string, Flag>;

/** What comes after each stage. */
const NEXT = { load: "resize", resize: "normalize", normalize: "split", split: "train" } as const;

/** One stage of the pipeline. */
export interface Stage {
  /** The task's name. */
  readonly name: keyof typeof NEXT;
  /** The pipeline up to the stage, from the loaded data on. */
  readonly before: (data: Data) => Data;
  /** The stage itself; absent where that is the loading. */
  readonly stage?: (data: Data) => Data;
  /** Side of an image in the contact sheet, in pixels; as it is by default. */
  readonly side?: number;
}

/** What a stage makes of one part of the data. */
export interface PartReport {
  /** How many. */
  readonly images: number;
  /** Of one image, `[H, W, C]`. */
  readonly shape: readonly number[];
  /** Of the pixels. */
  readonly dtype: "uint8" | "float32";
  /** Number of images by name of the class. */
  readonly classCounts: Readonly<Record<string, number>>;
  /** Places in the training files of the first images; only once the data is split. */
  readonly firstIndices?: readonly number[];
  /** Only of the training images. */
  readonly statistics?: Omit<PixelStatistics, "milliseconds">;
}

/** What a stage makes of the data: the object that `--json` prints. */
export interface StageReport {
  /** The task's name. */
  readonly stage: string;
  /** Time in the stage alone, for `timedImages`; where it runs on the device, compiling included. */
  readonly milliseconds: number;
  /** All that were read or split; of a stage that runs on the device, the images of the statistics. */
  readonly timedImages: number;
  /** By name: `train`, `validation`, `test`. */
  readonly parts: Readonly<Record<string, PartReport>>;
  /** The contact sheet, if one was asked for. */
  readonly out?: string;
}

/** Images in a contact sheet. */
const SHEET_IMAGES = 36;
/** Pixels that the statistics look at unless told otherwise: all of CIFAR-10 as stored, 2,000 images at 224 x 224. */
const SAMPLE_PIXELS = 2000 * 224 * 224;

/** Runs the pipeline up to the stage, writes the contact sheet, prints the report. */
export async function showStage(stage: Stage, flags: Values<typeof stageFlags>): Promise<void> {
  if (flags.out !== undefined && !flags.out.toLowerCase().endsWith(".png")) {
    throw new UsageError(`Cannot use --out "${flags.out}": expected a name that ends in .png`);
  }
  configure({ progress: terminalProgress() });
  const start = performance.now();
  const loaded = await loadCifar(flags.data);
  const loading = performance.now() - start;
  const report = await reportStage(stage, loaded, loading, flags);
  console.log(flags.json ? JSON.stringify(report) : formatReport(report));
  if (!flags.json) {
    printNext(NEXT[stage.name], { data: flags.data === dataFlag.default ? undefined : flags.data });
  }
}

/** Measures a stage on loaded data. `loading`: how long that took, in milliseconds. */
export async function reportStage(
  { name, before, stage, side }: Stage,
  loaded: Data,
  loading: number,
  { out, sample }: Pick<Values<typeof stageFlags>, "out" | "sample">,
): Promise<StageReport> {
  const earlier = before(loaded);
  const start = performance.now();
  const data = stage ? stage(earlier) : earlier;
  const running = performance.now() - start;

  const { train } = data;
  const images = sampleSize(train, sample);
  if (train.transforms.length > 0) await tf.ready();
  const { milliseconds, ...statistics } = pixelStatistics(train, { images });
  if (out !== undefined) {
    const normalized = train.transforms.some(({ kind }) => kind === "normalize");
    const sheet = contactSheet(firstImages(train, SHEET_IMAGES), {
      side,
      ...(!normalized && { range: [0, 255] }),
    });
    await explainFileErrors(
      `Cannot write ${out}`,
      "choose another file with --out",
      () => writeFileAtomic(out, sheet),
    );
  }

  const transforming = milliseconds.slice(earlier.train.transforms.length);
  const [time, timedImages] = !stage
    ? [loading, count(loaded)]
    : transforming.length > 0
    ? [transforming.reduce((a, b) => a + b), images]
    : [running, count({ train: earlier.train })];
  return {
    stage: name,
    milliseconds: Math.round(time * 10) / 10,
    timedImages,
    parts: {
      train: { ...describe(train, data.validation !== undefined), statistics },
      ...(data.validation && { validation: describe(data.validation, true) }),
      ...(data.test && { test: describe(data.test, false) }),
    },
    ...(out !== undefined && { out }),
  };
}

function describe(part: Dataset, withIndices: boolean): PartReport {
  return {
    images: part.indices.length,
    shape: outputShape(part),
    dtype: part.transforms.length > 0 ? "float32" : "uint8",
    classCounts: Object.fromEntries(classCounts(part).map((count, label) => [part.classes[label], count])),
    ...(withIndices && { firstIndices: [...part.indices.subarray(0, 10)] }),
  };
}

function count({ train, validation, test }: Data): number {
  return [train, validation, test].reduce((sum, part) => sum + (part?.indices.length ?? 0), 0);
}

/** The report for people. */
export function formatReport({ stage, milliseconds, timedImages, parts, out }: StageReport): string {
  const lines = [`${stage}: ${milliseconds} ms for ${timedImages} images`];
  for (
    const [name, { images, shape, dtype, statistics, firstIndices, classCounts }] of Object.entries(parts)
  ) {
    lines.push("", `${name}: ${images} images, [${shape.join(", ")}] ${dtype}`);
    if (statistics) {
      const over = statistics.images === images ? `all ${images}` : `the first ${statistics.images}`;
      const range = `${shown(Math.min(...statistics.min))} to ${shown(Math.max(...statistics.max))}`;
      lines.push(`  range: ${range}, over ${over} images`);
      lines.push(...table(statistics));
    }
    const counts = Object.entries(classCounts).map(([name, count]) => `${name} ${count}`);
    lines.push(`  classes: ${counts.join(", ")}`);
    if (firstIndices) lines.push(`  first indices: ${firstIndices.join(", ")}`);
  }
  if (out !== undefined) lines.push("", `wrote ${out}`);
  return lines.join("\n");
}

function table({ mean, std, min, max }: Omit<PixelStatistics, "milliseconds">): string[] {
  const names = mean.length === 3 ? ["red", "green", "blue"] : mean.map((_, channel) => `channel ${channel}`);
  const rows = [
    ["", "mean", "deviation", "min", "max"],
    ...names.map((name, channel) => [name, ...[mean, std, min, max].map((values) => shown(values[channel]))]),
  ];
  return rows.map(([name, ...cells]) =>
    `  ${name.padEnd(10)}${cells.map((cell) => cell.padStart(11)).join("")}`
  );
}

function shown(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toFixed(4).replace(/^-(0\.0+)$/, "$1");
}

function sampleSize(train: Dataset, sample: number | undefined): number {
  const available = train.indices.length;
  if (sample === undefined) {
    const [height, width] = outputShape(train);
    return Math.min(available, Math.max(1, Math.floor(SAMPLE_PIXELS / (height * width))));
  }
  if (sample > available) {
    throw new UsageError(`Cannot use --sample ${sample}: there are ${available} training images`);
  }
  return sample;
}
