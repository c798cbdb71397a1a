/**
 * Fills in the tables of docs/scale.md and draws docs/results/scale/efficiency.svg, from what `measure.ts` has written and the pieces
 * that were measured elsewhere, both in docs/results/scale.
 *
 *   deno run -A docs/scale/draw.ts
 */
import type { TopLevelSpec } from "vega-lite";
import { buildModel, parameterCount, recipes } from "../../mod.ts";
import { drawSpec } from "../../pipeline/reports/curve.ts";
import type { Measured, Times } from "./measure.ts";
import { type Link, localStepMs, type Machines, type Overlap, reduceMs, ringMs, stepMs } from "./simulate.ts";

/** What was measured elsewhere, and what is assumed. */
export interface Pieces {
  /** Training steps on one H100. */
  readonly steps: readonly {
    readonly network: string;
    readonly recipe: string;
    /** Whether XLA compiled them. */
    readonly compiled: boolean;
    readonly images: number;
    readonly ms: number;
    readonly source: string;
  }[];
  /** A step of ResNet-34 on the processor that `measure.ts` ran on. */
  readonly cpu: { readonly images: number; readonly ms: number; readonly source: string };
  readonly inside: { readonly gpus: number; readonly gbitPerSecond: number; readonly latencyUs: number };
  readonly between: { readonly gbitPerSecond: readonly number[]; readonly latencyUs: number };
  /** Bytes of a bucket, the last one smaller. */
  readonly bucketBytes: number;
  /** The share of the backward pass in a step. */
  readonly backward: number;
}

/** Where they are, and what is made of them. */
const [MEASURED, PIECES] = ["docs/results/scale/measured.json", "docs/results/scale/pieces.json"];
const [PAGE, PICTURE] = ["docs/scale.md", "docs/results/scale/efficiency.svg"];

/** GPUs that are reckoned with. */
const GPUS = [8, 16, 32, 64, 128, 256, 512, 1024];

const BYTES = 4; // of a float32

/** A step on so many GPUs. */
export interface Prediction {
  readonly gpus: number;
  readonly gbitPerSecond: number;
  readonly overlaps: boolean;
  readonly ms: number;
  /** Images a second, of as many GPUs that need not add up anything. */
  readonly efficiency: number;
}

/** What a step takes on more and more GPUs, each with as many images as the one that was measured. */
export function predictions(
  { recipe, ms }: Pieces["steps"][number],
  { inside, between, bucketBytes, backward }: Pieces,
): Prediction[] {
  const bytes = BYTES * parameterCount(buildModel(recipes[recipe].network));
  return between.gbitPerSecond.flatMap((gbitPerSecond) => {
    const machines: Machines = {
      gpus: inside.gpus,
      inside: { gbitPerSecond: inside.gbitPerSecond, latencyMs: inside.latencyUs / 1000 },
      between: { gbitPerSecond, latencyMs: between.latencyUs / 1000 },
    };
    return GPUS.flatMap((gpus) =>
      [false, true].map((overlaps) => {
        const overlap: Overlap = { buckets: overlaps ? Math.ceil(bytes / bucketBytes) : 1, backward };
        const reckoned = stepMs(ms, bytes, (bytes) => reduceMs(bytes, gpus, machines), overlap);
        return { gpus, gbitPerSecond, overlaps, ms: reckoned, efficiency: ms / reckoned };
      })
    );
  });
}

/** What joins two processes of the machine, by what it took to send the most and the fewest bytes. */
export function loopbackLink({ loopback }: Measured): Link {
  const [few, , most] = loopback.toSorted((a, b) => a.bytes - b.bytes);
  return { gbitPerSecond: 8 * most.bytes / (1e6 * most.ms.median), latencyMs: few.ms.median / 2 };
}

/** The steps of workers that share a batch, beside what is reckoned of the share of one that was alone. */
export function reckonedSteps(measured: Measured) {
  const { steps, reduces, machine: { cores } } = measured;
  const link = loopbackLink(measured);
  const { bytes } = reduces.find(({ of }) => of === "ResNet-20")!;
  const batch = Math.max(...steps.map(({ batch }) => batch));
  return steps.filter((step) => step.batch === batch && step.threads === 1).map((step) => {
    const { workers, threads } = step;
    const alone = steps.find((one) =>
      one.workers === 1 && one.threads === threads && one.batch === batch / workers
    )!;
    const share = { ms: alone.ms.median, cpuMs: alone.cpuMs };
    return { ...step, reckoned: localStepMs(share, bytes, { workers, cores, link }) };
  });
}

/** A table as `deno fmt` writes it. */
function table(...rows: readonly (readonly string[])[]): string {
  const widths = rows[0].map((_, i) => Math.max(3, ...rows.map((row) => row[i].length)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i])).join(" | ")} |`;
  const [head, ...rest] = rows;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...rest.map(line)].join("\n");
}

const whole = (value: number): string => Math.round(value).toLocaleString("en");
const digits = (value: number): string => value >= 100 ? whole(value) : value.toPrecision(3);
const percent = (share: number): string => `${Math.round(100 * share)} %`;
const times = ({ median, deviation }: Times): string => `${digits(median)} (${digits(deviation)})`;

function stepTable(measured: Measured): string {
  const reckoned = reckonedSteps(measured);
  return table(
    [
      "workers",
      "threads of each",
      "images of each",
      "ms a step",
      "images/s",
      "cores at work",
      "reckoned, ms",
    ],
    ...measured.steps.map((step) => {
      const { workers, threads, batch, ms, cpuMs } = step;
      const found = reckoned.find((one) =>
        one.workers === workers && one.threads === threads && one.batch === batch
      );
      return [
        ...[workers, threads, batch / workers].map(String),
        times(ms),
        whole(1000 * batch / ms.median),
        (cpuMs / ms.median).toFixed(1),
        found === undefined || workers === 1 ? "" : digits(found.reckoned),
      ];
    }),
  );
}

function reduceTable(measured: Measured, { cpu }: Pieces): string {
  const link = loopbackLink(measured);
  const ofStep = (of: string, workers: number): number =>
    of === "ResNet-34"
      ? cpu.ms
      : measured.steps.find((step) => step.workers === workers && step.threads === 1)!.ms.median;
  return table(
    [
      "gradients of",
      "MB",
      "workers",
      "parts",
      "ms",
      "cores at work",
      "a ring over loopback, ms",
      "of a step",
    ],
    ...measured.reduces.map(({ of, workers, bytes, parts, ms, cpuMs }) => [
      of,
      (bytes / 1e6).toFixed(1),
      String(workers),
      String(parts),
      times(ms),
      (cpuMs / ms.median).toFixed(1),
      digits(ringMs(bytes, workers, link)),
      percent(ms.median / ofStep(of, workers)),
    ]),
  );
}

function loopbackTable({ loopback }: Measured): string {
  return table(
    ["bytes", "ms", "Gbit/s"],
    ...loopback.map(({ bytes, ms }) => [
      whole(bytes),
      times(ms),
      bytes === 1 ? "" : (8 * bytes / (1e6 * ms.median)).toFixed(1),
    ]),
  );
}

/** What the pieces are called together. */
const title = ({ network, compiled }: Pieces["steps"][number]): string =>
  `${network}${compiled ? "" : ", without XLA"}`;

function predictionTable(piece: Pieces["steps"][number], pieces: Pieces): string {
  const found = predictions(piece, pieces);
  const speeds = pieces.between.gbitPerSecond;
  return table(
    ["GPUs", "batch", "images/s to read", ...speeds.map((speed) => `${speed} Gbit/s`)],
    ...GPUS.map((gpus) => [
      whole(gpus),
      whole(gpus * piece.images),
      whole(1000 * gpus * piece.images / piece.ms),
      ...speeds.map((speed) => {
        const [after, during] = found.filter((one) => one.gpus === gpus && one.gbitPerSecond === speed);
        const cell = ({ ms, efficiency }: Prediction) => `${ms.toFixed(1)} ms, ${percent(efficiency)}`;
        return `${cell(after)} (${cell(during)})`;
      }),
    ]),
  );
}

/** The page with its tables filled in; each stands between comments that name it. */
export function filled(page: string, measured: Measured, pieces: Pieces): string {
  const { machine: { cpu, cores, load }, versions, started } = measured;
  const tables: Readonly<Record<string, string>> = {
    machine: table(
      ["processor", "cores", "load before", "Deno", "TensorFlow", "begun"],
      [cpu, String(cores), load.toFixed(1), versions.deno, versions.tensorflow, started.slice(0, 10)],
    ),
    steps: stepTable(measured),
    reduces: reduceTable(measured, pieces),
    loopback: loopbackTable(measured),
    predictions: pieces.steps.map((piece) =>
      `${title(piece)}, ${piece.images} images a GPU, ${digits(piece.ms)} ms alone:\n\n${
        predictionTable(piece, pieces)
      }`
    ).join("\n\n"),
  };
  return page.replaceAll(
    /(<!-- (\w+) -->\n\n)(?:[^]*?\n\n)??<!-- end -->/g,
    (_, before, name) => `${before}${tables[name]}\n\n<!-- end -->`,
  );
}

/** What the picture shows, as data for Vega-Lite: efficiency by GPUs, a panel for each network. */
function pictureSpec(pieces: Pieces): TopLevelSpec {
  const values = pieces.steps.flatMap((piece) =>
    predictions(piece, pieces).map(({ gbitPerSecond, overlaps, ...one }) => ({
      ...{ ...one, of: title(piece), link: `${gbitPerSecond} Gbit/s` },
      reduce: overlaps ? "during it" : "after the backward pass",
    }))
  );
  return {
    data: { values },
    facet: { column: { field: "of", type: "nominal", title: null, sort: pieces.steps.map(title) } },
    spec: {
      width: 210,
      height: 220,
      mark: { type: "line", strokeWidth: 2 },
      encoding: {
        x: {
          ...{ field: "gpus", type: "quantitative", title: "GPUs, 8 a machine" },
          scale: { type: "log", base: 2, domain: [GPUS[0], GPUS.at(-1)!] },
          axis: { values: GPUS, labelOverlap: false, labelFlush: false },
        },
        y: {
          ...{ field: "efficiency", type: "quantitative", title: "efficiency (predicted)" },
          ...{ scale: { domain: [0, 1] }, axis: { format: ".0%" } },
        },
        color: {
          ...{ field: "link", type: "nominal", title: "between machines" },
          sort: pieces.between.gbitPerSecond.map((speed) => `${speed} Gbit/s`),
        },
        strokeDash: {
          ...{ field: "reduce", type: "nominal", title: "gradients added up" },
          sort: ["after the backward pass", "during it"],
        },
      },
    },
    config: { background: "white", legend: { labelLimit: 0 } },
  };
}

/** A file of the project. */
const at = (path: string): URL => new URL(`../../${path}`, import.meta.url);

/** What docs/scale.md and its picture are to be. */
export async function drawn(): Promise<Readonly<Record<string, string>>> {
  const [page, measured, pieces] = await Promise.all(
    [PAGE, MEASURED, PIECES].map((path) => Deno.readTextFile(at(path))),
  );
  const known: Pieces = JSON.parse(pieces);
  return {
    [PAGE]: filled(page, JSON.parse(measured), known),
    [PICTURE]: await drawSpec(pictureSpec(known)) + "\n",
  };
}

if (import.meta.main) {
  for (const [path, text] of Object.entries(await drawn())) await Deno.writeTextFile(at(path), text);
}
