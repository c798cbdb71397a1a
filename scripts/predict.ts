/** `deno task predict`: what a trained network takes pictures for. */
import { join } from "@std/path";
import { availableParallelism } from "node:os";
import { type NamedPicture, picturePool, shownPart } from "../pipeline/data/mod.ts";
import {
  explainer,
  type MapKind,
  picturePaths,
  type PicturePrediction,
  predictor,
  predictPictures,
  type TrainedModel,
} from "../pipeline/inference/mod.ts";
import { drawActivationMap } from "../pipeline/reports/activation_map.ts";
import { pngOf } from "../pipeline/reports/picture_file.ts";
import { configure } from "../runtime/mod.ts";
import { UsageError, UserError } from "../runtime/system/errors.ts";
import { writeFileAtomic } from "../runtime/system/files.ts";
import { taskSummary } from "../runtime/system/package.ts";
import { silent } from "../runtime/system/progress.ts";
import { csvHeader, csvLine, predictionJson, predictionLine, type Shown } from "./cli/prediction_lines.ts";
import { printNext } from "./cli/next.ts";
import { deviceFlag, precisionFlag, runTask, threadsFlag, type Values } from "./cli/task.ts";
import { duration, printLine, printNote, terminalProgress } from "./cli/terminal.ts";
import { loadTrained, trainedFlag } from "./cli/trained.ts";

const task = {
  name: "predict",
  summary: taskSummary("predict"),
  flags: {
    run: trainedFlag,
    topk: { type: "integer", min: 1, default: 5, help: "classes a picture" },
    json: { type: "boolean", help: "a JSON object a line: file, label, probability, top, width, height, ms" },
    csv: { type: "boolean", help: "rows of CSV under a header" },
    explain: {
      type: "string",
      placeholder: "DIR",
      help: "draw where the network sees its first class, over each picture, into this folder (PNG)",
    },
    batch: { type: "integer", min: 1, max: 4096, default: 64, help: "pictures of a step" },
    precision: { ...precisionFlag, default: "float32" },
    device: deviceFlag,
    threads: threadsFlag,
  },
  argument: {
    placeholder: "FILE|FOLDER|PATTERN|-",
    help:
      'pictures: JPEG, PNG, GIF, BMP, WebP; folders with all in them; patterns such as "photos/**/*.jpg"; - is a ' +
      "picture from standard input",
    many: true,
  },
  examples: ["cat.jpg", "--run runs/photos --json photos/", "--explain maps photos/*.jpg"],
} as const;

/** From so many pictures on it pays to start threads that read them. */
const MANY = 32;

/** The longer side of a map's picture, in pixels. */
const MAP_SIDE = 480;

async function predictNamed(flags: Values<typeof task.flags>, ...named: string[]): Promise<void> {
  const { run, topk, json, csv, batch, precision, device, threads } = flags;
  if (json && csv) throw new UsageError("Cannot use --json and --csv together: choose one");
  const { files, problems, others } = await picturePaths(named.filter((name) => name !== "-"));
  const stdin = named.includes("-")
    ? [{ name: "-", bytes: await new Response(Deno.stdin.readable).bytes() }]
    : [];
  const pictures: NamedPicture[] = [...stdin, ...files];
  problems.forEach(({ problem }) => printNote(problem));
  if (pictures.length === 0 && problems.length === 0) {
    throw new UserError(`Cannot predict: there are no pictures in ${named.join(", ")}`);
  }

  configure({ device, threads, progress: terminalProgress(json || csv) });
  const trained = await loadTrained(run);
  const options = { batchSize: batch, top: topk, precision };
  const { predict, dispose } = predictor(trained, options);
  const maps = flags.explain === undefined ? undefined : mapDrawer(trained, flags.explain);
  const { imageShape, view } = trained;
  const pool = picturePool("input", { imageShape, view, ...(maps && { preview: MAP_SIDE }) }, {
    threads: pictures.length < MANY ? 0 : Math.min(8, availableParallelism()),
    ahead: batch, // while the network computes, nobody gives them more
  });
  const length = imageShape.reduce((product, size) => product * size, 1);
  // The first step compiles: not on the first picture's account.
  if (pictures.length > 0) predict(new Uint8Array(Math.min(batch, pictures.length) * length));

  const started = performance.now();
  const isShown = Deno.stdout.isTerminal() || !Deno.stderr.isTerminal(); // lines say how far it is
  const bar = (isShown ? silent : terminalProgress()).start("Predicting", pictures.length, "images");
  if (csv) printLine(csvHeader(Math.min(topk, trained.model.output.shape[0])));
  const lineOf = json ? predictionJson : csv ? csvLine : predictionLine;
  let [done, unread] = [0, problems.length];
  let map: string | undefined;
  try {
    for await (const found of predictPictures(pictures, { predict }, pool, { batchSize: batch })) {
      bar.update(++done);
      if ("problem" in found) {
        unread++;
        printNote(found.problem);
      } else {
        const shown: Shown = maps === undefined ? found : { ...found, map: await maps.draw(found) };
        map = shown.map;
        printLine(lineOf(shown));
      }
    }
  } finally {
    bar.stop();
    pool.close();
    maps?.dispose();
    dispose();
  }
  const predicted = done + problems.length - unread;
  const seconds = (performance.now() - started) / 1000;
  if (predicted > 1) {
    printNote(
      `${predicted} pictures in ${duration(seconds)}, ${Math.round(predicted / seconds)} a second` +
        (others > 0 ? `; ${others} other files left out` : ""),
    );
  }
  if (maps !== undefined) {
    printNote(`${maps.kind} ${predicted === 1 ? `in ${map}` : `of each in ${flags.explain}`}`);
  }
  if (unread > 0) {
    throw new UserError(`Cannot read ${unread} of ${predicted + unread} pictures, named above`);
  }
  if (!json && !csv) printNext("export", { run });
}

/** Draws where a network sees what it takes pictures for. */
interface MapDrawer {
  readonly kind: MapKind;
  /** @returns Where the map is. */
  draw(found: PicturePrediction): Promise<string>;
  dispose(): void;
}

function mapDrawer(trained: TrainedModel, dir: string): MapDrawer {
  const { kind, explain, dispose } = explainer(trained);
  return {
    kind,
    dispose,
    async draw({ file, input, preview, top: [{ label }] }) {
      const path = join(dir, mapName(file, kind));
      const map = drawActivationMap(preview!, explain(input, label), shownPart(preview!, trained));
      await writeFileAtomic(path, pngOf(map));
      return path;
    },
  };
}

/** The name of a picture's map, with the folders of the picture's path, never above the maps' own. */
export function mapName(file: string, kind: MapKind): string {
  const parts = file === "-" ? ["stdin"] : file.split(/[\\/]+/).filter((part) => part !== "" && part !== ".");
  const name = parts.map((part) => part === ".." ? "_" : part).join("/");
  return `${name}.${kind === "Grad-CAM" ? "grad-cam" : "cam"}.png`;
}

/** Runs the task. */
export function main(args: readonly string[]): Promise<void> {
  return runTask(task, predictNamed, args);
}

if (import.meta.main) await main(Deno.args);
