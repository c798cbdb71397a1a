/** `deno task train`: trains a recipe on CIFAR-10 or a folder of pictures, and keeps its run folder, stops and resumes. */
import { join } from "@std/path";
import type { Data } from "../pipeline/data/mod.ts";
import {
  followSession,
  makeRunFolder,
  readRunInfo,
  RUN_FILES,
  runName,
  runSession,
  type RunSettings,
  type SessionEnd,
} from "../pipeline/runs/mod.ts";
import { findRecipe, PHOTOS } from "../pipeline/training/mod.ts";
import { clusterOf, configure, type Progress, tf, UsageError } from "../runtime/mod.ts";
import { exists } from "../runtime/system/files.ts";
import { taskCommand, taskSummary } from "../runtime/system/package.ts";
import { shellWord } from "../runtime/system/shell.ts";
import { MAX_THREADS } from "../runtime/system/threads.ts";
import { cifarOf, imagesIn, photoSizeOf, picturesIn } from "./cli/data.ts";
import { findRate } from "./cli/find_rate.ts";
import { type Launch, launch, withoutFlag } from "./cli/launch.ts";
import { printNext } from "./cli/next.ts";
import { eventLines } from "./cli/run_lines.ts";
import { seedFolders, seedsIn, trainSeeds } from "./cli/seeds.ts";
import { settingsOf } from "./cli/settings.ts";
import { type Stop, stopOnSignals, STOPPED_BY_ANOTHER } from "./cli/signals.ts";
import {
  commandOf,
  dataFlag,
  deviceFlag,
  precisionFlag,
  runTask,
  threadsFlag,
  type Values,
  xlaFlag,
} from "./cli/task.ts";
import { printLine, printNote, terminalProgress } from "./cli/terminal.ts";

/** The task and its flags. */
export const trainTask = {
  name: "train",
  summary: taskSummary("train"),
  flags: {
    recipe: {
      type: "string",
      placeholder: "NAME|FILE.json",
      help: `what to train, and how; "${
        taskCommand("recipe")
      }" lists the names (default: fast, or photos for pictures)`,
    },
    epochs: {
      sets: "recipe.training.epochs",
      type: "integer",
      min: 1,
      help: "passes over the training images",
    },
    batch: { sets: "recipe.training.batchSize", type: "integer", min: 2, help: "images a step" },
    lr: { sets: "recipe.training.schedule.rate", type: "number", min: 0, help: "peak learning rate" },
    "scale-lr": {
      sets: "recipe.training.scheduleBatch",
      takes: "recipe.training.batchSize",
      type: "boolean",
      help: "with --batch: k times the recipe's images take k times its rate, after 5 epochs of warm-up",
    },
    "class-weights": {
      sets: "recipe.training.classWeights",
      type: "string",
      choices: ["balanced"],
      help: "images of rare classes count for more in the loss: each class for as much as any other",
    },
    "lr-find": {
      type: "boolean",
      help: "train nothing: raise the rate step by step, draw the losses, and propose a rate",
    },
    seed: {
      sets: "seed",
      type: "integer",
      min: 0,
      max: 2 ** 31 - 1,
      help: "seed of weights, order and augmentation (default: 0)",
    },
    seeds: {
      type: "string",
      placeholder: "0..4",
      help: "train each of these seeds in turn, such as 0..4 or 0,3,7, and end with mean and deviation",
    },
    precision: {
      sets: "precision",
      ...precisionFlag,
      help: `${precisionFlag.help} (default: the recipe's)`,
    },
    limit: {
      sets: "limit",
      type: "integer",
      min: 2,
      help: "take the first N training images only, of pictures N of all classes",
    },
    data: {
      sets: "data",
      type: "string",
      placeholder: "DIR",
      help:
        "folder of CIFAR-10, or of pictures: DIR/CLASS/** or DIR/{train,val,test}/CLASS/** (default: data)",
    },
    strict: { type: "boolean", help: "refuse a folder of pictures in which a file is none" },
    patience: {
      sets: "recipe.stopping.patience",
      type: "integer",
      min: 1,
      help: "end after N epochs without a better validation accuracy; the best one is kept",
    },
    run: { type: "string", placeholder: "DIR", help: "folder of the run (default: runs/RECIPE-TIME)" },
    resume: { type: "string", placeholder: "DIR", help: "go on with a run that was stopped" },
    force: { type: "boolean", help: "start over in a folder that holds a run" },
    minutes: {
      sets: "recipe.stopping.minutes",
      type: "number",
      min: 0.01,
      help: "train for N minutes at the most: as many epochs as they have room for; the best one is kept",
    },
    cache: {
      type: "integer",
      min: 0,
      max: 2 ** 20,
      default: 2048,
      help: "MiB of memory for decoded pictures; more are decoded whenever they are seen",
    },
    init: {
      sets: "init",
      type: "string",
      placeholder: "FILE",
      help: "start from these weights (safetensors, PyTorch's names)",
    },
    freeze: {
      sets: "recipe.training.freeze",
      type: "string",
      choices: ["trunk"],
      help:
        "with --init: train the head only; the trunk stays, batch statistics too, and runs as in evaluation",
    },
    tensorboard: {
      sets: "tensorboard",
      type: "string",
      placeholder: "DIR",
      help: "write curves, histograms of the weights and mistakes for TensorBoard, in DIR/NAME-OF-THE-RUN",
    },
    "no-test": { type: "boolean", help: "leave the test images alone" },
    device: { sets: "device", ...deviceFlag },
    threads: { sets: "threads", ...threadsFlag },
    xla: { sets: "xla", ...xlaFlag },
    workers: {
      type: "integer",
      min: 1,
      max: MAX_THREADS,
      help: "train with N processes on this machine, which share each batch (on several: TF_CONFIG)",
    },
    "max-restarts": {
      type: "integer",
      min: 0,
      default: 0,
      help: "with --workers: start all again from the last checkpoint so often if one fails",
    },
    "sync-batch-norm": {
      sets: "syncBatchNorm",
      type: "boolean",
      help: "batch norms take the statistics of the whole batch, not of each worker's share of it",
    },
    quiet: { type: "boolean", help: "no progress" },
  },
  examples: [
    "",
    "--recipe resnet20 --seed 1",
    "--seeds 0..4",
    "--recipe my.json",
    "--recipe tutorial --epochs 2",
    "--data photos/",
    "--resume runs/fast-20261125-093000",
    "--workers 2",
  ],
} as const;

/** The values of the flags. */
type Flags = Values<typeof trainTask.flags>;

/** Gives the images of a data folder. */
type Load = (dir: string, progress: Progress) => Promise<Data>;

/**
 * Trains as the flags say, and prints what the tutorial prints; with `--workers` by starting this program again as each of
 * them, with `TF_CONFIG` in the environment as the worker that it names.
 * @throws {UsageError} If the flags contradict each other or a resumed run, or the folder holds a run.
 */
export async function runTraining(flags: Flags, load: Load): Promise<void> {
  const progress = terminalProgress(flags.quiet);
  const cluster = clusterOf(Deno.env.get("TF_CONFIG"), {
    startSeconds: Deno.env.get("RESNET_WORKER_START_SECONDS"),
    answerSeconds: Deno.env.get("RESNET_WORKER_ANSWER_SECONDS"),
    anyAddress: Deno.env.get("RESNET_ANY_ADDRESS") === "1",
  });
  checkTogether(flags, cluster !== undefined);
  const { settings, why, data } = await asked(flags, { load, cluster, progress });
  if (flags.workers !== undefined && flags.workers > 1) {
    Deno.exit(await launch(await launchOf(flags, settings), progress));
  }
  const stop = stopOnSignals(progress);
  if (why !== undefined) progress.message(why);
  if (cluster !== undefined && cluster.index > 0) return await follow(flags, settings, data, stop);
  if (flags["lr-find"]) {
    const commandFor = (lr: number) => commandOf(trainTask, { ...flags, lr, "lr-find": false });
    return await findRate({ seed: 0, ...settings, recipe: settings.recipe! }, data, commandFor, progress);
  }
  const train = (settings: Partial<RunSettings>, dir: string | undefined): Promise<SessionEnd> =>
    runSession(data, settings, {
      dir,
      resume: flags.resume !== undefined,
      force: flags.force,
      test: flags["no-test"] ? false : undefined,
      signal: stop.signal,
      progress,
      onEvent(event) {
        const { results, notes } = eventLines(event);
        // What is lost if nobody acts is no progress: --quiet does not hide it.
        const note = event.kind === "unsaved" && flags.quiet ? printNote : progress.message;
        notes.forEach((line) => note(line));
        results.forEach(printLine);
        if (event.kind === "start") stop.listen(); // until now there was nothing to save
      },
    });
  const seeds = flags.seeds === undefined ? undefined : seedsIn(flags.seeds);
  const dirOf = seeds && await seedFolders(seeds, flags, settings.recipe!);
  const { dir, step, totalSteps, left } = seeds === undefined
    ? { ...await train(settings, flags.resume ?? flags.run), left: [] }
    : await trainSeeds({
      ...{ seeds, dirOf: dirOf!, progress, signal: stop.signal },
      train: (seed, dir) => train({ ...settings, seed }, dir),
      commandFor: (seeds) => commandOf(trainTask, { ...flags, seeds }),
    });
  if (step < totalSteps || left.length > 0) {
    const command = taskCommand("train", { resume: dir });
    if (step < totalSteps) printLine(`Stopped at step ${step} of ${totalSteps}; go on with: ${command}`);
    left.forEach(printLine);
    Deno.exit(stop.exitCode() ?? STOPPED_BY_ANOTHER);
  }
  if (flags.quiet) return;
  if (seeds === undefined) printNext("report", { run: dir });
  else printNext("compare", {}, seeds.map((seed) => shellWord(dirOf!(seed))).join(" "));
}

/** @throws {UsageError} If two flags contradict each other, or one the place of this process among workers. */
function checkTogether(flags: Flags, isWorker: boolean): void {
  const { seeds, seed, resume, workers = 1 } = flags;
  const fail = (problem: string) => new UsageError(problem);
  if (workers > 1 && isWorker) {
    throw fail("Cannot start workers: TF_CONFIG says that this is one; leave out --workers");
  }
  const ofRuns = (["run", "resume", "force", "seeds"] as const).find((name) => flags[name]);
  if (flags["lr-find"] && ofRuns !== undefined) {
    throw fail(`Cannot use --${ofRuns} with --lr-find: that begins no run; leave one of them out`);
  }
  if (flags["lr-find"] && (workers > 1 || isWorker)) {
    throw fail("Cannot use --lr-find with several workers: one looks for the rate");
  }
  if (seeds === undefined) return;
  if (seed !== undefined) throw fail("Cannot use --seed and --seeds: leave one of them out");
  if (resume !== undefined) throw fail("Cannot resume a run with --seeds: it has one; leave --seeds out");
  if (workers > 1 || isWorker) throw fail("Cannot train several seeds by several workers: give one --seed");
}

/** What is asked for, and what gives the images, once however often they are asked for. `why`: of the images' size. */
async function asked(
  flags: Flags,
  { load, cluster, progress }: { load: Load; cluster: ReturnType<typeof clusterOf>; progress: Progress },
) {
  const listed = flags.resume === undefined ? await picturesIn(flags.data ?? dataFlag.default) : undefined;
  const pictures = listed && photoSizeOf(listed);
  const settings = await settingsOf(trainTask.flags, flags, pictures);
  let known: Data | undefined;
  const data = async (asked: RunSettings): Promise<Data> => {
    const { data = dataFlag.default, device, threads, xla } = asked;
    return known ??= await imagesIn(data, asked.recipe, {
      ...{ listed, load, progress, strict: flags.strict, cache: flags.cache * 2 ** 20 },
      async start() {
        configure({ device, threads, xla: xla && xla === "on", cluster, progress });
        await tf.ready();
      },
    });
  };
  return { settings, data, why: settings.recipe?.name === PHOTOS ? pictures?.why : undefined };
}

/** Trains with worker 0. */
async function follow(
  { resume }: Flags,
  settings: Partial<RunSettings>,
  data: (asked: RunSettings) => Promise<Data>,
  stop: Stop,
): Promise<void> {
  const own = resume === undefined ? undefined : await readRunInfo(resume);
  const asWorker0 = (asked: RunSettings) => data({ ...asked, ...own, data: asked.data ?? own?.data });
  const { step, totalSteps } = await followSession(asWorker0, settings, {
    resume: resume !== undefined,
    signal: stop.signal,
    onStart: stop.listen,
  });
  if (step < totalSteps) Deno.exit(stop.exitCode() ?? STOPPED_BY_ANOTHER);
}

/** What `--workers` starts: this program without that flag, in a folder of its own that it may be started in again. */
async function launchOf(
  flags: Flags,
  { recipe = findRecipe("fast") }: Partial<RunSettings>,
): Promise<Launch> {
  const { workers: count = 1, "max-restarts": maxRestarts, run, resume } = flags;
  const args = withoutFlag(Deno.args, "workers");
  const given = resume ?? run;
  const dir = given ??
    (maxRestarts === 0 ? undefined : await makeRunFolder("runs", runName(recipe.name, new Date())));
  const first = dir === undefined || given !== undefined ? args : [...args, "--run", dir];
  return {
    count,
    maxRestarts,
    args: first,
    async argsAgain() {
      if (dir === undefined || !await exists(join(dir, RUN_FILES.info))) return first;
      const asked = withoutFlag(withoutFlag(args, "run"), "resume").filter((arg) => arg !== "--force");
      return [...asked, "--resume", dir];
    },
  };
}

/** Runs the task. */
export function main(args: readonly string[]): Promise<void> {
  return runTask(trainTask, (flags) => runTraining(flags, cifarOf), args);
}

if (import.meta.main) await main(Deno.args);
